"""Flood control: an event that a client adds again and again is held back for as long as the client itself asked.

The engine takes a ``flood_rate``, shows it, and never acts on it for such events. Here it is kept: equal are events of the same
origin, code, links and description.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import msgspec

from tidings.clock import Clock
from tidings.dialects.ovirt.codes import EXTERNAL_KINDS, code_of
from tidings.dialects.ovirt.reading import NewEvent
from tidings.dialects.ovirt.record import Record

MAX_KEYS = 10_000
_SECOND_NS = 1_000_000_000

Key = bytes
"""What equal events have in common; short, whatever the length of the texts."""


def key_of(event: NewEvent | Record) -> Key:
    """Return the key of an event that is added, or of the same one once it is stored."""
    code = code_of(EXTERNAL_KINDS[event.severity]) if isinstance(event, NewEvent) else event.code
    links = [(link.type, link.id) for link in event.links]
    equal = msgspec.json.encode((event.origin, code, links, event.description))
    return hashlib.blake2b(equal, digest_size=16).digest()


class FloodControl:
    """Remembers the newest events that asked for it, at most 10,000: then the oldest is forgotten, and may come again.

    Lives on the event loop; in memory only, so a restart lets each event through once.
    """

    def __init__(self, clock: Clock, max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._let_in: OrderedDict[Key, int] = OrderedDict()

    def holds_back(self, key: Key, rate_s: int) -> bool:
        """Whether an equal event was let in less than *rate_s* seconds ago; if not, this one counts as let in now.

        *rate_s* is what the client asked for, 0 when it asked for nothing: then nothing is held back or remembered. What is
        held back doesn't lengthen the time. Should the event not be stored after all, `clear` its key.
        """
        if rate_s <= 0:
            return False
        now_ns = self._clock.now_ns()
        since_ns = self._let_in.get(key)
        # Negative waiting means the clock was set back: who knows for how long, so let it in.
        if since_ns is not None and 0 <= now_ns - since_ns < rate_s * _SECOND_NS:
            return True
        self._let_in[key] = now_ns
        self._let_in.move_to_end(key)
        if len(self._let_in) > self._max_keys:
            self._let_in.popitem(last=False)
        return False

    def clear(self, key: Key) -> None:
        """Let the next equal event in: this one was removed, or wasn't stored."""
        self._let_in.pop(key, None)
