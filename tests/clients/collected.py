"""What a collector brought into tidings, read back, and compared with what the source sent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from tests.clients.tidings_server import TidingsServer
from tests.clients.waiting import until

_MARK = b"REDACTED"
_STAMP = re.compile(rb'"timestamp":"[^"]*"')


class Stored(msgspec.Struct, frozen=True):
    """A stored event, as an export has it; *data* is the payload, each byte of it."""

    sequence: int
    type: str
    source: str
    time: str
    data: msgspec.Raw = msgspec.Raw(b"")
    severity: str = ""
    subject: str = ""
    actor: str = ""
    scope: str = ""
    message: str = ""

    @property
    def payload(self) -> bytes:
        return bytes(self.data)


def stored(server: TidingsServer, search: str = "") -> list[Stored]:
    """Return everything that matches, in index order."""
    reply = server.ask("GET", f"/v1/events?export=1&format=ndjson&search={search}")
    assert reply.status == 200, reply
    decoder = msgspec.json.Decoder(Stored, strict=False)
    return [decoder.decode(line) for line in reply.body.splitlines()]


def collectors(server: TidingsServer) -> dict[str, dict[str, object]]:
    """Return the state of each collector by its name."""
    return {row["name"]: row for row in server.get("/v1/collectors")}


def wait_until_live(server: TidingsServer, name: str) -> None:
    """Return when the collector is live: nothing that its source says from now on may be missed."""
    until(lambda: collectors(server)[name]["state"] == "live", lambda: f"a live collector; it is {collectors(server)}")


def agrees(sent: bytes, kept: bytes) -> bool:
    """Whether *kept* is *sent*, each byte of it, except for values that are ``REDACTED``."""
    sent = sent.removesuffix(b"\n")
    if sent == kept:
        return True
    if _MARK not in kept:
        return False
    return re.fullmatch(b'[^"]+?'.join(re.escape(part) for part in kept.split(_MARK)), sent) is not None


def unaccounted(sent: Iterable[bytes], kept: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """Return which of *sent* are not in *kept* as often as they were sent, and how often they are."""
    expected = Counter(message.removesuffix(b"\n") for message in sent)
    found = Counter(kept)
    redacted = {stamp: payload for payload in kept if _MARK in payload and (stamp := _stamp(payload))}
    wrong = []
    for message, times in expected.items():
        counted = found[message]
        twin = redacted.get(_stamp(message), b"")
        if not counted and twin and agrees(message, twin):
            counted = found[twin]
        if counted != times:
            wrong.append((message, counted))
    return wrong


def _stamp(payload: bytes) -> bytes:
    found = _STAMP.search(payload)
    return found[0] if found else b""
