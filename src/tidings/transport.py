"""How the asynchronous client speaks HTTP: one connection pool, and every failure turned into a TidingsError."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import msgspec

from tidings.problem import ConnectionLost, ServerFault, Unreachable, error_of

T = TypeVar("T")
Params = Mapping[str, str | int | None]

JSON = "application/json"
# A stream says something every 15 s; three silent spans mean that nobody is there any more.
SILENCE_S = 45.0
CONNECT_S = 10.0
BROKEN = (aiohttp.ClientError, TimeoutError, OSError)


class Transport:
    """A connection pool to one server; use it with ``async with``."""

    def __init__(self, url: str, token: str, tls: ssl.SSLContext | None) -> None:
        self._where = url
        self._unix = url.removeprefix("unix:") if url.startswith("unix:") else ""
        self._base = "http://tidings" if self._unix else url.rstrip("/")
        self._token, self._tls = token, tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.UnixConnector(self._unix) if self._unix else aiohttp.TCPConnector(ssl=self._tls or True)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"Authorization": f"Bearer {self._token}"} if self._token else None,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        silence_s: float = SILENCE_S,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and give its answer once its head is there; a refusal is raised."""
        if self._session is None:
            raise RuntimeError("the client is used outside its `async with`")
        given = {name: str(value) for name, value in (params or {}).items() if value is not None}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence_s)
        try:
            answer = await self._session.request(
                method, self._base + path, params=given, data=body, headers=headers, timeout=timeout
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as fault:
            raise Unreachable(f"no tidings server answers at {self._where}: {words(fault)}") from fault
        except BROKEN as fault:
            raise ConnectionLost(f"the connection to {self._where} broke: {words(fault)}") from fault
        async with answer:
            if answer.status >= 400:
                refusal = await read_whole(answer)
                raise error_of(answer.status, refusal, answer.headers.get("Retry-After"), given.get("search", ""))
            yield answer

    async def ask(
        self,
        method: str,
        path: str,
        shape: type[T],
        params: Params | None = None,
        *,
        body: bytes | None = None,
        media_type: str = JSON,
    ) -> T:
        """Send a request and return its JSON answer as *shape*."""
        headers = {"Content-Type": media_type} if body is not None else None
        async with self.request(method, path, params, body=body, headers=headers) as answer:
            text = await read_whole(answer)
        try:
            return msgspec.json.decode(text, type=shape)
        except msgspec.DecodeError as fault:
            raise ServerFault(answer.status, f"unexpected body of {method} {path}: {fault}") from fault

    async def tell(self, method: str, path: str, body: bytes | None = None) -> None:
        """Send a request whose answer says no more than that it was done."""
        headers = {"Content-Type": JSON} if body is not None else None
        async with self.request(method, path, body=body, headers=headers) as answer:
            await read_whole(answer)


async def read_whole(answer: aiohttp.ClientResponse) -> bytes:
    """Return the whole body; a broken connection is raised as ConnectionLost."""
    try:
        return await answer.read()
    except BROKEN as fault:
        raise ConnectionLost(f"the answer broke off: {words(fault)}") from fault


async def pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the body as it arrives; a broken connection is raised as ConnectionLost."""
    try:
        async for piece in answer.content.iter_any():
            yield piece
    except BROKEN as fault:
        raise ConnectionLost(words(fault)) from fault


def words(fault: BaseException) -> str:
    """Say in words what went wrong, for errors that may carry no text."""
    return str(fault) or type(fault).__name__
