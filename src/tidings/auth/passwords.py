"""Users with passwords, kept as Argon2id hashes."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Sequence

import argon2
import msgspec

from tidings.auth._names import is_name, require_name
from tidings.auth.errors import InvalidAccount
from tidings.auth.principals import Principal, Role
from tidings.errors import NotFound
from tidings.store import Store

MIN_PASSWORD_BYTES = 8
MAX_PASSWORD_BYTES = 1024

_WRONG = (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError)


class UserInfo(msgspec.Struct, frozen=True):
    """A user without the password."""

    name: str
    role: Role


class Passwords:
    """All users of a store. Every call blocks, those that hash for some 50 ms: run them in a named thread.

    `generation` grows with every change of a user; whoever remembers an answer of `verify` must forget it then.
    """

    def __init__(self, store: Store, *, hasher: argon2.PasswordHasher | None = None) -> None:
        self._store = store
        # OWASP's parameters for Argon2id. One lane, because hashing must not take the event loop's processor too.
        self._hasher = hasher or argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._nobody = _unmatchable_hash(self._hasher)
        self._lock = threading.Lock()
        self.generation = 0

    def add(self, name: str, password: str, role: Role) -> UserInfo:
        """Make a user. Raises InvalidAccount."""
        require_name("user", name)
        hashed = self._hash(password)
        with self._store.transaction():
            if self._store.query("SELECT 1 FROM users WHERE name = ?", (name,)):
                reason = f"a user named {name!r} exists already; remove it first or choose another name"
                raise InvalidAccount("name", reason)
            self._store.execute("INSERT INTO users (name, hash, role) VALUES (?, ?, ?)", (name, hashed, role.value))
        self._forget()
        return UserInfo(name, role)

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password; the old one stops working. Raises NotFound and InvalidAccount."""
        hashed = self._hash(password)
        if not is_name(name) or not self._store.execute("UPDATE users SET hash = ? WHERE name = ?", (hashed, name)):
            raise _unknown(name)
        self._forget()

    def remove(self, name: str) -> None:
        """Delete a user. Raises NotFound."""
        if not is_name(name) or not self._store.execute("DELETE FROM users WHERE name = ?", (name,)):
            raise _unknown(name)
        self._forget()

    def verify(self, name: str, password: str) -> Principal | None:
        """Return the user when the password is right, else None; an unknown name takes as long as a wrong password."""
        rows = self._store.query("SELECT hash, role FROM users WHERE name = ?", (name,)) if is_name(name) else []
        hashed, role = rows[0] if rows else (self._nobody, Role.READER)
        try:
            self._hasher.verify(hashed, password.encode(errors="surrogatepass"))
        except _WRONG:
            return None
        if self._hasher.check_needs_rehash(hashed):
            self._rehash(name, hashed, password)
        return Principal(name, Role(role), (), "password")

    def list(self) -> Sequence[UserInfo]:
        """Return every user by name."""
        return [
            UserInfo(name, Role(role)) for name, role in self._store.query("SELECT name, role FROM users ORDER BY name")
        ]

    def _hash(self, password: str) -> str:
        try:
            size = len(encoded := password.encode())
        except UnicodeEncodeError:
            raise InvalidAccount("password", "the password must be valid Unicode text") from None
        if not MIN_PASSWORD_BYTES <= size <= MAX_PASSWORD_BYTES:
            limits = f"{MIN_PASSWORD_BYTES} to {MAX_PASSWORD_BYTES}"
            raise InvalidAccount("password", f"a password has {limits} bytes; this one has {size}")
        return self._hasher.hash(encoded)

    def _rehash(self, name: str, old: str, password: str) -> None:
        # Only over the hash that was verified: a password set meanwhile must win.
        new = self._hasher.hash(password.encode())
        self._store.execute("UPDATE users SET hash = ? WHERE name = ? AND hash = ?", (new, name, old))

    def _forget(self) -> None:
        # After the change is on disk: who reads the new number also reads the new hash.
        with self._lock:
            self.generation += 1


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no user named {name[:80]!r}; 'tidings user list' shows them all")


def _unmatchable_hash(hasher: argon2.PasswordHasher) -> str:
    """Return a hash that costs as much to verify as a real one and that no password has.

    Put together from random bytes, because computing a real one would delay every start by a password check.
    """
    salt, tag = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${tag}"
