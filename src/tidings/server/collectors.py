"""How the collectors are: for users, and for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from tidings.auth import Principal
from tidings.collect import CollectorStatus, State
from tidings.server.context import Context
from tidings.server.replies import reply
from tidings.telemetry.metrics import Labelled


async def list_collectors(context: Context, _request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the status of each collector, in the order of the configuration; somebody limited to some scopes sees none.

    They tell of other systems' addresses and troubles, which belong to no scope.
    """
    return reply([] if who.scopes else context.collectors.status())


def metrics_of(collectors: Sequence[CollectorStatus]) -> Labelled:
    """Return the values of the metrics about *collectors*; there is no lag before the first event."""
    by_name = [((one.name,), one) for one in collectors]
    return {
        "tidings_collector_live": {label: one.state is State.LIVE for label, one in by_name},
        "tidings_collector_events_total": {label: one.events for label, one in by_name},
        "tidings_collector_gaps_total": {label: one.gaps for label, one in by_name},
        "tidings_collector_reconnects_total": {label: one.reconnects for label, one in by_name},
        "tidings_collector_lag_seconds": {label: one.lag_s for label, one in by_name if one.lag_s is not None},
    }
