"""Users with passwords, kept as Argon2id hashes."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Sequence

import argon2
import msgspec

from tidings.auth._names import require_name
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
    """All users of a store. Every call but `principal` blocks, those that hash for some 50 ms: run them in a named thread.

    `generation` grows with every change of a user; whoever remembers an answer of `verify` must forget it then.
    """

    def __init__(self, store: Store, *, hasher: argon2.PasswordHasher | None = None) -> None:
        self._store = store
        # OWASP's parameters for Argon2id. One lane, because hashing must not take the event loop's processor too.
        self._hasher = hasher or argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._nobody = _unmatchable_hash(self._hasher)
        # Held over the changes on disk and in memory: a user changed and removed at once must end up in neither.
        self._lock = threading.Lock()
        self._principals = {
            name: _principal(name, Role(role)) for name, role in store.query("SELECT name, role FROM users")
        }
        self.generation = 0

    def principal(self, name: str) -> Principal | None:
        """Return the user as it is now, or None when there is none; from memory.

        The same object for as long as the same password holds, and the one that `verify` returns for it.
        """
        return self._principals.get(name)

    def add(self, name: str, password: str, role: Role) -> UserInfo:
        """Make a user. Raises InvalidAccount."""
        require_name("user", name)
        hashed = self._hash(password)
        with self._lock:
            if name in self._principals:
                reason = f"a user named {name!r} exists already; remove it first or choose another name"
                raise InvalidAccount("name", reason)
            self._store.execute("INSERT INTO users (name, hash, role) VALUES (?, ?, ?)", (name, hashed, role.value))
            self._principals[name] = _principal(name, role)
            self._forget()
        return UserInfo(name, role)

    def set_password(self, name: str, password: str) -> None:
        """Give a user another password; the old one stops working. Raises NotFound and InvalidAccount."""
        hashed = self._hash(password)
        with self._lock:
            known = self._known(name)
            self._store.execute("UPDATE users SET hash = ? WHERE name = ?", (hashed, name))
            self._principals[name] = _principal(name, known.role)
            self._forget()

    def remove(self, name: str) -> None:
        """Delete a user. Raises NotFound."""
        with self._lock:
            self._known(name)
            self._store.execute("DELETE FROM users WHERE name = ?", (name,))
            del self._principals[name]
            self._forget()

    def verify(self, name: str, password: str) -> Principal | None:
        """Return the user when the password is right, else None; an unknown name takes as long as a wrong password."""
        # Taken before the hash is read: should the password be changed meanwhile, this is not the user as it is then.
        known = self._principals.get(name)
        rows = self._store.query("SELECT hash FROM users WHERE name = ?", (name,)) if known else []
        hashed = rows[0][0] if rows else self._nobody
        try:
            self._hasher.verify(hashed, password.encode(errors="surrogatepass"))
        except _WRONG:
            return None
        if self._hasher.check_needs_rehash(hashed):
            self._rehash(name, hashed, password)
        return known

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

    def _known(self, name: str) -> Principal:
        if (known := self._principals.get(name)) is None:
            raise _unknown(name)
        return known

    def _forget(self) -> None:
        # After the change is on disk: who reads the new number also reads the new hash.
        self.generation += 1


def _principal(name: str, role: Role) -> Principal:
    return Principal(name, role, (), "password")


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
