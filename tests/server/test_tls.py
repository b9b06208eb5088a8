"""The TLS listener over real sockets: any client certificate is taken, and nothing a client does reaches the loop's log."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import io
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from OpenSSL import SSL

from tests.server.client_certificates import client_context, make_certificate
from tidings.clock import SystemClock
from tidings.errors import ConfigError
from tidings.server import tls
from tidings.server.certificate import ensure_server_certificate
from tidings.server.tls import TlsSite, client_certificate, server_context

BODY = bytes(range(256)) * (5 * 1024 * 4)


class Listening:
    """An application behind TLS, and what the event loop was told of."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        self.url = f"https://localhost:{port}"
        self.told: list[dict[str, Any]] = []
        self.received: list[bytes] = []

    @asynccontextmanager
    async def session(self, context: ssl.SSLContext) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
            yield session

    async def who(self, context: ssl.SSLContext) -> bytes:
        """Return the certificate that the application saw."""
        async with self.session(context) as session, session.get(f"{self.url}/who") as answer:
            return await answer.read()

    async def raw(self, *pieces: bytes) -> bytes:
        """Send bytes over TCP; return all that comes until the server ends the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


async def _who(request: web.Request) -> web.StreamResponse:
    return web.Response(body=client_certificate(request.transport) or b"nobody")


async def _echo(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    return web.Response(body=body)


async def _socket(request: web.Request) -> web.StreamResponse:
    answer = web.WebSocketResponse()
    await answer.prepare(request)
    async for message in answer:
        await answer.send_bytes(message.data)
    return answer


@asynccontextmanager
async def listening(folder: Path, site: type[web.SockSite] = TlsSite) -> AsyncIterator[Listening]:
    made = ensure_server_certificate(folder, [], SystemClock())
    app = web.Application(client_max_size=64 << 20)
    app.add_routes([web.get("/who", _who), web.post("/echo", _echo), web.get("/socket", _socket)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        server = Listening(sock.getsockname()[1], folder)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: server.told.append(context))
        await site(runner, sock, ssl_context=server_context(made.certificate, made.key)).start()
        try:
            yield server
        finally:
            await runner.cleanup()
    await until(lambda: open_connections() == 0)
    assert server.told == []


def open_connections() -> int:
    """Return how many of OpenSSL's connections there are in memory."""
    gc.collect()
    return len(SSL.Connection._reverse_mapping)


async def until(holds: Callable[[], bool]) -> None:
    """Give the loop turns until the condition holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_a_client_certificate_that_nobody_vouches_for_arrives_as_it_was_shown(tmp_path: Path) -> None:
    shown = make_certificate()
    async with listening(tmp_path) as server:
        assert await server.who(client_context(tmp_path, shown)) == shown.der


async def test_an_expired_client_certificate_arrives_too_for_others_to_judge(tmp_path: Path) -> None:
    shown = make_certificate(ends=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    async with listening(tmp_path) as server:
        assert await server.who(client_context(tmp_path, shown)) == shown.der


async def test_no_client_certificate_is_none(tmp_path: Path) -> None:
    async with listening(tmp_path) as server:
        assert await server.who(client_context(tmp_path)) == b"nobody"


async def test_without_a_connection_there_is_no_client_certificate() -> None:
    assert client_certificate(None) is None


async def test_another_connection_than_ours_has_no_client_certificate(tmp_path: Path) -> None:
    async with listening(tmp_path) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert client_certificate(writer.transport) is None
        writer.close()


async def test_it_works_behind_aiohttps_own_site_too(tmp_path: Path) -> None:
    async with listening(tmp_path, web.SockSite) as server:
        assert await server.who(client_context(tmp_path)) == b"nobody"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_five_megabytes_come_back_as_they_went(tmp_path: Path, version: ssl.TLSVersion) -> None:
    context = client_context(tmp_path, make_certificate())
    context.minimum_version = context.maximum_version = version
    async with (
        listening(tmp_path) as server,
        server.session(context) as session,
        session.post(f"{server.url}/echo", data=io.BytesIO(BODY)) as answer,
    ):
        assert await answer.read() == BODY


async def test_many_requests_share_a_connection(tmp_path: Path) -> None:
    async with listening(tmp_path) as server, server.session(client_context(tmp_path)) as session:
        for number in range(50):
            async with session.post(f"{server.url}/echo", data=b"%d" % number) as answer:
                assert await answer.read() == b"%d" % number


async def test_many_clients_at_once_are_told_apart(tmp_path: Path) -> None:
    async with listening(tmp_path) as server:
        shown = [make_certificate() for _ in range(8)]
        contexts = [client_context(tmp_path, one) for one in shown]
        assert await asyncio.gather(*map(server.who, contexts)) == [one.der for one in shown]


async def test_a_web_socket_echoes(tmp_path: Path) -> None:
    async with (
        listening(tmp_path) as server,
        server.session(client_context(tmp_path)) as session,
        session.ws_connect(f"{server.url}/socket") as web_socket,
    ):
        for size in (0, 1, 125, 16_384, 100_000):
            await web_socket.send_bytes(b"x" * size)
            assert await web_socket.receive_bytes() == b"x" * size


@pytest.mark.parametrize(
    "pieces",
    [
        (b"\x00" * 1000,),
        (bytes(range(256)),),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 600,),
        (b"\x15\x03\x03\x00\x02\x02\x2a",),
    ],
    ids=["zeros", "every byte", "plain HTTP", "a hello that is none", "an alert at once"],
)
async def test_what_is_no_tls_is_cut_off(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    async with listening(tmp_path) as server:
        assert b"HTTP" not in await server.raw(*pieces)
        assert await server.who(client_context(tmp_path)) == b"nobody"


async def test_garbage_after_the_handshake_ends_only_its_own_connection(tmp_path: Path) -> None:
    async with listening(tmp_path) as server:
        with await _handshaken(server) as sock:
            plain = socket.socket(fileno=sock.detach())
            with plain:
                await asyncio.to_thread(plain.sendall, b"\x17\x03\x03\x00\x20" + b"\xff" * 32)
                await asyncio.to_thread(_read_to_end, plain)
        assert await server.who(client_context(tmp_path)) == b"nobody"


async def test_a_client_that_does_not_trust_the_server_is_shrugged_off(tmp_path: Path) -> None:
    async with listening(tmp_path) as server, server.session(ssl.create_default_context()) as session:
        for _ in range(2):  # as lxc does before it asks its user
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(f"{server.url}/who")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_that_goes_away_amid_the_handshake_leaves_nothing(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    context = client_context(tmp_path)
    context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    hello = outgoing.read()
    async with listening(tmp_path) as server:
        for length in (0, 1, 5, len(hello) // 2, len(hello)):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(hello[:length])
            await writer.drain()
            writer.close()
        await until(lambda: open_connections() == 0)


async def test_a_handshake_that_takes_too_long_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_TIMEOUT_S", 0.05)
    async with listening(tmp_path) as server:
        assert await server.raw(b"\x16\x03\x01") == b""


async def test_a_client_that_says_no_farewell_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "SHUTDOWN_TIMEOUT_S", 0.05)
    async with listening(tmp_path) as server:
        with await _handshaken(server) as sock:
            request = b"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            await asyncio.to_thread(sock.sendall, request)
            assert b"nobody" in await asyncio.to_thread(sock.recv, 65_536)
            await until(lambda: open_connections() == 0)


async def test_a_farewell_is_answered(tmp_path: Path) -> None:
    async with listening(tmp_path) as server:
        with await _handshaken(server) as sock, await asyncio.to_thread(sock.unwrap) as plain:
            assert await asyncio.to_thread(plain.recv, 1) == b""


async def test_a_client_that_pulls_the_plug_amid_an_answer_leaves_nothing(tmp_path: Path) -> None:
    async with listening(tmp_path) as server:
        with await _handshaken(server) as sock:
            head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY)
            await asyncio.to_thread(sock.sendall, head + BODY)
            assert await asyncio.to_thread(sock.recv, 100)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await until(lambda: open_connections() == 0)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_tls_1_1_is_refused(tmp_path: Path) -> None:
    context = client_context(tmp_path)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with listening(tmp_path) as server:
        with pytest.raises(aiohttp.ClientError):
            await server.who(context)


async def test_a_cipher_without_forward_secrecy_is_refused(tmp_path: Path) -> None:
    context = client_context(tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256")
    async with listening(tmp_path) as server:
        with pytest.raises(aiohttp.ClientError):
            await server.who(context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_resumed_session_is_the_same_client(tmp_path: Path, version: ssl.TLSVersion) -> None:
    shown = make_certificate()
    context = client_context(tmp_path, shown)
    context.maximum_version = version
    async with listening(tmp_path) as server:
        first = await asyncio.to_thread(_ask_who, server.port, context, None)
        again = await asyncio.to_thread(_ask_who, server.port, context, first[2])
    assert first[:2] == (shown.der, False)
    assert again[:2] == (shown.der, True)


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        ("missing.crt", "server.key"),
        ("server.crt", "missing.key"),
        ("server.crt", "other/server.key"),
        ("server.key", "server.key"),
        ("server.crt", "server.crt"),
    ],
)
def test_files_that_do_not_fit_are_a_config_error_that_names_them(tmp_path: Path, certificate: str, key: str) -> None:
    ensure_server_certificate(tmp_path, [], SystemClock())
    (tmp_path / "other").mkdir()
    ensure_server_certificate(tmp_path / "other", [], SystemClock())
    with pytest.raises(ConfigError, match=r"TLS can't use .*; both must be PEM and belong together") as caught:
        server_context(tmp_path / certificate, tmp_path / key)
    assert str(tmp_path / certificate) in str(caught.value)


async def _handshaken(server: Listening) -> ssl.SSLSocket:
    """Return a blocking connection after the handshake."""

    def connect() -> ssl.SSLSocket:
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        return client_context(server.folder).wrap_socket(sock, server_hostname="localhost")

    return await asyncio.to_thread(connect)


def _read_to_end(sock: socket.socket) -> None:
    sock.settimeout(20)
    try:
        while sock.recv(65_536):
            pass
    except ConnectionResetError:
        return


def _ask_who(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[bytes, bool, ssl.SSLSession | None]:
    """Return what the application saw, whether the session was resumed, and the session for the next time."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as sock,
    ):
        sock.sendall(b"GET /who HTTP/1.0\r\nHost: x\r\n\r\n")
        answer = b""
        while piece := sock.recv(65_536):
            answer += piece
        return answer.partition(b"\r\n\r\n")[2], bool(sock.session_reused), sock.session
