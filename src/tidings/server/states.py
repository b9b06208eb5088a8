"""The last known state of each thing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from tidings.auth import Principal
from tidings.projections import Thing, Wanted
from tidings.server import parameters
from tidings.server.context import Context
from tidings.server.replies import reply

DEFAULT_THINGS, MAX_THINGS = 100, 10_000


class ThingRow(msgspec.Struct, frozen=True):
    """One thing, and the event that told its state: its *index*, its *kind* and its time, *since*."""

    type: str
    id: str
    name: str
    source: str
    scope: str
    state: str
    since: str
    index: int
    kind: str
    details: Mapping[str, str]


async def states(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer what the log told last of each thing that *who* may see."""
    wanted = Wanted(**{name: parameters.text(request, name) for name in Wanted.__struct_fields__})
    limit = parameters.integer(request, "max", DEFAULT_THINGS, 1, MAX_THINGS) or DEFAULT_THINGS
    return reply([_row(thing) for thing in await context.state.select(wanted, who, limit)])


def _row(thing: Thing) -> ThingRow:
    return ThingRow(
        type=thing.type,
        id=thing.id,
        name=thing.name,
        source=thing.source,
        scope=thing.scope,
        state=thing.state,
        since=thing.since,
        index=thing.index,
        kind=thing.kind,
        details=thing.details,
    )
