"""Collects from LXD and Incus: a WebSocket on ``/1.0/events`` over a Unix socket or TLS, as ``lxc monitor`` opens it.

LXD keeps no events, so what happens while nobody listens can't be fetched later: such a time is recorded as a gap. The server
registers a listener some time after it answered 101, then pings at once and every 10 s (lxd/events/events.go and common.go):
so the first thing that arrives, that ping or already an event, says that from now on nothing is missed.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import aiohttp
import msgspec
from aiohttp import WSMsgType

from tidings import rfc3339
from tidings.collect import Backlog, Collector, Disconnected, Intake, Row, Settings
from tidings.dialects.lxd import collector_settings as asked
from tidings.dialects.lxd.codec import decode
from tidings.dialects.lxd.collector_settings import DevlxdSettings, Endpoint, LxdSettings
from tidings.dialects.lxd.punctuality import Punctuality
from tidings.dialects.lxd.server_trust import (
    Trust,
    fingerprint_of_file,
    load_trust,
    unknown_certificate,
    wrong_certificate,
)
from tidings.dialects.lxd.unreadable import KIND as UNREADABLE
from tidings.dialects.lxd.unreadable import Unreadable
from tidings.dialects.lxd.wire import one_line
from tidings.errors import InvalidEvent
from tidings.event import Draft

SILENCE_S = 35.0
_ANSWER_S = 15.0
_CLOSE_S = 1.0
_MAX_MESSAGE = 64 * 1024 * 1024
_MAX_TEXT = 300
_REFUSED = 400
_TIMEOUT = aiohttp.ClientTimeout(total=_ANSWER_S)
_WHERE_ELSE = "snaps have it at /var/snap/lxd/common/lxd/unix.socket, Incus at /var/lib/incus/unix.socket"

Socket = aiohttp.ClientWebSocketResponse[bool]
Tls = ssl.SSLContext | bool


class _Environment(msgspec.Struct):
    server: str = "lxd"
    server_version: str = ""
    server_name: str = ""


class _Server(msgspec.Struct):
    auth: str = ""
    environment: _Environment = msgspec.field(default_factory=_Environment)


class _Answer(msgspec.Struct):
    """The envelope of LXD's answers."""

    error: str = ""
    metadata: _Server | None = None


def prepare(row: Row) -> Collector:
    """Return the collector of the kind ``lxd`` or ``devlxd`` that *row* asks for. Raises ConfigError."""
    if row.kind == "devlxd":
        guest = row.read(DevlxdSettings)
        return LxdCollector(guest, asked.devlxd_endpoint(row, guest), asked.devlxd_events(guest), has_server_info=False)
    server = row.read(LxdSettings)
    return LxdCollector(server, asked.lxd_endpoint(row, server), asked.lxd_events(server), has_server_info=True)


class LxdCollector:
    """Listens to one server, or to the devlxd socket of one instance, which has no ``/1.0`` that names a server."""

    def __init__(self, settings: Settings, endpoint: Endpoint, events: str, *, has_server_info: bool) -> None:
        self.settings = settings
        self.resumes = False
        self._endpoint, self._events, self._has_server_info = endpoint, endpoint.base + events, has_server_info
        self._unreadable = Unreadable(settings.name)

    async def run(self, intake: Intake) -> None:
        """Collect until the connection ends. Raises Disconnected with the reason."""
        identity = self._endpoint.identity
        trust = await asyncio.to_thread(load_trust, identity) if identity else None
        tls = trust.context if trust else True
        async with self._explained(), self._session(trust) as session:
            detail = await self._greet(session, tls) if self._has_server_info else ""
            async with await self._subscribe(session, tls) as socket:
                backlog, punctuality = Backlog(), Punctuality(intake.clock)
                async with asyncio.TaskGroup() as group:
                    reading = self._read(socket, backlog, intake, punctuality)
                    group.create_task(reading, name=f"tidings-read-{intake.name}")
                    group.create_task(punctuality.watch(), name=f"tidings-watch-{intake.name}")
                    await _store(backlog, intake, detail)

    @asynccontextmanager
    async def _explained(self) -> AsyncIterator[None]:
        """Turn what the HTTP library raises into Disconnected, with what to do about it."""
        base = self._endpoint.base
        try:
            yield
        except aiohttp.ServerFingerprintMismatch as fault:
            raise wrong_certificate(base, fault.expected, fault.got) from None
        except aiohttp.ClientConnectorCertificateError as fault:
            raise await asyncio.to_thread(unknown_certificate, base, str(fault.certificate_error)) from None
        except aiohttp.ClientConnectorError as fault:
            raise Disconnected(self._unreachable(fault.os_error)) from None
        except aiohttp.ClientError as fault:
            raise Disconnected(f"{self.settings.url}: {str(fault) or type(fault).__name__}") from fault
        except TimeoutError:
            raise Disconnected(f"{self.settings.url} did not answer within {_ANSWER_S:g} s") from None

    def _unreachable(self, fault: OSError) -> str:
        reason = f"can't connect to {self.settings.url}: {fault.strerror or fault}"
        if not self._endpoint.socket:
            return reason
        match fault.errno:
            case errno.EACCES:
                return f"{reason}; let the user running tidings join the group of that socket"
            case errno.ENOENT | errno.ECONNREFUSED:
                return f"{reason}; is the server running, and is url its socket? ({_WHERE_ELSE})"
            case _:
                return reason

    def _session(self, trust: Trust | None) -> aiohttp.ClientSession:
        connector: aiohttp.BaseConnector
        if trust is None:
            connector = aiohttp.UnixConnector(self._endpoint.socket)
        else:
            # Requests bring the context, which holds our certificate; here stands what the server's must be.
            connector = aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(trust.pin) if trust.pin else True)
        return aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, headers={"User-Agent": "tidings"})

    async def _greet(self, session: aiohttp.ClientSession, tls: Tls) -> str:
        """Return who the server is. Raises Disconnected unless it trusts us: else it would only refuse later, without a hint."""
        async with session.get(f"{self._endpoint.base}/1.0", ssl=tls) as response:
            answer = _decode(await response.read())
        if answer.metadata is None:
            raise Disconnected(f"{self.settings.url} is no LXD or Incus: /1.0 says {response.status} {answer.error}")
        if answer.metadata.auth != "trusted":
            raise Disconnected(await self._untrusted())
        server = answer.metadata.environment
        return one_line(f"{server.server} {server.server_version} {server.server_name}", _MAX_TEXT)

    async def _untrusted(self) -> str:
        identity = self._endpoint.identity
        if identity is None:
            return f"{self.settings.url} doesn't trust the user running tidings; let it join the group of that socket"
        fingerprint = await asyncio.to_thread(fingerprint_of_file, identity.certificate)
        return (
            f"{self.settings.url} doesn't trust our certificate {fingerprint}; copy {identity.certificate} to the server and run "
            "`lxc config trust add client.crt` there (Incus: `incus config trust add-certificate client.crt`)"
        )

    async def _subscribe(self, session: aiohttp.ClientSession, tls: Tls) -> Socket:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await session.ws_connect(
                    self._events,
                    ssl=tls,
                    autoping=False,
                    compress=0,
                    max_msg_size=_MAX_MESSAGE,
                    decode_text=False,
                    timeout=aiohttp.ClientWSTimeout(ws_receive=SILENCE_S, ws_close=_CLOSE_S),
                )
        except aiohttp.WSServerHandshakeError as fault:
            # The refusal's text is lost with the upgrade; asked without one, the server refuses in the same words.
            async with session.get(self._events, ssl=tls) as response:
                reason = _decode(await response.read()).error if response.status >= _REFUSED else "no upgrade"
            raise Disconnected(f"{self.settings.url} refuses to send events: {reason} ({fault.status})") from None

    async def _read(self, socket: Socket, backlog: Backlog, intake: Intake, punctuality: Punctuality) -> None:
        """Put what arrives into *backlog*; reading stops while it is full, so that the server has to wait."""
        try:
            while True:
                punctuality.reads()
                message = await socket.receive()
                punctuality.has_read()
                match message.type:
                    case WSMsgType.TEXT | WSMsgType.BINARY:
                        draft = self._draft(message.data, intake)
                        if draft.type != UNREADABLE:  # whose time is ours
                            punctuality.was_sent(rfc3339.parse(draft.time))
                        await backlog.put(draft, len(message.data))
                        punctuality.has_handed_on()
                    case WSMsgType.PING:
                        await socket.pong(message.data)
                        backlog.touch()
                    case WSMsgType.PONG:
                        pass
                    case _:
                        backlog.end(Disconnected(_ending(message.type, message.data, message.extra)))
                        return
                # What lay unread says nothing of now: the server may have given us up meanwhile.
                if not punctuality.is_behind:
                    intake.alive()
        except TimeoutError:
            backlog.end(Disconnected(f"nothing was heard for {SILENCE_S:g} s, not even a ping"))
        except (aiohttp.ClientError, OSError) as fault:
            backlog.end(Disconnected(str(fault) or "the connection broke"))

    def _draft(self, payload: bytes, intake: Intake) -> Draft:
        try:
            return decode(payload, intake.source)
        except InvalidEvent as fault:
            return self._unreadable.draft(payload, intake.source, fault, intake.clock)


async def _store(backlog: Backlog, intake: Intake, detail: str) -> NoReturn:
    """Store what arrived, all of it even when the connection is gone; then raise why that is so."""
    await backlog.arrival()
    await intake.connected(detail)
    while True:
        # Taken and published in one go: what is heard between the two would count as stored with it.
        await intake.publish(await backlog.take())


def _decode(body: bytes) -> _Answer:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Answer(error=one_line(body[:_MAX_TEXT].decode("utf-8", "replace"), _MAX_TEXT))


def _ending(type: WSMsgType, data: object, extra: str | None) -> str:
    match type:
        case WSMsgType.CLOSE:
            return one_line(f"the server closed the connection ({data}) {extra or ''}", _MAX_TEXT)
        case WSMsgType.ERROR:
            return f"the connection broke: {data}"
        case _:
            return "the connection broke"
