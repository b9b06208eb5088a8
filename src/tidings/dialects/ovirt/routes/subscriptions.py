"""``users/{id}/eventsubscriptions``: everybody's own subscriptions, and for admins those of all.

The id is a UUID, or the name of an account. An account's UUID is the one that tidings' own events show for it as their user.
"""

from __future__ import annotations

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.ovirt.faults import refused
from tidings.dialects.ovirt.record import is_uuid, made_id
from tidings.dialects.ovirt.routes.answers import done, reply
from tidings.dialects.ovirt.routes.targets import Target, read_body
from tidings.dialects.ovirt.subscriptions import (
    Subscriptions,
    read_subscription,
    subscription_href,
    subscription_json,
    subscription_xml,
    subscriptions_json,
    subscriptions_xml,
)
from tidings.dialects.routes import Host, Refusal
from tidings.own_events import SOURCE

_FORBIDDEN, _NOT_FOUND = 403, 404


async def answer(host: Host, request: web.Request, target: Target, who: Principal) -> web.StreamResponse:
    """Answer a request below ``users/{id}/eventsubscriptions``. Raises Refusal, OvirtFault."""
    kept = host.own(Subscriptions, lambda: Subscriptions(host.store))
    user = _user_id(host, target.path[1], who)
    match request.method, target.path[3:]:
        case "GET" | "HEAD", ():
            return await _list(host, request, target, kept, user)
        case "POST", ():
            return await _add(host, request, kept, user)
        case "GET" | "HEAD", (event,):
            return await _show(host, request, kept, user, event.lower())
        case "DELETE", (event,):
            if not await host.blocking(lambda: kept.remove(user, event.lower())):
                raise Refusal(_NOT_FOUND, "")
            return done(request, is_async=bool(target.switch("async", empty=True)))
        case _, () | (_,):
            raise Refusal(405, f"{request.method} is not possible here")
    raise Refusal(_NOT_FOUND, "")


async def _list(host: Host, request: web.Request, target: Target, kept: Subscriptions, user: str) -> web.Response:
    limit = target.number("max")
    if limit is not None and limit < 0:
        raise refused(f"max is {limit}; it can't be negative")
    found = (await host.blocking(lambda: kept.list(user)))[:limit]
    return reply(request, subscriptions_xml(found), subscriptions_json(found))


async def _add(host: Host, request: web.Request, kept: Subscriptions, user: str) -> web.Response:
    body = await read_body(request, "the subscription", host.config.max_event_size)
    new = read_subscription(body, request.headers.get("Content-Type", ""), user)
    if not await host.blocking(lambda: kept.add(new)):
        raise refused(f"there is a subscription to {new.event} already; remove it before you add another")
    added = reply(request, subscription_xml(new), subscription_json(new), 201)
    added.headers["Location"] = f"{request.url.origin()}{subscription_href(new)}"
    return added


async def _show(host: Host, request: web.Request, kept: Subscriptions, user: str, event: str) -> web.Response:
    found = await host.blocking(lambda: kept.get(user, event))
    if found is None:
        raise Refusal(_NOT_FOUND, "")
    return reply(request, subscription_xml(found), subscription_json(found))


def _user_id(host: Host, named: str, who: Principal) -> str:
    """Return the UUID of the user that the path names. Raises Refusal, the same whether there is that user, unless *who* may know."""
    own = _account_id(who.name)
    account = host.account(named)
    if who.name in (named, account) or named.lower() == own:
        return own
    if not who.is_admin:
        raise Refusal(_FORBIDDEN, f"{who.name} may see and change only its own subscriptions: the role admin is needed")
    if account is not None:
        return _account_id(account)
    if not is_uuid(named):
        raise Refusal(_NOT_FOUND, "")
    return named.lower()


def _account_id(name: str) -> str:
    return made_id(SOURCE, "", "user", name)
