"""The answers of the native API as typed values, for its clients."""

from __future__ import annotations

import msgspec

from tidings.event import Event, decode_line

NDJSON = "application/x-ndjson"
NEXT_CURSOR = "Tidings-Next-Cursor"
COUNT_HINT = "Tidings-Count-Hint"


class Published(msgspec.Struct, frozen=True):
    """What became of one batch, or of several added up."""

    stored: int = 0
    duplicates: int = 0
    head: int = 0

    def __add__(self, other: Published) -> Published:
        """Return the sum; the head is the later one."""
        return Published(self.stored + other.stored, self.duplicates + other.duplicates, max(self.head, other.head))


class Ends(msgspec.Struct, frozen=True):
    """The two ends of the log: the newest index (0: empty) and the oldest one kept."""

    head: int
    oldest: int


class Found(msgspec.Struct, frozen=True):
    """One page of a search: stored lines in the order asked for; *cursor* fetches the next page (empty: nothing more)."""

    lines: list[bytes]
    cursor: str = ""

    @property
    def events(self) -> list[Event]:
        """The lines decoded."""
        return [decode_line(line) for line in self.lines]


class KindInfo(msgspec.Struct, frozen=True):
    """One kind of event: documented, seen, or both."""

    kind: str
    system: str = ""
    title: str = ""
    description: str = ""
    severity: str = ""
    fields: tuple[str, ...] = ()
    seen: int = 0


class FieldInfo(msgspec.Struct, frozen=True):
    """One searchable field."""

    name: str
    type: str = ""
    operators: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    help: str = ""
    example: str = ""


class TokenInfo(msgspec.Struct, frozen=True):
    """One token; *token* itself only in the answer that created it."""

    id: str | int
    name: str
    role: str
    scopes: tuple[str, ...] | None = None
    token: str = ""


class UserInfo(msgspec.Struct, frozen=True):
    """One user account."""

    name: str
    role: str


class Count(msgspec.Struct, frozen=True):
    """How many events match."""

    count: int


class Oldest(msgspec.Struct, frozen=True):
    """The oldest index kept after a trim."""

    oldest: int
