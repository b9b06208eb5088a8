"""A stand-in for a NAS with Container Station: its login, its log and its events, in the ways that the versions differ."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

USER, PASSWORD = "admin", 'p4ß "w/rd'
PREFIX = "/containerstation/api/v1"
START_S = 1_789_000_000


def container_line(state: str, name: str = "web", time_s: int | None = None, **members: Any) -> str:
    """Return the event line for what happened to an LXC container."""
    time = "" if time_s is None else f"{time_s}:"
    return f"container:all:{time}{json.dumps({'container': name, 'state': state, 'type': 'lxc', **members})}"


class MockNas:
    """What the NAS answers; set its attributes to make it answer otherwise."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.dropped = 0
        """How many lines are counted and not there any more."""
        self.hidden: set[int] = set()
        """Lines that are counted and not shown, as to a user who may not see them."""
        self.prefixes = {PREFIX}
        self.takes = {"json", "form"}
        self.always_200 = False
        self.cookie = "CS_SESS_ID"
        self.most_rows = 10_000
        self.sessions: set[str] = set()
        self.log_ins: list[str] = []
        """How each login came: as JSON or as a form."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.cookies: list[str] = []
        self.failures: list[web.Response] = []
        """What is answered to the next requests instead, but for the login."""
        self.login_failure: web.Response | None = None
        self.before_answer: Callable[[str, Mapping[str, str]], None] = lambda path, query: None
        """Called before each answer, to let something happen meanwhile."""
        self.root = ""

    def row(self, message: str, *, category: str = "container", **members: Any) -> int:
        """Write a row of the log; return its id. The time grows with it unless it is given."""
        id = self.rows[-1]["id"] + 1 if self.rows else 1
        row = {"category": category, "id": id, "level": "INFO", "message": message, "ts": START_S + id, "user": "ann"}
        self.rows.append({**row, **members})
        return int(self.rows[-1]["id"])

    def line(self, *lines: str) -> None:
        """Let events happen."""
        self.lines += lines

    def happens(self, verb: str, name: str = "web") -> None:
        """Let something happen to a container that both lists tell of."""
        self.row(f"{verb.capitalize()} container (lxc, {name})")
        self.line(container_line(verb, name))

    def restart(self) -> None:
        """Forget events and sessions, as a NAS does that is switched off; the log stays."""
        self.lines, self.dropped = [], 0
        self.sessions.clear()

    @asynccontextmanager
    async def serving(self, context: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """Listen on a free port of the loopback."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        self.root = f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        prefix, _, path = request.path.rpartition("/")
        self.asked.append((request.path, dict(request.query)))
        if prefix not in self.prefixes:
            return web.Response(status=404, text="<html>Not Found</html>", content_type="text/html")
        if (request.method, path) == ("POST", "login"):
            return self._log_in(await request.text())
        self.cookies.append(request.headers.get("Cookie", ""))
        if self.failures:
            return self.failures.pop(0)
        session = request.cookies.get(self.cookie, "")
        if session not in self.sessions:
            return self._fail(401, "Unauthorized")
        self.before_answer(path, request.query)
        match request.method, path:
            case "PUT", "logout":
                self.sessions.discard(session)
                return web.json_response({"username": USER})
            case "GET", "log":
                return self._log(request.query)
            case "GET", "event":
                return self._event(int(request.query["index"]))
        return self._fail(404, "Not found")

    def _fail(self, status: int, message: str) -> web.Response:
        error = {"error": {"code": status, "message": message}}
        return web.json_response(error, status=200 if self.always_200 else status)

    def _log_in(self, body: str) -> web.Response:
        form = "json" if body.startswith("{") else "form"
        self.log_ins.append(form)
        if self.login_failure is not None:
            return self.login_failure
        if form not in self.takes:
            return self._fail(400, "Invalid parameter: username")
        given = json.loads(body) if form == "json" else {name: value[0] for name, value in parse_qs(body).items()}
        if given != {"username": USER, "password": PASSWORD}:
            return self._fail(401, f"Wrong: {given['username']} {given['password']}")
        session = f"session-{len(self.log_ins)}"
        self.sessions.add(session)
        answer = web.json_response({"anonymous": False, "isAdmin": True, "logintime": "now", "username": USER})
        answer.set_cookie(self.cookie, session, path="/", httponly=True)
        return answer

    def _log(self, query: Mapping[str, str]) -> web.Response:
        limit, offset = min(int(query["limit"]), self.most_rows), int(query["offset"])
        page = self.rows[::-1][offset:][:limit]
        return web.Response(text=json.dumps(page, indent=2), content_type="application/json")

    def _event(self, index: int) -> web.Response:
        offset = self.dropped + len(self.lines)
        index = min(max(index, self.dropped), offset)
        shown = [
            line
            for number, line in enumerate(self.lines, self.dropped)
            if number >= index and number not in self.hidden
        ]
        return web.json_response({"index": index, "messages": shown[::-1], "offset": offset})
