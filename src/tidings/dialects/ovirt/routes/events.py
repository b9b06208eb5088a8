"""One event: added, shown, removed; and all removed alerts brought back."""

from __future__ import annotations

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.ovirt.adding import added_record, draft_of
from tidings.dialects.ovirt.codes import NAME
from tidings.dialects.ovirt.faults import MALFORMED_ID, OvirtFault, refused
from tidings.dialects.ovirt.flood import FloodControl, key_of
from tidings.dialects.ovirt.reading import read_event
from tidings.dialects.ovirt.record import record_of
from tidings.dialects.ovirt.routes.answers import done, reply
from tidings.dialects.ovirt.routes.targets import Target, read_body
from tidings.dialects.ovirt.writing import event_json, event_xml, href_of
from tidings.dialects.routes import Host, Refusal
from tidings.errors import Forbidden
from tidings.event import Event, Index, decode_line
from tidings.query.ast import Column, Compare, Not, Query, conjoin
from tidings.severity import Severity

_MAX_DIGITS = 18
_FORBIDDEN = 403
_PAGE = 1_000


async def add(host: Host, request: web.Request, _target: Target, who: Principal) -> web.StreamResponse:
    """Store an event and answer it as it is stored."""
    if not who.may_publish:
        raise Refusal(_FORBIDDEN, f"{who.name} may not add events: the role writer is needed")
    new = read_event(
        await read_body(request, "the event", host.config.max_event_size), request.headers.get("Content-Type", "")
    )
    floods, key = host.own(FloodControl, lambda: FloodControl(host.clock)), key_of(new)
    if floods.holds_back(key, new.hold_back_s):
        host.held_back(NAME)
        raise refused(f"an equal event was added less than {new.hold_back_s} s ago: its flood_rate holds this one back")
    now_ns = host.clock.now_ns()
    draft = draft_of(new, NAME, who.name, now_ns)
    draft.scope = _scope(who)
    try:
        appended = await host.core.publish([draft], who)
    except BaseException:
        floods.clear(key)
        raise
    if not appended.stored:
        floods.clear(key)
        raise refused(f"duplicate custom id: {new.custom_id} of {new.origin} is taken by event {appended.indexes[0]}")
    record = added_record(new, appended.indexes[0], now_ns)
    answer = reply(request, event_xml(record), event_json(record), 201)
    answer.headers["Location"] = f"{request.url.origin()}{href_of(record.index)}"
    return answer


def _scope(who: Principal) -> str:
    """Return the scope of what *who* adds: oVirt's events name none."""
    if len(who.scopes) > 1:
        raise Refusal(
            _FORBIDDEN, f"{who.name} has several scopes and oVirt's events name none; use an account with one"
        )
    return who.scopes[0] if who.scopes else ""


async def show(host: Host, request: web.Request, target: Target, who: Principal) -> web.StreamResponse:
    """Answer one event, a removed one too."""
    record = record_of(await _find(host, target, who))
    return reply(request, event_xml(record), event_json(record))


async def remove(host: Host, request: web.Request, target: Target, who: Principal) -> web.StreamResponse:
    """Take an event out of the lists; doing it again is no error. Alerts are for admins."""
    event = await _find(host, target, who)
    if event.severity is Severity.ALERT and not who.is_admin:
        raise Refusal(_FORBIDDEN, f"{who.name} may not remove alerts: the role admin is needed")
    try:
        await host.removed.remove(event.index, who)
    except Forbidden as fault:
        raise Refusal(_FORBIDDEN, str(fault)) from None
    host.own(FloodControl, lambda: FloodControl(host.clock)).clear(key_of(record_of(event)))
    # Not 202, whatever async says: it is done, and the SDK takes any other answer to a removal for a failure.
    return done(request, is_async=False)


async def undelete(host: Host, request: web.Request, target: Target, who: Principal) -> web.StreamResponse:
    """Bring back every removed alert; other events stay removed."""
    if not who.is_admin:
        raise Refusal(_FORBIDDEN, f"{who.name} may not bring alerts back: the role admin is needed")
    removed = host.removed.condition()
    if isinstance(removed, Not):
        alerts = Query(conjoin(removed.part, Compare(Column.SEVERITY, "=", Severity.ALERT)), limit=_PAGE)
        found = [
            decode_line(line).index
            async for batch in host.core.export(alerts, who)
            for line in (batch if isinstance(batch, list) else batch.lines)
        ]
        await host.removed.restore(found, who)
    return done(request, is_async=bool(target.switch("async", empty=True)))


async def _find(host: Host, target: Target, who: Principal) -> Event:
    text = target.path[1]
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise OvirtFault(MALFORMED_ID, f'For input string: "{text[:80]}"')
    return await host.core.get(Index(int(text)), who)
