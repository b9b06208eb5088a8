"""How far an engine has been read, and from where to ask again.

Two numbers are kept. *newest* is the highest number read. *settled* is the one up to which nothing can turn up any more. They
differ because the engine takes a number first and commits later: a lower number may become visible after a higher one. So each
number that is missing between the two is waited for, until

- it turns up: below an unbroken row of numbers there is nothing to wait for, or
- it is overtaken for `LATE_S`: a higher one was seen that long ago, far longer than an insert takes, and everything above
  *settled* was asked for once more since, or
- more than `LATE_EVENTS` numbers were given since.

Ages are counted in time that was waited here, so that no clock matters, neither the engine's nor ours. The cursor is written
with what it is about; after a kill, what is above *settled* is read once more, and the log knows its numbers already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from tidings.dialects.ovirt.engine_answers import NO_TIME, Row

LATE_S = 600.0
LATE_EVENTS = 10_000

_FEW = 100
_LOOK_BACK_EVERY = 6


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What must outlive this process, as JSON.

    *newest_ns* is the time of the event *newest*, by which it is recognised. *floor_ns* is set in a later life of the engine, one
    whose numbers began anew: the time of the last event of the earlier one, up to which events are known already.
    """

    settled: int = 0
    newest: int = 0
    newest_ns: int = 0
    floor_ns: int | None = None

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return what `text` wrote."""
        return msgspec.json.decode(text, type=cls)

    @property
    def is_later_life(self) -> bool:
        """Whether the engine's numbers began anew since the first event was read."""
        return self.floor_ns is not None

    @property
    def text(self) -> str:
        """What `read` reads."""
        return msgspec.json.encode(self).decode()


class Progress:
    """The cursor, moved by what is read. Memory is bounded by `LATE_EVENTS`."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self._seen: set[int] = set()
        # What was the newest number, after how much waiting: the age of all numbers up to it.
        self._marks: deque[tuple[float, int]] = deque()
        self._waited_s = 0.0
        self._polls = 0

    def start(self) -> int:
        """Return the number above which to ask next.

        It is below *newest*, so that this event is in the answer and shows that it is still the same engine. Missing numbers
        are asked for each time while that is little work, else every sixth time.
        """
        looks_back = len(self._seen) <= _FEW or self._polls % _LOOK_BACK_EVERY == 0
        self._polls += 1
        after = self.cursor.settled if looks_back else self.cursor.newest
        return max(0, min(after, self.cursor.newest - 1))

    def take(self, rows: Sequence[Row]) -> list[Row]:
        """Return those of *rows* that are new; they are ascending, and complete from where the reading began."""
        known, floor_ns = self.cursor, self.cursor.floor_ns
        above = [row for row in rows if row.id > known.settled]
        new = [row for row in above if row.id not in self._seen]
        if floor_ns is not None:
            new = [row for row in new if row.time_ns > floor_ns or row.time_ns == NO_TIME]
        self._seen.update(row.id for row in above)
        if above and above[-1].id > known.newest:
            last = above[-1]
            self.cursor = msgspec.structs.replace(known, newest=last.id, newest_ns=last.time_ns)
        self._settle(self.cursor.newest - LATE_EVENTS)
        return new

    def swept(self, start: int) -> None:
        """Note that everything above *start* was taken."""
        if start <= self.cursor.settled:
            while self._marks and self._waited_s - self._marks[0][0] >= LATE_S:
                self._settle(self._marks.popleft()[1])
        if not self._marks or self._marks[-1][1] < self.cursor.newest:
            self._marks.append((self._waited_s, self.cursor.newest))

    def waited(self, seconds: float) -> None:
        """Note that this time has passed."""
        self._waited_s += seconds

    def _settle(self, to: int) -> None:
        """Give up what is missing up to *to*, and go on to the next number that is missing."""
        settled = max(self.cursor.settled, to)
        while settled + 1 in self._seen:
            settled += 1
        if settled > self.cursor.settled:
            self.cursor = msgspec.structs.replace(self.cursor, settled=settled)
            self._seen = {id for id in self._seen if id > settled}
