"""The one door: turns what a request shows into a principal, or refuses it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tidings.auth._names import is_name
from tidings.auth._verified import VerifiedPasswords
from tidings.auth.certificates import Certificates
from tidings.auth.passwords import Passwords
from tidings.auth.peer import socket_principal
from tidings.auth.principals import Principal
from tidings.auth.sessions import PREFIX as SESSION_PREFIX
from tidings.auth.sessions import Sessions
from tidings.auth.throttle import Throttle
from tidings.auth.tokens import PREFIX, Tokens
from tidings.clock import Clock
from tidings.errors import Busy, Stopping, Unauthenticated

MAX_WAITING = 64
"""How many password checks may wait for the one thread; who comes then is told to try again."""

PEER_KEEP_S = 60
MAX_PEERS = 1_000

_SECOND_NS = 1_000_000_000
_BEARER = "bearer "
_BASIC = "basic "

_HOW_TO = (
    "send 'Authorization: Bearer TOKEN' ('tidings token create' makes one) or a user name and password (HTTP Basic)"
)
_BAD_TOKEN = (
    "the token or session is unknown, revoked or expired; log in again, or 'tidings token create' makes a new one"  # noqa: S105 (a message)
)
_BAD_PASSWORD = "wrong user name or password"  # noqa: S105 (a message)
_MALFORMED = "malformed Basic credentials: the base64 of NAME:PASSWORD in UTF-8 is expected"

T = TypeVar("T")


class Gate:
    """Authenticates requests. An Authorization header decides alone; without one a client certificate, then the Unix socket's peer.

    Lives on one event loop. Hashing and directory look-ups run in two named threads of its own, until `close`.
    """

    def __init__(
        self,
        tokens: Tokens,
        passwords: Passwords,
        clock: Clock,
        *,
        certificates: Certificates,
        sessions: Sessions,
        group: str | None = None,
    ) -> None:
        self._tokens = tokens
        self._passwords = passwords
        self._certificates = certificates
        self._sessions = sessions
        self._clock = clock
        self._group = group
        self._throttle = Throttle(clock)
        self._verified = VerifiedPasswords(clock)
        self._peers: dict[tuple[int, int], tuple[int, Principal | None]] = {}
        self._password_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tidings-password")
        # Not the same thread: an administrator on the socket must not queue behind somebody guessing passwords.
        self._peer_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tidings-peer")
        self._waiting = 0
        self._closed = False

    def authenticate_fast(self, authorization: str | None, fingerprint: str | None = None) -> Principal | None:
        """Return whose bearer token, session or client certificate it is, from memory.

        None means ask `authenticate`, which also knows what to say.
        """
        if authorization is None:
            return self._certificates.principal(fingerprint) if fingerprint is not None else None
        if authorization[: len(_BEARER)].lower() != _BEARER:
            return None
        secret = authorization[len(_BEARER) :].strip()
        if secret.startswith(SESSION_PREFIX):
            return self._sessions.verify(secret)
        return self._tokens.verify(secret)

    async def authenticate(
        self,
        authorization: str | None,
        peer: tuple[int, int, int] | None,
        address: str,
        fingerprint: str | None = None,
    ) -> Principal:
        """Return who asks.

        That is known from the *authorization* header, the *fingerprint* of the client certificate that TLS proved, or the
        Unix socket's *peer* (pid, uid, gid); *address* is whence. Raises Unauthenticated, or Busy when passwords are tried too fast.
        """
        if authorization is None:
            return self._authenticate_certificate(fingerprint) if fingerprint else await self._authenticate_peer(peer)
        scheme = authorization[: len(_BEARER)].lower()
        if scheme == _BEARER:
            principal = self.authenticate_fast(authorization)
            if principal is None:
                raise Unauthenticated(_BAD_TOKEN)
            return principal
        if scheme.startswith(_BASIC):
            name, password = _decode_basic(authorization[len(_BASIC) :])
            return await self.log_in(name, password, address)
        # The header isn't quoted: it may be a bare token.
        raise Unauthenticated(f"the Authorization header is neither Bearer nor Basic; {_HOW_TO}")

    async def log_in(self, name: str, password: str, address: str) -> Principal:
        """Return whose password, or token in its place, that is. Raises as `authenticate` does.

        *name* may be followed by ``@`` and a profile, as oVirt's are, unless a user is called just so.
        """
        if password.startswith(PREFIX) and (principal := self._tokens.verify(password)):
            return principal
        # Whatever the profile, guesses count for the one user that they mean.
        if self._passwords.principal(name) is None:
            name = name.rpartition("@")[0] or name
        if not is_name(name):
            raise Unauthenticated(_BAD_PASSWORD)
        # Before the memory of right passwords, or a guesser could use that to try at full speed.
        self._throttle.check(name, address)
        if principal := self._verified.get(name, password, self._passwords.generation):
            return principal
        if self._waiting >= MAX_WAITING:
            raise Busy("too many password checks are waiting; try again, or use a token, which needs none")
        self._waiting += 1
        try:
            return await self._run(self._password_thread, lambda: self._check_password(name, password, address))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Stop the threads; checks that still wait end with Stopping. Blocks for the one that runs."""
        self._closed = True
        self._password_thread.shutdown()
        self._peer_thread.shutdown()

    def _check_password(self, name: str, password: str, address: str) -> Principal:
        """Verify a password; in the one password thread, so many guesses sent at once are counted one by one."""
        self._refuse_when_closed()
        self._throttle.check(name, address)
        generation = self._passwords.generation
        if principal := self._verified.get(name, password, generation):
            return principal
        principal = self._passwords.verify(name, password)
        if principal is None:
            self._throttle.fail(name, address)
            raise Unauthenticated(_BAD_PASSWORD)
        self._throttle.succeed(name, address)
        self._verified.put(name, password, generation, principal)
        return principal

    def _authenticate_certificate(self, fingerprint: str) -> Principal:
        principal = self._certificates.principal(fingerprint)
        if principal is None:
            how_to = "an administrator can trust it with 'tidings trust add NAME FILE'"
            raise Unauthenticated(f"the client certificate {fingerprint} is not trusted, or has expired; {how_to}")
        return principal

    async def _authenticate_peer(self, peer: tuple[int, int, int] | None) -> Principal:
        if peer is None:
            raise Unauthenticated(f"who are you? {_HOW_TO}")
        _, uid, gid = peer
        since_ns, principal = self._peers.get((uid, gid), (None, None))
        if since_ns is None or not 0 <= self._clock.now_ns() - since_ns < PEER_KEEP_S * _SECOND_NS:
            principal = await self._run(self._peer_thread, lambda: socket_principal(uid, gid, self._group))
            self._remember_peer(uid, gid, principal)
        if principal is None:
            trusted = "root and the server's own user" + (
                f" and members of group {self._group!r}" if self._group else ""
            )
            raise Unauthenticated(f"the Unix socket trusts {trusted}, not user id {uid}; {_HOW_TO}")
        return principal

    def _remember_peer(self, uid: int, gid: int, principal: Principal | None) -> None:
        if len(self._peers) >= MAX_PEERS:
            self._peers.clear()
        self._peers[uid, gid] = (self._clock.now_ns(), principal)

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        self._refuse_when_closed()
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise Stopping("the server is shutting down; try again when it is back")


def _decode_basic(credentials: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:
        # The cause is left out: its text may hold part of the password.
        raise Unauthenticated(_MALFORMED) from None
    name, colon, password = text.partition(":")
    if not colon:
        raise Unauthenticated(_MALFORMED)
    return name, password
