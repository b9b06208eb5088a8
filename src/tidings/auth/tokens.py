"""Bearer tokens: random secrets of which only the SHA-256 is kept."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tidings.auth._limits import checked_lifetime_ns, checked_scopes
from tidings.auth._names import is_name, require_name
from tidings.auth._secret_file import read_secret, write_secret
from tidings.auth.errors import InvalidAccount
from tidings.auth.principals import Principal, Role
from tidings.clock import Clock
from tidings.errors import NotFound
from tidings.store import Row, Store

PREFIX = "tdg_"
"""How every secret begins, so that people and secret scanners recognise one."""

ADMIN_TOKEN = "admin"  # noqa: S105 (a name, not a secret)
"""The name of the token that `Tokens.ensure_admin_token` looks after."""

_SECRET_BYTES = 32
_SECRET_LENGTH = len(PREFIX) + 43
_ID_LENGTH = 12
_SECOND_NS = 1_000_000_000
_LAST_USED_STEP_NS = 60 * _SECOND_NS


class TokenInfo(msgspec.Struct, frozen=True):
    """A token without its secret; times are nanoseconds since the epoch.

    *id* is the start of the secret's SHA-256: it tells a token from an earlier one of its name, and finds the token of
    a leaked secret.
    """

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    created_ns: int
    expires_ns: int | None
    last_used_ns: int | None


class _Live:
    """A token as `Tokens.verify` needs it."""

    __slots__ = ("expires_ns", "info", "last_used_ns", "principal", "saved_ns")

    def __init__(self, info: TokenInfo) -> None:
        self.info = info
        self.principal = Principal(info.name, info.role, info.scopes, "token")
        self.expires_ns = info.expires_ns
        self.last_used_ns = self.saved_ns = info.last_used_ns or 0

    def is_valid(self, now_ns: int) -> bool:
        return self.expires_ns is None or now_ns < self.expires_ns


class Tokens:
    """All tokens of a store.

    `verify` and `principal` read memory only and may run on the event loop; all else blocks on the disk.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # Held over the changes on disk and in memory: a token created and revoked at once must end up in neither.
        self._lock = threading.RLock()
        self._live = {
            bytes.fromhex(row[0]): _Live(_info(row))
            for row in store.query(
                "SELECT digest, name, role, scopes, created_ns, expires_ns, last_used_ns FROM tokens"
            )
        }
        self._named = {live.info.name: live for live in self._live.values()}

    def create(
        self, name: str, role: Role, scopes: Sequence[str] = (), expires_s: float | None = None
    ) -> tuple[TokenInfo, str]:
        """Make a token and return it with its secret, which nobody can find out later. Raises InvalidAccount."""
        require_name("token", name)
        limits = checked_scopes("token", role, scopes)
        now_ns = self._clock.now_ns()
        expires_ns = None if expires_s is None else now_ns + checked_lifetime_ns(expires_s)
        secret = PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).rstrip(b"=").decode()
        digest = _digest(secret)
        info = TokenInfo(digest.hex()[:_ID_LENGTH], name, role, limits, now_ns, expires_ns, None)
        with self._lock:
            self._insert(info, digest)
            self._live[digest] = self._named[name] = _Live(info)
        return info, secret

    def verify(self, secret: str) -> Principal | None:
        """Return whose token *secret* is, or None when it is unknown, revoked or expired."""
        if len(secret) != _SECRET_LENGTH:
            return None
        # The look-up's time depends on the digest, which tells nothing about the secret: no need of a constant time.
        live = self._live.get(_digest(secret))
        now_ns = self._clock.now_ns()
        if live is None or not live.is_valid(now_ns):
            return None
        if not 0 <= now_ns - live.last_used_ns < _LAST_USED_STEP_NS:
            live.last_used_ns = now_ns
        return live.principal

    def principal(self, name: str) -> Principal | None:
        """Return the token of this name as it is now, or None when it is unknown, revoked or expired.

        The same object for as long as it is the same token, and the one that `verify` returns for its secret.
        """
        live = self._named.get(name)
        return live.principal if live is not None and live.is_valid(self._clock.now_ns()) else None

    def list(self) -> Sequence[TokenInfo]:
        """Return every token, expired ones too, by name; when each was last used is up to a minute behind."""
        tokens = sorted(self._live.values(), key=lambda live: live.info.name)
        return [msgspec.structs.replace(live.info, last_used_ns=live.last_used_ns or None) for live in tokens]

    def revoke(self, name: str) -> None:
        """Delete a token: from now on nobody gets in with it. Raises NotFound."""
        with self._lock:
            if not is_name(name) or not self._store.execute("DELETE FROM tokens WHERE name = ?", (name,)):
                raise NotFound(f"there is no token named {name[:80]!r}; 'tidings token list' shows them all")
            for digest, live in tuple(self._live.items()):
                if live.info.name == name:
                    del self._live[digest]
            self._named.pop(name, None)

    def flush(self) -> None:
        """Write down when tokens were last used; call it now and then and at the end."""
        with self._lock:
            used = [(digest, live) for digest, live in tuple(self._live.items()) if live.last_used_ns != live.saved_ns]
            if not used:
                return
            with self._store.transaction():
                saved = [self._save_use(digest, live) for digest, live in used]
            for (_, live), saved_ns in zip(used, saved, strict=True):
                live.saved_ns = saved_ns

    def ensure_admin_token(self, path: Path) -> bool:
        """See to it that the file holds the secret of a working admin token; return whether a new one was made.

        A lost or useless file gets a new token, and the one that was in it stops working. Raises StorageError.
        """
        with self._lock:
            secret = read_secret(path)
            principal = self.verify(secret) if secret else None
            if principal is not None and principal.name == ADMIN_TOKEN and principal.is_admin:
                return False
            if any(live.info.name == ADMIN_TOKEN for live in self._live.values()):
                self.revoke(ADMIN_TOKEN)
            # In this order a crash leaves a token without a file, which the next start mends.
            _, secret = self.create(ADMIN_TOKEN, Role.ADMIN)
            write_secret(path, secret)
            return True

    def _insert(self, info: TokenInfo, digest: bytes) -> None:
        with self._store.transaction():
            if self._store.query("SELECT 1 FROM tokens WHERE name = ?", (info.name,)):
                reason = f"a token named {info.name!r} exists already; revoke it first or choose another name"
                raise InvalidAccount("name", reason)
            self._store.execute(
                "INSERT INTO tokens (name, digest, role, scopes, created_ns, expires_ns) VALUES (?, ?, ?, ?, ?, ?)",
                (info.name, digest.hex(), info.role.value, json.dumps(info.scopes), info.created_ns, info.expires_ns),
            )

    def _save_use(self, digest: bytes, live: _Live) -> int:
        last_used_ns = live.last_used_ns  # read once: verify may move it on meanwhile
        self._store.execute("UPDATE tokens SET last_used_ns = ? WHERE digest = ?", (last_used_ns, digest.hex()))
        return last_used_ns


def _digest(secret: str) -> bytes:
    # A header may carry bytes that are no UTF-8; they must end as "unknown token", not as an encoding error.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _info(row: Row) -> TokenInfo:
    digest, name, role, scopes, created_ns, expires_ns, last_used_ns = row
    return TokenInfo(
        digest[:_ID_LENGTH], name, Role(role), tuple(json.loads(scopes)), created_ns, expires_ns, last_used_ns
    )
