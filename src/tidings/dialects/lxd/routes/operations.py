"""``/1.0/operations``: the server's own long jobs, and join tokens that wait to be used, as LXD shows them."""

from __future__ import annotations

import msgspec
from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.lxd.operation import job_operation
from tidings.dialects.lxd.routes.envelope import is_recursive, requestor_of, sync
from tidings.dialects.lxd.routes.trust import token_operation
from tidings.dialects.routes import Host, Refusal
from tidings.errors import Forbidden, NotFound
from tidings.jobs import Job, payload_of
from tidings.own_events import announce

_MAX_WAIT_S = 3600
_URL = "/1.0/operations/"


async def list_operations(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the operations by status, as LXD groups them: ``{"running": [...], "success": [...]}``."""
    found = [_operation_of(job) for job in host.jobs.list() if _may_see(who, job)]
    if who.is_admin:
        found += [token_operation(host, token) for token in host.certificates.join_tokens()]
    groups: dict[str, list[object]] = {}
    for operation in found:
        shown = operation if is_recursive(request) else f"{_URL}{operation['id']}"
        groups.setdefault(str(operation["status"]).lower(), []).append(shown)
    return sync(groups)


async def one_operation(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer one operation."""
    return sync(_find(host, request, who))


async def wait(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer an operation when it has ended, or as it is after ``timeout`` seconds (-1: an hour)."""
    text = request.query.get("timeout", "-1")
    try:
        seconds = int(text)
    except ValueError:
        raise Refusal(400, f"timeout must be a number of seconds, not {text[:40]!r}") from None
    shown = _find(host, request, who)
    if shown["class"] == "token":
        return sync(shown)
    timeout_s = _MAX_WAIT_S if seconds < 0 else min(seconds, _MAX_WAIT_S)
    job = await host.held(request, who, lambda: host.jobs.wait(str(shown["id"]), timeout_s))
    return sync(_operation_of(job))


async def cancel(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """End an operation early: a job that may be cancelled, or a join token, which is then refused."""
    shown = _find(host, request, who)
    number = str(shown["id"])
    if shown["class"] == "token":
        token = await host.blocking(lambda: host.certificates.revoke_join_token(number))
        await announce(
            host.core, host.clock, "certificate-token-revoked", f"Join token for {token.name} revoked",
            actor=who.name, subject=f"certificate token {token.id}",
            payload={"id": token.id, "name": token.name, "requestor": requestor_of(host, request, who)},
        )  # fmt: skip
        return sync({})
    try:
        host.jobs.cancel(number)
    except Forbidden as fault:
        raise Refusal(400, str(fault)) from None
    return sync({})


def _find(host: Host, request: web.Request, who: Principal) -> dict[str, object]:
    number = request.match_info["id"]
    try:
        job = host.jobs.get(number)
    except NotFound:
        pass
    else:
        if _may_see(who, job):
            return _operation_of(job)
    token = next((token for token in host.certificates.join_tokens() if token.id == number), None)
    if token is None or not who.is_admin:
        raise Refusal(404, "Operation not found")
    return token_operation(host, token)


def _operation_of(job: Job) -> dict[str, object]:
    return job_operation(msgspec.json.encode(payload_of(job)))


def _may_see(who: Principal, job: Job) -> bool:
    """Whether *who* may see the job: somebody limited to some projects only what he began himself."""
    return not who.scopes or job.actor == who.name
