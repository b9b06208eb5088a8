"""What a NAS answers to a collector: rows of the log, event lines, and what went wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, NamedTuple
from urllib.parse import quote_plus

import msgspec
from msgspec import Meta

from tidings.collect import Disconnected
from tidings.dialects.container_station.texts import one_line

_MAX_TEXT = 300
_DIGEST_BYTES = 8
_MARK = "REDACTED"
_Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Entry(NamedTuple):
    """A row or a line: its *number* there, its *text* as received, and a *digest* of what it says."""

    number: int
    text: str
    digest: str


class Lines(msgspec.Struct, frozen=True):
    """Event lines, ascending and numbered from *index*; *offset* is where the next one will be."""

    index: int
    offset: int
    entries: list[Entry]

    @property
    def is_whole(self) -> bool:
        """Whether nothing that was counted is left out, so that the numbers are the device's own."""
        return len(self.entries) == self.offset - self.index


class Failure(NamedTuple):
    """What an answer says of an error: its code, 0 where there is none, and words for the user."""

    code: int
    message: str


class _Row(msgspec.Struct):
    id: _Number
    category: msgspec.Raw = msgspec.Raw(b"null")
    level: msgspec.Raw = msgspec.Raw(b"null")
    message: msgspec.Raw = msgspec.Raw(b"null")
    ts: msgspec.Raw = msgspec.Raw(b"null")
    user: msgspec.Raw = msgspec.Raw(b"null")


class _Messages(msgspec.Struct):
    index: _Number
    offset: _Number
    messages: list[str]


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Error | str | int | bool | None


def read_rows(body: bytes) -> list[Entry]:
    """Return the rows of an answer of ``log``, newest first as they are there. Raises Disconnected."""
    try:
        body.decode()
        rows = [_row_entry(bytes(raw)) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Disconnected(f"no log was answered: {fault}") from None
    if any(former.number <= latter.number for former, latter in pairwise(rows)):
        raise Disconnected("the log is not answered newest first, as Container Station does")
    return rows


def _row_entry(raw: bytes) -> Entry:
    row = msgspec.json.decode(raw, type=_Row)
    # by what it says, since another version of the firmware may print the same row otherwise
    said = [msgspec.json.decode(value) for value in (row.category, row.level, row.message, row.ts, row.user)]
    return Entry(row.id, raw.decode(), _digest(msgspec.json.encode(said)))


def read_lines(body: bytes) -> Lines:
    """Return the lines of an answer of ``event``. Raises Disconnected."""
    try:
        answer = msgspec.json.decode(body, type=_Messages)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Disconnected(f"no events were answered: {fault}") from None
    # asked for more than there is, some answer an index behind the offset
    if max(0, answer.offset - answer.index) < len(answer.messages):
        raise Disconnected(
            f"{len(answer.messages)} events were answered, but counted from {answer.index} to {answer.offset}"
        )
    texts = enumerate(reversed(answer.messages), answer.index)
    entries = [Entry(number, text, _digest(text.encode("utf-8", "surrogatepass"))) for number, text in texts]
    return Lines(answer.index, answer.offset, entries)


def read_failure(body: bytes, secrets: Sequence[str]) -> Failure | None:
    """Return the error that *body* tells of, whatever the HTTP status; None when it tells of none.

    *secrets* are cut out: some servers repeat what they were sent.
    """
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if not is_object(body) or b'"error"' not in body:
            return None
        error = body.decode("utf-8", "replace")  # in a shape of its own
    if isinstance(error, _Error):
        return Failure(error.code, _safe(error.message, secrets))
    return Failure(0, _safe(str(error), secrets))


def is_object(body: bytes) -> bool:
    """Whether *body* is a JSON object."""
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _safe(text: str, secrets: Sequence[str]) -> str:
    """Cut *secrets* out of *text*, also as JSON and forms write them."""
    for secret in filter(None, secrets):
        forms = (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote_plus(secret))
        for form in forms:
            text = text.replace(form, _MARK)
    return one_line(text, _MAX_TEXT)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()
