"""Sessions: what somebody who showed a password once is given, to show instead of it. Only their SHA-256 is kept."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping

from tidings.auth.passwords import Passwords
from tidings.auth.principals import Principal
from tidings.auth.tokens import Tokens
from tidings.clock import Clock
from tidings.errors import Unauthenticated
from tidings.store import Store

PREFIX = "tds_"
"""How every secret begins, so that people and secret scanners recognise one."""

MAX_PER_ACCOUNT = 100
"""How many sessions a user or token may have; one more, and that goes which was not used for longest."""

_SECRET_BYTES = 32
_SECRET_LENGTH = len(PREFIX) + 43
_SECOND_NS = 1_000_000_000

_INSERT: Mapping[str, str] = {
    "password": (
        "INSERT INTO sessions (digest, realm, user, last_used_ns) SELECT ?, ?, name, ? FROM users WHERE name = ?"
    ),
    "token": (
        "INSERT INTO sessions (digest, realm, token, last_used_ns) SELECT ?, ?, name, ? FROM tokens WHERE name = ?"
    ),
}
_DELETE = "DELETE FROM sessions WHERE digest = ?"


class _Live:
    """A session as `Sessions.verify` needs it; its account is the user or the token, by *origin*, that is called *name*."""

    __slots__ = ("last_used_ns", "name", "origin", "realm", "saved_ns")

    def __init__(self, origin: str, name: str, realm: str, last_used_ns: int) -> None:
        self.origin, self.name, self.realm = origin, name, realm
        self.last_used_ns = self.saved_ns = last_used_ns


class Sessions:
    """All sessions of a store, of users and of tokens. One ends when nobody used it for *idle_s* seconds.

    `verify` reads memory only and may run on the event loop; all else blocks on the disk.
    """

    def __init__(self, store: Store, clock: Clock, idle_s: float, *, passwords: Passwords, tokens: Tokens) -> None:
        self._store = store
        self._clock = clock
        self._idle_ns = int(idle_s * _SECOND_NS)
        self._accounts: Mapping[str, Callable[[str], Principal | None]] = {
            "password": passwords.principal,
            "token": tokens.principal,
        }
        # Held over the changes on disk and in memory: a session created and ended at once must end up in neither.
        self._lock = threading.Lock()
        self._live = {
            bytes.fromhex(digest): _Live("password" if token is None else "token", token or user, realm, last_used_ns)
            for digest, realm, user, token, last_used_ns in store.query(
                "SELECT digest, realm, user, token, last_used_ns FROM sessions"
            )
        }

    def create(self, principal: Principal, realm: str) -> str:
        """Begin a session and return its secret, which nobody can find out later.

        *principal* is the very object that the gate returned for a password or a token. Raises Unauthenticated when the
        password was changed, or the account removed, since then: the session would outlive that.
        """
        if principal.origin not in self._accounts:
            raise ValueError(f"users and tokens can have sessions, not what is authenticated by {principal.origin}")
        secret = PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).rstrip(b"=").decode()
        digest, now_ns = _digest(secret), self._clock.now_ns()
        with self._lock:
            if self._accounts[principal.origin](principal.name) is not principal:
                raise _stale(principal)
            excess = self._of(principal.origin, principal.name)[: -(MAX_PER_ACCOUNT - 1)]
            with self._store.transaction():
                for old in excess:
                    self._store.execute(_DELETE, (old.hex(),))
                if not self._store.execute(_INSERT[principal.origin], (digest.hex(), realm, now_ns, principal.name)):
                    raise _stale(principal)
            for old in excess:
                del self._live[old]
            self._live[digest] = _Live(principal.origin, principal.name, realm, now_ns)
        return secret

    def verify(self, secret: str, realm: str | None = None) -> Principal | None:
        """Return whose session *secret* is, with the role and scopes that the account has now, and keep it from ending.

        None when it is unknown, has ended, or is of another *realm* than the given one.
        """
        if len(secret) != _SECRET_LENGTH or not secret.startswith(PREFIX):
            return None
        # The look-up's time depends on the digest, which tells nothing about the secret: no need of a constant time.
        live = self._live.get(_digest(secret))
        now_ns = self._clock.now_ns()
        if live is None or self._is_idle(live, now_ns) or realm not in (None, live.realm):
            return None
        if (principal := self._account(live)) is not None:
            live.last_used_ns = now_ns
        return principal

    def revoke(self, secret: str) -> None:
        """End a session, if it is one."""
        digest = _digest(secret)
        with self._lock:
            self._end([digest] if digest in self._live else [])

    def end_of(self, name: str, origin: str = "password") -> None:
        """End all sessions of a user, or of a token with the origin "token".

        Call it when the password was changed or the account removed.
        """
        with self._lock:
            self._end(self._of(origin, name))

    def flush(self) -> None:
        """Write down when sessions were last used, and forget those that have ended; call it now and then and at the end."""
        with self._lock:
            now_ns, live = self._clock.now_ns(), tuple(self._live.items())
            ended = [digest for digest, each in live if self._is_idle(each, now_ns) or self._account(each) is None]
            # The time is read once: verify may move it on meanwhile.
            used = [(digest, each, each.last_used_ns) for digest, each in live if each.last_used_ns != each.saved_ns]
            if not ended and not used:
                return
            with self._store.transaction():
                for digest, _, last_used_ns in used:
                    self._store.execute(
                        "UPDATE sessions SET last_used_ns = ? WHERE digest = ?", (last_used_ns, digest.hex())
                    )
                for digest in ended:
                    self._store.execute(_DELETE, (digest.hex(),))
            for _, each, last_used_ns in used:
                each.saved_ns = last_used_ns
            for digest in ended:
                del self._live[digest]

    def _end(self, digests: list[bytes]) -> None:
        # First in memory: even when the disk refuses, nobody gets in any more until a restart.
        for digest in digests:
            del self._live[digest]
        if digests:
            with self._store.transaction():
                for digest in digests:
                    self._store.execute(_DELETE, (digest.hex(),))

    def _of(self, origin: str, name: str) -> list[bytes]:
        """Return the sessions of an account, the one not used for longest first."""
        own = [(live.last_used_ns, at) for at, live in self._live.items() if (live.origin, live.name) == (origin, name)]
        return [digest for _, digest in sorted(own)]

    def _account(self, live: _Live) -> Principal | None:
        return self._accounts[live.origin](live.name)

    def _is_idle(self, live: _Live, now_ns: int) -> bool:
        # A clock set back makes this negative; who knows for how long it was idle then, so let it live.
        return now_ns - live.last_used_ns >= self._idle_ns


def _stale(principal: Principal) -> Unauthenticated:
    return Unauthenticated(f"the account {principal.name} was changed while you logged in; log in again")


def _digest(secret: str) -> bytes:
    # A header may carry bytes that are no UTF-8; they must end as "unknown session", not as an encoding error.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
