"""A small stand-in for the server: the native API's contract over a list in memory, with faults on demand.

It runs in a thread of its own, because the command line under test is synchronous.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def stored_line(index: int, **fields: Any) -> bytes:
    """Return a stored line as the log would write it."""
    event = {
        "sequence": str(index),
        "id": str(index),
        "received": "2026-11-20T22:18:28Z",
        "specversion": "1.0",
        "source": "lxd",
        "type": "lxd.lifecycle.instance-started",
        "time": "2026-11-20T22:18:27.75916896Z",
        "severity": "normal",
        "subject": "/1.0/instances/c1",
        "actor": "root",
        "message": f"Instance c1 started by root ({index})",
        "dialect": "lxd",
        "data": {"type": "lifecycle", "number": index},
    }
    return json.dumps({**event, **fields}, separators=(",", ":"), ensure_ascii=False).encode()


class FakeServer:
    """Events in memory, and what to do wrong next. A search matches where its text occurs in the line; `!` is a bad query."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.oldest = 1
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.body = b""
        self.bodies: list[bytes] = []
        self.refusals: list[tuple[str, int, dict[str, Any], dict[str, str]]] = []
        self.lose_answers = 0
        self.page_limit = 1000
        self.drop_streams_after: list[int] = []
        self.cut_export_after: int | None = None
        self.tokens: list[dict[str, Any]] = []
        self.users: list[dict[str, Any]] = []
        self.streaming = threading.Event()
        self.authorization = ""
        self._changed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake server")
        self._runners: list[web.AppRunner] = []
        self.url = ""

    def start(self, unix_socket: str | None = None) -> None:
        """Listen on a free port, or on *unix_socket*."""
        if not self._thread.is_alive():
            self._thread.start()
        self._call(self._start(unix_socket))

    def stop(self) -> None:
        """Close everything and end the thread."""
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self, unix_socket: str | None) -> None:
        app = web.Application(middlewares=[self._note], client_max_size=64 << 20)
        app.router.add_post("/v1/events", self._publish)
        app.router.add_get("/v1/events", self._search)
        app.router.add_get("/v1/events/{index}", self._one)
        app.router.add_get("/v1/stream", self._stream)
        app.router.add_get("/v1/wait", self._wait)
        app.router.add_get("/v1/head", self._head)
        app.router.add_get("/v1/count", self._count)
        app.router.add_get("/v1/kinds", self._kinds)
        app.router.add_get("/v1/fields", self._fields)
        app.router.add_post("/v1/trim", self._trim)
        for name in ("tokens", "users"):
            app.router.add_get(f"/v1/{name}", self._list)
            app.router.add_post(f"/v1/{name}", self._create)
            app.router.add_delete(f"/v1/{name}/{{name}}", self._remove)
        app.router.add_put("/v1/users/{name}/password", self._set_password)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        site: web.BaseSite
        if unix_socket:
            site = web.UnixSite(runner, unix_socket)
            await site.start()
            return
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    def append(self, *lines: bytes) -> None:
        """Store lines and wake whoever follows; from any thread."""

        async def add() -> None:
            self.lines.extend(lines)
            self._wake()

        self._call(add())

    def fill(self, count: int, **fields: Any) -> None:
        """Store *count* events."""
        first = len(self.lines) + 1
        self.append(*(stored_line(index, **fields) for index in range(first, first + count)))

    def refuse(self, path: str, status: int, slug: str, detail: str, retry_after: str = "", **extra: Any) -> None:
        """Answer the next request of *path* with a problem."""
        problem = {"type": f"about:blank#{slug}", "title": slug, "status": status, "detail": detail, **extra}
        self.refusals.append((path, status, problem, {"Retry-After": retry_after} if retry_after else {}))

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append((request.method, request.path, dict(request.query)))
        self.authorization = request.headers.get("Authorization", "")
        for refusal in self.refusals:
            path, status, problem, headers = refusal
            if path == request.path:
                self.refusals.remove(refusal)
                return _problem(status, problem, headers)
        if "!" in request.query.get("search", "").replace("!=", ""):
            column = request.query["search"].index("!") + 1
            detail = f"unexpected '!' at column {column}; did you mean 'not'?"
            extra = {"column": column, "suggestion": "did you mean 'not'?"}
            return _problem(400, {"type": "about:blank#bad-query", "detail": detail, **extra})
        return await handler(request)

    def _matching(self, request: web.Request) -> list[tuple[int, bytes]]:
        text = request.query.get("search", "").encode()
        if text.startswith(b"received >="):
            text = b""
        after = int(request.query.get("after") or 0)
        numbered = enumerate(self.lines, 1)
        return [(i, line) for i, line in numbered if i > after and i >= self.oldest and text in line]

    async def _publish(self, request: web.Request) -> web.StreamResponse:
        body = self.body = await request.read()
        self.bodies.append(body)
        given = body.decode().splitlines()
        for number, line in enumerate(given, 1):
            if "BAD" in line:
                detail = f"line {number}, column 3: unknown severity 'BAD'"
                problem = {"type": "about:blank#invalid-event", "detail": detail, "line": number, "column": 3}
                return _problem(400, problem)
        known = {json.loads(line).get("id") for line in self.lines} - {None}
        fresh = [line for line in given if json.loads(line).get("id", object()) not in known]
        self.lines.extend(line.encode() for line in fresh)
        self._wake()
        if self.lose_answers:
            self.lose_answers -= 1
            _drop(request)
        stored = {"stored": len(fresh), "duplicates": len(given) - len(fresh), "head": len(self.lines)}
        return web.json_response(stored)

    async def _search(self, request: web.Request) -> web.StreamResponse:
        found = self._matching(request)
        if request.query.get("export"):
            return await self._export(request, found)
        if request.query.get("order") != "oldest":
            found.reverse()
        start = int(request.query.get("cursor") or 0)
        size = min(int(request.query.get("max") or 100), self.page_limit)
        page = [line for _, line in found[start : start + size]]
        headers = {"Tidings-Next-Cursor": str(start + size)} if start + size < len(found) else {}
        match request.query.get("format"):
            case "csv":
                return web.Response(text=_csv(page), headers=headers, content_type="text/csv")
            case "ndjson":
                body = b"".join(line + b"\n" for line in page)
                return web.Response(body=body, headers=headers, content_type="application/x-ndjson")
            case _:
                body = b"[" + b",".join(page) + b"]"
                return web.Response(body=body, headers=headers, content_type="application/cloudevents-batch+json")

    async def _export(self, request: web.Request, found: list[tuple[int, bytes]]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Tidings-Count-Hint": str(len(found))})
        response.enable_chunked_encoding()
        await response.prepare(request)
        if request.query.get("format") == "csv":
            await response.write(_csv([line for _, line in found]).encode())
            return response
        for number, (_, line) in enumerate(found):
            if number == self.cut_export_after:
                _drop(request)
            await response.write(line + b"\n")
        return response

    async def _one(self, request: web.Request) -> web.StreamResponse:
        index = int(request.match_info["index"])
        if not self.oldest <= index <= len(self.lines):
            return _problem(404, {"type": "about:blank#not-found", "detail": f"there is no event {index}"})
        return web.Response(body=self.lines[index - 1], content_type="application/cloudevents+json")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        after = int(request.query.get("after") or len(self.lines))
        if request.query.get("after") not in (None, "0") and after < self.oldest - 1:
            detail = f"events after index {after} were deleted"
            return _problem(410, {"type": "about:blank#cursor-expired", "detail": detail, "oldest": self.oldest})
        quota = self.drop_streams_after.pop(0) if self.drop_streams_after else None
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.streaming.set()
        position = int(request.query.get("after") or after)
        while True:
            changed = self._changed
            for index, line in self._matching(request):
                if index <= position:
                    continue
                if quota == 0:
                    _drop(request)
                await response.write(b"id: %d\ndata: %s\n\n" % (index, line))
                position = index
                quota = None if quota is None else quota - 1
            await response.write(b": ping\n\n")
            if quota == 0:
                _drop(request)
            await changed.wait()

    async def _wait(self, request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + float(request.query["timeout"])
        while True:
            changed = self._changed
            if found := self._matching(request):
                return web.Response(body=found[0][1], content_type="application/cloudevents+json")
            try:
                await asyncio.wait_for(changed.wait(), max(0.0, deadline - loop.time()))
            except TimeoutError:
                return web.Response(status=204)

    async def _head(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"head": len(self.lines), "oldest": self.oldest})

    async def _count(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"count": len(self._matching(request))})

    async def _kinds(self, request: web.Request) -> web.StreamResponse:
        kind = {
            "kind": "lxd.lifecycle.instance-started",
            "system": "lxd",
            "title": "Instance started",
            "severity": "normal",
        }
        return web.json_response([{**kind, "fields": ["name"], "seen": 3}, {"kind": "lxd.logging", "seen": 0}])

    async def _fields(self, request: web.Request) -> web.StreamResponse:
        field = {"name": "severity", "type": "severity", "operators": ["=", ">="], "aliases": ["level"]}
        return web.json_response([{**field, "help": "How grave.", "example": "severity >= warning"}])

    async def _trim(self, request: web.Request) -> web.StreamResponse:
        self.oldest = (await request.json())["before"]
        return web.json_response({"oldest": self.oldest})

    def _rows(self, request: web.Request) -> list[dict[str, Any]]:
        return self.tokens if request.path.startswith("/v1/tokens") else self.users

    async def _list(self, request: web.Request) -> web.StreamResponse:
        secret = ("token", "password")
        return web.json_response([{k: v for k, v in row.items() if k not in secret} for row in self._rows(request)])

    async def _create(self, request: web.Request) -> web.StreamResponse:
        row = await request.json()
        if request.path == "/v1/tokens":
            row = {"id": "t1", "scopes": [], **row, "token": "secret-token"}
        self._rows(request).append(row)
        return web.json_response(row, status=201)

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        rows = self._rows(request)
        named = [row for row in rows if row["name"] == request.match_info["name"]]
        if not named:
            name = request.match_info["name"]
            return _problem(404, {"type": "about:blank#not-found", "detail": f"there is no {name!r}"})
        rows.remove(named[0])
        return web.Response(status=204)

    async def _set_password(self, request: web.Request) -> web.StreamResponse:
        for row in self.users:
            if row["name"] == request.match_info["name"]:
                row["password"] = (await request.json())["password"]
        return web.Response(status=204)


def _drop(request: web.Request) -> None:
    """Break the connection as a crash does, without an end."""
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


def _problem(status: int, problem: dict[str, Any], headers: dict[str, str] | None = None) -> web.Response:
    body = json.dumps({"status": status, **problem}).encode()
    return web.Response(status=status, body=body, headers=headers, content_type="application/problem+json")


def _csv(lines: list[bytes]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["index", "message"])
    for line in lines:
        event = json.loads(line)
        writer.writerow([event["sequence"], event["message"]])
    return text.getvalue()
