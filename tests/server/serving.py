"""The real application in this process, on a free loopback port and a Unix socket, over a temporary directory."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tidings.auth import Role
from tidings.clock import Clock
from tidings.config import load
from tidings.following import Frame, FrameDecoder
from tidings.server.context import Context
from tidings.server.running import Running, running

NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


class Reply:
    """An answer read to its end."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def slug(self) -> str:
        """The word of a problem document, after a look at its shape."""
        assert self.headers["Content-Type"] == "application/problem+json"
        problem = self.json
        assert problem["status"] == self.status
        assert problem["title"]
        assert problem["detail"]
        return str(problem["type"]).removeprefix("about:blank#")


class Serving:
    """A running server and an HTTP session that shows the admin's token."""

    def __init__(self, server: Running, session: aiohttp.ClientSession, directory: Path) -> None:
        self.server, self.session, self.directory = server, session, directory
        self.url = f"http://{server.address}"
        self.token = (directory / "admin.token").read_text().strip()

    @property
    def context(self) -> Context:
        return self.server.context

    async def ask(
        self, method: str, path: str, *, token: str | None = None, headers: dict[str, str] | None = None, **given: Any
    ) -> Reply:
        """Send a request, with the admin's token unless another is given ("": none)."""
        shown = self.token if token is None else token
        authorization = {"Authorization": f"Bearer {shown}"} if shown else {}
        async with self.session.request(
            method, self.url + path, headers={**authorization, **(headers or {})}, **given
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def get(
        self, path: str, *, token: str | None = None, headers: dict[str, str] | None = None, **params: Any
    ) -> Reply:
        named = {name.rstrip("_"): str(value) for name, value in params.items()}
        return await self.ask("GET", path, token=token, headers=headers, params=named)

    async def send(self, method: str, path: str, value: object, token: str | None = None) -> Reply:
        return await self.ask(method, path, token=token, headers=JSON, data=msgspec.json.encode(value))

    async def publish(self, *events: dict[str, Any], token: str | None = None) -> Reply:
        body = b"\n".join(map(msgspec.json.encode, events))
        return await self.ask("POST", "/v1/events", token=token, headers=NDJSON, data=io.BytesIO(body))

    async def fill(self, count: int, **fields: Any) -> int:
        """Publish *count* events and return the head."""
        reply = await self.publish(*(event(message=f"number {at}", **fields) for at in range(count)))
        assert reply.status == 200
        return int(reply.json["head"])

    def make_token(self, name: str, role: str, scopes: Sequence[str] = ()) -> str:
        return self.context.tokens.create(name, Role(role), scopes)[1]

    @asynccontextmanager
    async def stream(
        self, token: str | None = None, headers: dict[str, str] | None = None, **params: Any
    ) -> AsyncIterator[Reading]:
        shown = {"Authorization": f"Bearer {token or self.token}", **(headers or {})}
        async with self.session.get(f"{self.url}/v1/stream", params=params, headers=shown) as answer:
            assert answer.status == 200
            yield Reading(answer)


class Reading:
    """The frames of an open stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self._decoder = FrameDecoder()
        self._frames: list[Frame] = []

    async def next(self, count: int) -> list[Frame]:
        """Return the next *count* frames, or what there is before the stream ends."""
        while len(self._frames) < count:
            piece = await self.answer.content.readany()
            if not piece:
                break
            self._frames += [frame for frame in self._decoder.feed(piece) if frame.data]
        found, self._frames = self._frames[:count], self._frames[count:]
        return found

    async def indexes(self, count: int) -> list[int | None]:
        return [frame.index for frame in await self.next(count)]


def event(**fields: Any) -> dict[str, Any]:
    """Return a small event."""
    return {"type": "test.thing", "source": "test", "data": {"number": 7}, **fields}


@asynccontextmanager
async def serving(
    directory: Path, clock: Clock | None = None, *, demo: bool = False, **settings: Any
) -> AsyncIterator[Serving]:
    """Run a server; *settings* as a user would write them."""
    chosen = {"data": str(directory), "listen": "127.0.0.1:0", "fsync": "false", "stop_timeout": "5s", **settings}
    async with (
        running(load(None, {}, chosen), clock, demo=demo) as server,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
    ):
        yield Serving(server, session, directory)
