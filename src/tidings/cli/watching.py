"""What ``tidings monitor`` runs: follow, show, remember the position, stop when told to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import NamedTuple

from tidings.cli import lxc_output, pretty
from tidings.cli.connection import Target
from tidings.cli.cursor_file import INTERVAL_S, CursorFile
from tidings.cli.exits import Exit
from tidings.cli.failures import note
from tidings.cli.lxc_output import View
from tidings.cli.output import encode_for_stdout, write
from tidings.cli.yaml_text import from_json
from tidings.client import Client
from tidings.clock import SystemClock
from tidings.errors import CursorExpired
from tidings.event import Index
from tidings.following import Delivery, Following, OnState, State
from tidings.query.ast import conjoin
from tidings.query.parser import parse
from tidings.query.render import render

Show = Callable[[Delivery], bytes]
"""What turns a delivery into the bytes that are shown; none for one that isn't to be shown."""


class Watch(NamedTuple):
    """What to follow and how to show it."""

    server: Target
    query: str
    after: int | None
    cursor: CursorFile | None
    from_oldest: bool
    limit: int | None
    output: str
    verbose: bool
    view: View = View()

    def narrowed(self, view: View) -> Watch:
        """Return the plan with *view*, and its condition in the query, so that the server sends no more than is shown.

        Raises QuerySyntaxError for a query that can't be read.
        """
        if view.wanted is None:
            return self._replace(view=view)
        asked = parse(self.query, SystemClock().now_ns()).where
        return self._replace(view=view, query=render(conjoin(view.wanted, asked)))


def watch(plan: Watch) -> Exit:
    """Follow until enough events were shown or a signal comes; return the exit code. Blocks."""
    return asyncio.run(_run(plan))


async def _run(plan: Watch) -> Exit:
    stopped = False
    try:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(_follow(plan))

            def stop() -> None:
                nonlocal stopped
                stopped = True
                following.cancel()

            with _stopping_by_signal(stop):
                if plan.cursor is not None:
                    keeping = group.create_task(_keep(plan.cursor))
                    following.add_done_callback(lambda _: keeping.cancel())
                await asyncio.wait([following])
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None
    finally:
        if plan.cursor is not None:
            plan.cursor.flush()
    return Exit.INTERRUPTED if stopped else Exit.OK


@contextmanager
def _stopping_by_signal(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _keep(cursor: CursorFile) -> None:
    """Write what was noted too soon after the write before it; when events stop coming nothing else would."""
    while True:
        await asyncio.sleep(INTERVAL_S)
        cursor.flush()


async def _follow(plan: Watch) -> None:
    show = printer(plan.output, plan.view)
    after, left = plan.after, plan.limit
    async with Client(plan.server.url, plan.server.token) as client:
        while left is None or left > 0:
            following = client.follow(plan.query, after=after)
            following.on_state = _teller(plan, following)
            try:
                left = await _show_all(following, show, plan.cursor, left)
            except CursorExpired as error:
                if not plan.from_oldest:
                    note(f"The oldest kept index is {error.oldest}; --from-oldest goes on there.")
                    raise
                note(f"{error}; going on with index {error.oldest}")
                after = error.oldest - 1


async def _show_all(following: Following, show: Show, cursor: CursorFile | None, left: int | None) -> int | None:
    async with aclosing(following.batches()) as batches:
        async for batch in batches:
            looked_at, shown = _shown(batch, show, left)
            write(b"".join(shown))
            if cursor is not None:
                cursor.note(looked_at)
            if left is not None:
                left -= len(shown)
                if left == 0:
                    break
    return left


def _shown(batch: list[Delivery], show: Show, limit: int | None) -> tuple[Index, list[bytes]]:
    """Return what to show of *batch*, at most *limit* events, and the index of the last one that was looked at."""
    shown: list[bytes] = []
    for delivery in batch:
        if data := show(delivery):
            shown.append(data)
            if len(shown) == limit:
                return delivery.index, shown
    return batch[-1].index, shown


def _teller(plan: Watch, following: Following) -> OnState:
    """Return what is told each change of the connection."""

    def tell(state: State, why: str) -> None:
        if state is State.LIVE and plan.cursor is not None and following.last is not None:
            # Whatever came before was shown; a start without any event must leave its position behind too.
            plan.cursor.note(Index(following.last))
        if plan.verbose:
            where = f" after index {following.last}" if state is State.LIVE else ""
            note(f"{state.value}{where}{f': {why}' if why else ''}")

    return tell


def printer(form: str, view: View) -> Show:
    """Return what shows deliveries in *form*; *view* says how events of LXD's form are shown."""
    match form:
        case "pretty":
            line_of = pretty.line_printer()
            return lambda delivery: encode_for_stdout(line_of(delivery.event) + "\n")
        case "yaml":
            return lambda delivery: f"---\n{from_json(delivery.line)}".encode()
        case "lxd":
            show = lxc_output.printer(view)
            return lambda delivery: show(delivery.event)
        case _:
            return lambda delivery: delivery.line + b"\n"
