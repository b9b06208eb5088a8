"""A stand-in for an oVirt engine's SSO and events service: it orders, bounds and cuts lists as the engine does."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from tests.dialects.ovirt.stored import engine_event

USER, PASSWORD = "admin@internal", 'p4ß "w/rd'
START_MS = 1_790_000_000_000
_SHAPE = re.compile(r"(?:severity=(\w+))?\s*(?:sortby time (asc|desc))?\s*(?:page (\d+))?")


class Happened(msgspec.Struct):
    """One row of the engine's table; *severity* other than alert is removed by nobody here."""

    id: int
    time_ms: int
    severity: str = "normal"
    is_removed: bool = False

    @property
    def payload(self) -> bytes:
        """How it is listed."""
        return engine_event(
            id=str(self.id),
            index=str(self.id),
            time=self.time_ms,
            severity=self.severity,
            description=f"number {self.id}",
        )


class MockEngine:
    """What the engine answers; set its attributes to make it answer otherwise."""

    def __init__(self, ids: Iterable[int] = ()) -> None:
        self.rows: dict[int, Happened] = {}
        self.add(*ids)
        self.has_sso = True
        self.lets_read_single = True
        self.tokens: set[str] = set()
        self.lists: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.failures: list[web.Response] = []
        """What is answered to the next requests of the API instead."""
        self.sign_on: web.Response | None = None
        self.before_list: Callable[[int], None] = lambda number: None
        """Called before each list with how many there were, to let something happen between two."""
        self.sign_ons: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.root = ""

    def add(self, *ids: int, time_ms: int | None = None, severity: str = "normal") -> None:
        """Let events become visible; their time grows with their number unless it is given."""
        for id in ids:
            self.rows[id] = Happened(id, START_MS + id * 1000 if time_ms is None else time_ms, severity)

    def remove(self, *ids: int) -> None:
        """Take events out of the lists, as somebody does who dismisses them."""
        for id in ids:
            self.rows[id].is_removed = True

    def purge(self, until: int) -> None:
        """Delete all events up to a number, as retention does."""
        self.rows = {id: row for id, row in self.rows.items() if id > until}

    def oldest_first(self, after: int, size: int) -> list[Happened]:
        """Return what a list by time holds."""
        rows = sorted(self._listed(after), key=lambda row: (row.time_ms, -row.id))
        return rows[:size]

    def newest_first(self, after: int, size: int, page: int) -> list[Happened]:
        """Return what a page holds."""
        rows = sorted(self._listed(after), key=lambda row: -row.id)
        return rows[(page - 1) * size :][:size]

    def _listed(self, after: int) -> list[Happened]:
        return [row for row in self.rows.values() if row.id > after and not row.is_removed]

    @asynccontextmanager
    async def serving(self, context: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """Listen on a free port of the loopback."""
        app = web.Application(middlewares=[self._count])
        app.router.add_post("/ovirt-engine/sso/oauth/token", self._token)
        app.router.add_post("/ovirt-engine/services/sso-logout", self._log_out)
        app.router.add_get("/ovirt-engine/api", self._api)
        app.router.add_get("/ovirt-engine/api/events", self._list)
        app.router.add_get("/ovirt-engine/api/events/{id}", self._get)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        self.root = f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()

    @web.middleware
    async def _count(self, request: web.Request, handler: Callable[..., object]) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        try:
            await asyncio.sleep(0)
            if "/api" in request.path and (refusal := self._refusal(request)):
                return refusal
            answer = await handler(request)  # type: ignore[misc]
            assert isinstance(answer, web.StreamResponse)
            return answer
        finally:
            self.at_once -= 1

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self.failures:
            return self.failures.pop(0)
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        is_known = value in self.tokens if kind == "Bearer" else kind == "Basic" and not self.has_sso
        return None if is_known else web.Response(status=401)

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if not self.has_sso:
            return web.Response(status=404, text="<html>Not Found</html>")
        assert request.headers["Accept"] == "application/json"
        assert (form["grant_type"], form["scope"]) == ("password", "ovirt-app-api")
        self.sign_ons.append(str(form["username"]))
        if self.sign_on is not None:
            return self.sign_on
        if (form["username"], form["password"]) != (USER, PASSWORD):
            error = f"Cannot authenticate user {form['username']!s} with password {form['password']!s}"
            return web.json_response({"error_code": "access_denied", "error": error}, status=400)
        token = f"token-{len(self.sign_ons)}"
        self.tokens.add(token)
        return web.json_response({"access_token": token, "expires_in": "1", "token_type": "bearer"})

    async def _log_out(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.tokens.discard(str(form["token"]))
        return web.json_response({})

    async def _api(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"product_info": {"name": "oVirt Engine", "version": {"major": "4", "full_version": "4.5.6-1.el9"}}}
        )

    async def _list(self, request: web.Request) -> web.Response:
        self.before_list(len(self.lists))
        self.lists.append(dict(request.query))
        shape = _SHAPE.fullmatch(request.query["search"])
        if shape is None:
            return web.json_response({}, headers={"Warning": '299 tidings "search, unknown field at column 1"'})
        severity, order, page = shape.groups()
        after, size = int(request.query.get("from", "0")), int(request.query["max"])
        known = self.rows
        self.rows = {id: row for id, row in known.items() if severity in {None, row.severity}}
        found = self.oldest_first(after, size) if order else self.newest_first(after, size, int(page))
        self.rows = known
        body = b",".join(row.payload for row in found)
        return web.Response(body=b'{"event":[%s]}' % body if found else b"{}", content_type="application/json")

    async def _get(self, request: web.Request) -> web.Response:
        if not self.lets_read_single:
            return web.json_response({"reason": "Operation Failed", "detail": "[not permitted]"}, status=400)
        row = self.rows.get(int(request.match_info["id"]))
        return web.Response(body=row.payload, content_type="application/json") if row else web.Response(status=404)
