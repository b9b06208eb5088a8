"""Send batches so that no line is stored twice or lost: what may be tried again and what may not."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep as pause

import msgspec

from tidings.answers import NDJSON, Published
from tidings.cli.batches import Batch
from tidings.cli.http import Http, Params
from tidings.cli.plurals import number_of
from tidings.errors import Busy, InvalidEvent, Stopping, TidingsError
from tidings.problem import ConnectionLost, Rejected, Unreachable

PATIENCE_S = 60.0
STOPPING_S = 2.0


class Sender:
    """Publishes batch after batch and keeps the sum of what was acknowledged."""

    def __init__(self, http: Http, params: Params, note: Callable[[str], None]) -> None:
        self._http, self._params, self._note = http, params, note
        self.total = Published()
        self.lines = 0

    def send(self, batch: Batch, name: str) -> None:
        """Publish *batch* of the file *name*; it is on disk when this returns. Raises Rejected."""
        waited = 0.0
        attempt = 0
        while True:
            try:
                published = self._post(batch)
            except TidingsError as error:
                delay = self._delay_s(error, batch, attempt)
                if delay is None or waited + delay > PATIENCE_S:
                    raise Rejected(self._describe(error, batch, name), error) from error
                self._note(f"{error}; trying again in {delay:g} s")
                pause(delay)
                waited += delay
                attempt += 1
            else:
                self.total += published
                self.lines += len(batch.lines)
                return

    def _post(self, batch: Batch) -> Published:
        answer = self._http.ask("POST", "/v1/events", self._params, body=batch.body, media_type=NDJSON)
        return msgspec.json.decode(answer.body, type=Published)

    def _delay_s(self, error: TidingsError, batch: Batch, attempt: int) -> float | None:
        """Return how long to wait before the next attempt, or None when there must be none."""
        match error:
            case Busy():
                return float(error.retry_after_s)
            case Stopping():
                return STOPPING_S
            case ConnectionLost() if not batch.is_idempotent:
                return None
            case Unreachable() if self.lines or attempt or isinstance(error, ConnectionLost):
                return min(0.5 * 2.0**attempt, 10.0)
            case _:
                return None

    def _describe(self, error: TidingsError, batch: Batch, name: str) -> str:
        if isinstance(error, InvalidEvent):
            place = f"{name}, line {batch.number_of(error.line)}" + (f", column {error.column}" if error.column else "")
            what = f"{place}: {error.reason}{_hint(batch)}\nNothing of its batch ({batch.span}) was stored"
        elif isinstance(error, ConnectionLost):
            what = (
                f"{name}, {batch.span}: {error}\nWhether they were stored is unknown; "
                "they carry no ids, so they were not sent again"
                if not batch.is_idempotent
                else f"{name}, {batch.span}: {error}\nThey carry ids, so publishing them again stores none twice"
            )
        else:
            what = f"{name}, {batch.span}: {error}\nNothing of them was stored"
        return f"{what}; {self.acknowledged}."

    @property
    def acknowledged(self) -> str:
        """What is safe, in words."""
        if not self.lines:
            return "no line before was published"
        sum_ = self.total
        lines = f"{number_of(self.lines, 'line')} before {'was' if self.lines == 1 else 'were'} acknowledged"
        return f"{lines} ({sum_.stored} stored, {number_of(sum_.duplicates, 'duplicate')}, head {sum_.head})"


def _hint(batch: Batch) -> str:
    if batch.lines[0].lstrip()[:1] == b"[":
        return "\npublish reads one JSON event a line; an array becomes lines with `jq -c '.[]'`"
    return ""
