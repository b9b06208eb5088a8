"""A typed asynchronous client of the native API, over the Unix socket of a data directory or over a URL."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import msgspec

from tidings.answers import (
    NDJSON,
    NEXT_CURSOR,
    Count,
    Ends,
    FieldInfo,
    Found,
    KindInfo,
    Oldest,
    Published,
    TokenInfo,
    UserInfo,
)
from tidings.event import Event, decode_line
from tidings.following import Backoff, Following, OnState
from tidings.problem import ConnectionLost, CutShort
from tidings.transport import SILENCE_S, Params, Transport, pieces, read_whole

BATCH_LINES = 1_000
BATCH_BYTES = 1 << 20
EVENT_STREAM = {"Accept": "text/event-stream"}
Order = Literal["newest", "oldest"]


class Client:
    """One server's native API; use it with ``async with``.

    *url* is ``http://host:port``, ``https://…`` or ``unix:/path/of/unix.socket``. Every method raises the TidingsError that the
    server's answer stands for, `Unreachable` when nobody answers.
    """

    def __init__(self, url: str, token: str = "", tls: ssl.SSLContext | None = None) -> None:
        self._wire = Transport(url, token, tls)

    @classmethod
    def local(cls, data: Path) -> Self:
        """Return a client of the server that runs on the data directory *data*."""
        return cls(f"unix:{data / 'unix.socket'}")

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, fault, trace)

    async def publish(
        self, body: bytes, *, media_type: str = NDJSON, dialect: str = "auto", source: str = ""
    ) -> Published:
        """Store the events of *body*, all or none; they are on disk when this returns."""
        params: Params = {"format": dialect, "source": source or None}
        return await self._wire.ask("POST", "/v1/events", Published, params, body=body, media_type=media_type)

    async def publish_stream(
        self, lines: AsyncIterable[bytes], *, dialect: str = "auto", source: str = ""
    ) -> AsyncIterator[Published]:
        """Store lines in batches of up to 1,000 or 1 MiB; yield what became of each batch once it is on disk."""
        batch: list[bytes] = []
        size = 0
        async for line in lines:
            if batch and (len(batch) == BATCH_LINES or size + len(line) > BATCH_BYTES):
                yield await self.publish(b"\n".join(batch), dialect=dialect, source=source)
                batch, size = [], 0
            batch.append(line.rstrip(b"\n"))
            size += len(line)
        if batch:
            yield await self.publish(b"\n".join(batch), dialect=dialect, source=source)

    async def search(
        self,
        query: str = "",
        *,
        limit: int = 100,
        order: Order = "newest",
        after: int | None = None,
        cursor: str = "",
    ) -> Found:
        """Return one page; hand its cursor back for the next one."""
        params: Params = {"search": query, "max": limit, "order": order, "after": after, "cursor": cursor or None}
        async with self._wire.request("GET", "/v1/events", {**params, "format": "ndjson"}) as answer:
            body = await read_whole(answer)
            return Found(body.splitlines(), answer.headers.get(NEXT_CURSOR, ""))

    async def pages(self, query: str = "", *, limit: int = 100, order: Order = "newest") -> AsyncIterator[Found]:
        """Yield page after page of up to *limit* events until there is no more."""
        cursor = ""
        while True:
            page = await self.search(query, limit=limit, order=order, cursor=cursor)
            yield page
            cursor = page.cursor
            if not cursor:
                return

    async def export(self, query: str = "", *, form: Literal["ndjson", "csv"] = "ndjson") -> AsyncIterator[bytes]:
        """Yield all matching events, oldest first, as pieces of NDJSON or CSV. Raises CutShort when the server breaks off."""
        received = 0
        params: Params = {"search": query, "format": form, "export": 1, "order": "oldest"}
        async with self._wire.request("GET", "/v1/events", params) as answer:
            try:
                async for piece in pieces(answer):
                    received += len(piece)
                    yield piece
            except ConnectionLost as fault:
                raise CutShort(str(fault), received) from fault

    def follow(
        self,
        query: str = "",
        *,
        after: int | None = None,
        on_state: OnState | None = None,
        backoff: Backoff | None = None,
    ) -> Following:
        """Return the events after *after* (None: only new ones), then new ones for ever, across lost connections."""

        @asynccontextmanager
        async def open_stream(position: int) -> AsyncIterator[AsyncIterator[bytes]]:
            params: Params = {"search": query, "after": position}
            async with self._wire.request("GET", "/v1/stream", params, headers=EVENT_STREAM) as answer:
                yield pieces(answer)

        async def read_head() -> int:
            return (await self.head()).head

        return Following(open_stream, read_head, after, on_state, backoff)

    async def wait(self, query: str, *, timeout_s: float = 60, after: int | None = None) -> Event | None:
        """Return the first matching event newer than *after* (None: than now), or None when the time is up."""
        params: Params = {"search": query, "timeout": f"{timeout_s:g}", "after": after}
        async with self._wire.request("GET", "/v1/wait", params, silence_s=timeout_s + SILENCE_S) as answer:
            return None if answer.status == 204 else decode_line(await read_whole(answer))

    async def get(self, index: int) -> Event:
        """Return one event. Raises NotFound."""
        async with self._wire.request("GET", f"/v1/events/{index}") as answer:
            return decode_line(await read_whole(answer))

    async def head(self) -> Ends:
        """Return the newest and the oldest index."""
        return await self._wire.ask("GET", "/v1/head", Ends)

    async def count(self, query: str = "") -> int:
        """Return how many events match."""
        return (await self._wire.ask("GET", "/v1/count", Count, {"search": query})).count

    async def kinds(self, text: str = "") -> list[KindInfo]:
        """Return the kinds in which every word of *text* occurs."""
        return await self._wire.ask("GET", "/v1/kinds", list[KindInfo], {"search": text or None})

    async def fields(self) -> list[FieldInfo]:
        """Return the searchable fields."""
        return await self._wire.ask("GET", "/v1/fields", list[FieldInfo])

    async def tokens(self) -> list[TokenInfo]:
        """Return all tokens, without their secrets."""
        return await self._wire.ask("GET", "/v1/tokens", list[TokenInfo])

    async def create_token(
        self, name: str, role: str, *, scopes: tuple[str, ...] = (), expires_s: int | None = None
    ) -> TokenInfo:
        """Create a token; its secret is in this answer and never again."""
        wish: dict[str, Any] = {"name": name, "role": role}
        if scopes:
            wish["scopes"] = scopes
        if expires_s is not None:
            wish["expires_s"] = expires_s
        return await self._wire.ask("POST", "/v1/tokens", TokenInfo, body=msgspec.json.encode(wish))

    async def revoke_token(self, name: str) -> None:
        """Delete a token: it is refused from now on."""
        await self._wire.tell("DELETE", f"/v1/tokens/{quote(name, safe='')}")

    async def users(self) -> list[UserInfo]:
        """Return all user accounts."""
        return await self._wire.ask("GET", "/v1/users", list[UserInfo])

    async def add_user(self, name: str, password: str, role: str) -> None:
        """Create a user account."""
        wish = {"name": name, "password": password, "role": role}
        await self._wire.tell("POST", "/v1/users", body=msgspec.json.encode(wish))

    async def set_password(self, name: str, password: str) -> None:
        """Give a user a new password."""
        body = msgspec.json.encode({"password": password})
        await self._wire.tell("PUT", f"/v1/users/{quote(name, safe='')}/password", body=body)

    async def remove_user(self, name: str) -> None:
        """Delete a user account."""
        await self._wire.tell("DELETE", f"/v1/users/{quote(name, safe='')}")

    async def trim(self, before: int) -> int:
        """Delete events below *before* as far as whole segments allow; return the oldest index then kept."""
        return (await self._wire.ask("POST", "/v1/trim", Oldest, body=msgspec.json.encode({"before": before}))).oldest
