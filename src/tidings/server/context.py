"""What the handlers of all routes work with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from aiohttp import web

from tidings.auth import Gate, Passwords, Principal, Role, Tokens
from tidings.clock import Clock
from tidings.config import Config
from tidings.core import Core
from tidings.server.parameters import Parameter
from tidings.server.subscriptions import Subscriptions
from tidings.telemetry import Metrics

T = TypeVar("T")

ITSELF = Principal("tidings", Role.ADMIN)
"""The server, acting by itself."""


class Context:
    """One running server's parts."""

    def __init__(
        self, config: Config, clock: Clock, core: Core, gate: Gate, tokens: Tokens, passwords: Passwords,
        metrics: Metrics, subscriptions: Subscriptions,
    ) -> None:  # fmt: skip
        self.config, self.clock, self.core, self.gate = config, clock, core, gate
        self.tokens, self.passwords = tokens, passwords
        self.metrics, self.subscriptions = metrics, subscriptions
        self.in_flight = 0
        self.stopping = ""
        """Why no more requests are taken; empty while they are."""
        self.description = b""
        """The API's description, OpenAPI 3.1."""
        # One thread: accounts change rarely, one at a time.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tidings-accounts")

    async def blocking(self, work: Callable[[], T]) -> T:
        """Return what *work*, which waits for the disk, returns; run in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """End the thread, after what it is doing."""
        self._thread.shutdown()


Answer = Callable[[Context, web.Request, Principal], Awaitable[web.StreamResponse]]


class Body(NamedTuple):
    """A body as the API's description shows it: its media types, and the struct that it is in JSON, if it is one."""

    media_types: tuple[str, ...]
    type: object = None


class Route(NamedTuple):
    """One method of one path. *role*: what the caller must at least be, None lets everybody in.

    *lasting* routes hold a place among the streams, not among the requests in flight.
    """

    method: str
    path: str
    answer: Answer
    role: Role | None
    help: str
    parameters: tuple[Parameter, ...] = ()
    takes: Body | None = None
    gives: Body | None = None
    status: int = 200
    errors: tuple[int, ...] = ()
    lasting: bool = False
