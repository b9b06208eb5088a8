"""The table of oVirt's routes. Below ``/ovirt-engine/api`` one handler finds its way itself: paths carry parameters there."""

from __future__ import annotations

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.ovirt.api_root import api_json, api_xml
from tidings.dialects.ovirt.faults import OvirtFault
from tidings.dialects.ovirt.routes import events, sso, subscriptions
from tidings.dialects.ovirt.routes.answers import fault, refuse, reply
from tidings.dialects.ovirt.routes.listing import list_events
from tidings.dialects.ovirt.routes.targets import Target, read_target
from tidings.dialects.routes import Api, Host, Refusal, Route

COOKIE = "JSESSIONID"
_BASIC = "basic "


async def engine(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer whatever lies below the API's entry point."""
    try:
        answer = await _answer(host, request, read_target(request), who)
    except OvirtFault as said:
        return fault(request, said)
    if not answer.prepared:
        await _keep_session(host, request, who, answer)
    return answer


async def _answer(host: Host, request: web.Request, target: Target, who: Principal) -> web.StreamResponse:
    match request.method, target.path:
        case "GET" | "HEAD", ():
            now_ns = host.clock.now_ns()
            return reply(request, api_xml(now_ns), api_json(now_ns))
        case "GET" | "HEAD", ("events",):
            return await list_events(host, request, target, who)
        case "POST", ("events",):
            return await events.add(host, request, target, who)
        case "POST", ("events", "undelete"):
            return await events.undelete(host, request, target, who)
        case "GET" | "HEAD", ("events", _):
            return await events.show(host, request, target, who)
        case "DELETE", ("events", _):
            return await events.remove(host, request, target, who)
        case _, ("users", _, "eventsubscriptions", *_):
            return await subscriptions.answer(host, request, target, who)
        case _, () | ("events",) | ("events", _):
            raise Refusal(405, f"{request.method} is not possible here")
    raise Refusal(404, "")


async def _keep_session(host: Host, request: web.Request, who: Principal, answer: web.StreamResponse) -> None:
    """Give who came with a password a cookie for the next requests, if he asked for one."""
    wishes = request.headers.get("Prefer", "").lower()
    is_basic = request.headers.get("Authorization", "").lower().startswith(_BASIC)
    if "persistent-auth" in wishes and is_basic and who.origin in ("password", "token"):
        secret = await host.blocking(lambda: host.sessions.create(who, COOKIE))
        answer.set_cookie(COOKIE, secret, path="/ovirt-engine", httponly=True, samesite="Strict", secure=request.secure)


API = Api(
    ("/ovirt-engine",),
    (
        Route("*", "/ovirt-engine/api{target:(?:[/;].*)?}", engine),
        Route("POST", "/ovirt-engine/sso/oauth/token", sso.token, None),
        Route("POST", "/ovirt-engine/sso/oauth/token-http-auth", sso.token_by_negotiation, None),
        Route("POST", "/ovirt-engine/services/sso-logout", sso.log_out, None),
    ),
    refuse,
    COOKIE,
)
