"""``serve --demo``: real events, recorded from an LXD daemon, so that a first look is never empty."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from tidings import rfc3339
from tidings.clock import Clock
from tidings.core import Core
from tidings.demo import recorded_events
from tidings.dialects import load_decoder
from tidings.event import Draft
from tidings.own_events import ITSELF

SOURCE = "lxd/demo"
_BATCH = 500
_MIN_PAUSE_S, _MAX_PAUSE_S = 2.0, 5.0


async def replay(core: Core, clock: Clock) -> None:
    """Publish all recorded events as if the last of them happened now."""
    drafts = await asyncio.to_thread(_decode)
    shift = clock.now_ns() - max(rfc3339.parse(draft.time) for draft in drafts)
    for draft in drafts:
        draft.time = rfc3339.render(rfc3339.parse(draft.time) + shift)
    for start in range(0, len(drafts), _BATCH):
        await core.publish(drafts[start : start + _BATCH], ITSELF)


async def trickle(core: Core, clock: Clock) -> None:
    """Publish one of the recorded events, with the time now, every few seconds without end."""
    lines = await asyncio.to_thread(lambda: list(recorded_events()))
    decode = load_decoder("lxd").decode
    while True:
        await asyncio.sleep(random.uniform(_MIN_PAUSE_S, _MAX_PAUSE_S))  # noqa: S311 (no secret depends on it)
        draft = decode(random.choice(lines), SOURCE)  # noqa: S311
        draft.time = rfc3339.render(clock.now_ns())
        await core.publish([draft], ITSELF)


def _decode() -> Sequence[Draft]:
    decode = load_decoder("lxd").decode
    return [decode(line, SOURCE) for line in recorded_events()]
