"""How far a NAS has been read, and what was read but isn't stored yet: all that must outlive this process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tidings.dialects.container_station.nas_answers import Entry

KEPT = 8
"""By how many of the newest entries a list is recognised. Lines repeat each other, so a single one would say little."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """How far one of the two lists, the log or the events, has been read.

    *epoch* names one life of the device's counter: the Unix time at which reading began. *position* is the highest id read of
    the log, and the number that the next line will have of the events. *tail* holds the digests of the newest entries by their
    number, *heard_ns* is when the last one came.
    """

    epoch: int
    position: int = 0
    tail: dict[int, str] = {}
    heard_ns: int = 0

    def is_other(self, entries: Iterable[Entry]) -> bool:
        """Whether a number that was read stands for something else in *entries*: the counter began anew."""
        return any(self.tail.get(entry.number, entry.digest) != entry.digest for entry in entries)

    def read(self, entries: Sequence[Entry], position: int, now_ns: int, *, is_numbered: bool) -> View:
        """Return the view after the new *entries*; what has no number of its own can't be recognised later."""
        tail = {**self.tail, **{entry.number: entry.digest for entry in entries}} if is_numbered else {}
        return View(
            epoch=self.epoch,
            position=position,
            tail={number: tail[number] for number in sorted(tail)[-KEPT:]},
            heard_ns=now_ns if entries else self.heard_ns,
        )

    def anew(self, now_s: int) -> View:
        """Return the view of the next life, of which nothing is read; the clock may have been set back meanwhile."""
        return View(epoch=max(now_s, self.epoch + 1), heard_ns=self.heard_ns)


class Heard(msgspec.Struct, frozen=True):
    """A row or a line: the id that it is stored by, its text as received, and when that was."""

    id: str
    text: str
    heard_ns: int


class Happening(msgspec.Struct, omit_defaults=True):
    """What happened, in one of the two lists or in both; *tries* counts how often its partner was looked for."""

    row: Heard | None = None
    line: Heard | None = None
    tries: int = 0


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered, as JSON. *rows* and *lines* wait for their partners, *decided* is about to be stored."""

    log: View
    event: View
    rows: list[Happening] = []
    lines: list[Happening] = []
    decided: list[Happening] = []

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return what `text` wrote."""
        return msgspec.json.decode(text, type=cls)

    @property
    def text(self) -> str:
        """What `read` reads."""
        return msgspec.json.encode(self).decode()
