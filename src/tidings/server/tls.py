"""The TLS listener: it asks clients for a certificate but accepts any, because trust is looked up in our own store.

The standard `ssl` module can't: it either doesn't ask or refuses whom no authority vouches for. So asyncio is given an
`ssl.SSLContext` whose connections are pyOpenSSL's, between the same memory buffers. Needs asyncio's own event loop.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, overload

from aiohttp import web
from OpenSSL import SSL, crypto

from tidings.errors import ConfigError

HANDSHAKE_TIMEOUT_S: Final = 10.0
SHUTDOWN_TIMEOUT_S: Final = 5.0

_STEP = 64 * 1024  # what OpenSSL's buffers, which never shrink, have to hold at a time
_OVERHEAD = 1024  # at least what the records of a step add
_RECORD = 16 * 1024  # the most that one read returns
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; all of TLS 1.3 are good
_OPTIONS = SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE

T = TypeVar("T")


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what asyncio needs to serve TLS 1.2 and newer with the PEM files *certificate* (the whole chain) and *key*.

    Reads the files, so it blocks. Raises ConfigError when they don't fit.
    """
    settings = SSL.Context(SSL.TLS_SERVER_METHOD)
    settings.set_min_proto_version(SSL.TLS1_2_VERSION)
    settings.set_cipher_list(_CIPHERS)
    settings.set_options(_OPTIONS)
    settings.set_mode(SSL.MODE_RELEASE_BUFFERS)  # thousands of quiet streams
    # Clients may resume a session, which holds their certificate, by the ticket that they keep; we keep none.
    settings.set_session_id(b"tidings")
    settings.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    settings.set_verify(SSL.VERIFY_PEER, _accept)
    try:
        settings.use_certificate_chain_file(str(certificate))
        settings.use_privatekey_file(str(key))
        settings.check_privatekey()
    except SSL.Error as fault:
        what = f"TLS can't use {certificate} with {key}: {_reason(fault)}"
        raise ConfigError(f"{what}; both must be PEM and belong together") from None
    context = _Context(ssl.PROTOCOL_TLS_SERVER)
    context.settings = settings
    return context


def client_certificate(transport: asyncio.BaseTransport | None) -> bytes | None:
    """Return the certificate (DER) whose key the client at the other end has; None when it showed none, or speaks no TLS."""
    connection = transport.get_extra_info("ssl_object") if transport is not None else None
    return connection.peer if isinstance(connection, _Connection) else None


class TlsSite(web.SockSite):
    """A socket of the application behind TLS; who doesn't finish the handshake, or the farewell, in time is cut off."""

    async def start(self) -> None:
        """Begin to accept."""
        await web.BaseSite.start(self)
        assert self._runner.server is not None
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server,
            sock=self._sock,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )


def _accept(_connection: SSL.Connection, _certificate: crypto.X509, _error: int, _depth: int, _ok: int) -> bool:
    """Take any certificate; that the client has its key is proven by the handshake all the same."""
    return True


class _Context(ssl.SSLContext):
    settings: SSL.Context

    def wrap_bio(  # type: ignore[override]  # asyncio asks for no more of it than a _Connection has
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_args: Any, **_kwargs: Any
    ) -> _Connection:
        """Return one connection between the two buffers, of the server's side."""
        return _Connection(self.settings, incoming, outgoing)


class _Connection:
    """What asyncio's SSLProtocol uses of an `ssl.SSLObject`, over pyOpenSSL.

    Encrypted bytes are taken from *incoming* only when OpenSSL wants some, so that asyncio, which counts them there, can
    hold the client up. Whatever fails is an `ssl.SSLError`: asyncio then ends the connection without a word in the log.
    """

    def __init__(self, settings: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._connection = SSL.Connection(settings, None)
        self._connection.set_accept_state()
        self._is_starved = True
        self._said_farewell = False
        self.peer: bytes | None = None
        """The client's certificate (DER), known after the handshake."""

    def do_handshake(self) -> None:
        """Go on with the handshake. Raises ssl.SSLWantReadError until it is done."""
        try:
            self._with_input(self._connection.do_handshake)
        finally:
            self._send(_STEP)
        peer = self._connection.get_peer_certificate()
        self.peer = None if peer is None else crypto.dump_certificate(crypto.FILETYPE_ASN1, peer)

    @overload
    def read(self, size: int) -> bytes: ...
    @overload
    def read(self, size: int, buffer: memoryview) -> int: ...
    def read(self, size: int, buffer: memoryview | None = None) -> bytes | int:
        """Return up to *size* bytes, or put them into *buffer* and say how many; nothing means the client has ended."""
        most = min(size, _RECORD)
        try:
            if buffer is None:
                return self._with_input(partial(self._connection.recv, most))
            return self._with_input(partial(self._connection.recv_into, buffer, most))
        except ssl.SSLZeroReturnError:
            return b"" if buffer is None else 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Encrypt all of *data*; return how much that is."""
        view = memoryview(data)
        for start in range(0, len(view), _STEP):
            piece = view[start : start + _STEP]
            _translated(partial(self._connection.sendall, piece))
            self._send(len(piece) + _OVERHEAD)
        return len(view)

    def unwrap(self) -> None:
        """Say farewell and wait for the client's. Raises ssl.SSLWantReadError until it came."""
        if not self._said_farewell:
            self._said_farewell = True
            has_come = _translated(self._connection.shutdown)
            self._send(_OVERHEAD)
            if has_come:
                return
        self._with_input(self._connection.shutdown)

    def getpeercert(self) -> dict[str, object] | None:
        """Return what `ssl` does for a certificate that nobody verified: an empty table; None when there is none."""
        return None if self.peer is None else {}

    def cipher(self) -> tuple[str, str, int] | None:
        """Return the cipher's name, the protocol's version, and the bits of the key."""
        name, version = self._connection.get_cipher_name(), self._connection.get_cipher_version()
        bits = self._connection.get_cipher_bits()
        return None if name is None or version is None or bits is None else (name, version, bits)

    def compression(self) -> None:
        """Return the compression: none is ever used."""

    def _with_input(self, step: Callable[[], T]) -> T:
        """Do *step*, with more bytes whenever it wants some; raise ssl.SSLWantReadError when there are none."""
        while True:
            if self._is_starved:
                if not self._incoming.pending:
                    raise ssl.SSLWantReadError
                self._connection.bio_write(self._incoming.read(_STEP))
                self._is_starved = False
            try:
                return _translated(step)
            except SSL.WantReadError:
                self._is_starved = True

    def _send(self, most: int) -> None:
        """Hand on what OpenSSL wrote, *most* bytes at a time."""
        try:
            while piece := self._connection.bio_read(most):
                self._outgoing.write(piece)
                if len(piece) < most:
                    return
        except SSL.WantReadError:
            return


def _translated(step: Callable[[], T]) -> T:
    """Do *step* with errors as `ssl` has them; but that it wants more is told in OpenSSL's way."""
    try:
        return step()
    except SSL.WantReadError:
        raise
    except SSL.ZeroReturnError:
        raise ssl.SSLZeroReturnError from None
    except SSL.SysCallError:
        raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the connection ended without a farewell") from None
    except SSL.Error as fault:
        raise ssl.SSLError(ssl.SSL_ERROR_SSL, _reason(fault)) from None


def _reason(fault: SSL.Error) -> str:
    """Return OpenSSL's own words."""
    entries = fault.args[0] if fault.args and isinstance(fault.args[0], list) else []
    return "; ".join(entry[-1] for entry in entries if entry[-1]) or "unknown error"
