"""Which TLS clients are trusted: by the SHA-256 of their certificate's DER, whoever signed it, as LXD does."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import uuid
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tidings.auth._limits import checked_lifetime_ns, checked_scopes
from tidings.auth._names import require_name
from tidings.auth._x509 import ReadCertificate, read_certificate
from tidings.auth.errors import InvalidAccount
from tidings.auth.principals import Principal, Role
from tidings.clock import Clock
from tidings.errors import Forbidden, NotFound
from tidings.store import Row, Store

MIN_PREFIX = 12
"""How much of a fingerprint must be given to mean a certificate."""

_SECRET_BYTES = 32
# These two texts are LXD's: clients compare them.
_NO_TOKEN = "No matching certificate add operation found"  # noqa: S105 (a message)
_TRUSTED = "Client is already trusted"


class Certificate(msgspec.Struct, frozen=True):
    """A trusted client certificate; without *scopes* it sees all.

    *fingerprint* is the hexadecimal SHA-256 of its DER; times are nanoseconds since the epoch, *expires_ns* is the end of its own validity.
    """

    fingerprint: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    pem: str
    added_ns: int
    expires_ns: int


class JoinToken(msgspec.Struct, frozen=True):
    """A token, without its secret, with which one client may add its own certificate, once; *id* is a UUID."""

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    created_ns: int
    expires_ns: int | None


class _Trusted(NamedTuple):
    certificate: Certificate
    principal: Principal


class Certificates:
    """All trusted certificates and pending join tokens of a store.

    `principal`, `list`, `get` and `join_tokens` read memory only and may run on the event loop; all else blocks on the disk.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # Held over the changes on disk and in memory: a certificate added and removed at once must end up in neither.
        self._lock = threading.RLock()
        # Both are replaced, never changed, so that readers need no lock.
        self._trusted = {
            row[0]: _known(_certificate(row))
            for row in store.query(
                "SELECT fingerprint, name, role, scopes, pem, added_ns, expires_ns FROM certificates"
            )
        }
        self._tokens = {
            row[0]: _join_token(row)
            for row in store.query("SELECT digest, id, name, role, scopes, created_ns, expires_ns FROM join_tokens")
        }

    def principal(self, fingerprint: str) -> Principal | None:
        """Return who shows the certificate of *fingerprint*, or None when it isn't trusted or its validity has ended."""
        known = self._trusted.get(fingerprint)
        if known is None or self._clock.now_ns() >= known.certificate.expires_ns:
            return None
        return known.principal

    def list(self) -> Sequence[Certificate]:
        """Return every certificate by name, those whose validity has ended too."""
        certificates = (known.certificate for known in self._trusted.values())
        return sorted(certificates, key=lambda certificate: (certificate.name, certificate.fingerprint))

    def get(self, prefix: str) -> Certificate:
        """Return the one certificate whose fingerprint begins with *prefix*, at least 12 digits. Raises NotFound."""
        wanted, trusted = prefix.lower(), self._trusted
        found = [at for at in trusted if at.startswith(wanted)] if len(wanted) >= MIN_PREFIX else []
        if len(found) == 1:
            return trusted[found[0]].certificate
        if found:
            raise NotFound(f"{len(found)} fingerprints begin with {prefix[:80]!r}; give more digits of the one")
        rule = f"give a fingerprint, or at least its first {MIN_PREFIX} digits"
        raise NotFound(f"no certificate {prefix[:80]!r} is trusted; {rule}; 'tidings trust list' shows them all")

    def add(self, name: str, certificate: bytes, role: Role, scopes: Sequence[str] = ()) -> Certificate:
        """Trust a *certificate*, PEM or DER. Raises InvalidAccount, also for one that is trusted already."""
        require_name("certificate", name)
        limits = checked_scopes("certificate", role, scopes)
        read = read_certificate(certificate, self._clock.now_ns())
        with self._lock:
            if (known := self._trusted.get(read.fingerprint)) is not None:
                reason = f"the certificate {read.fingerprint} is trusted already, as {known.certificate.name!r}"
                raise InvalidAccount("certificate", f"{reason}; remove it first to change what it may do")
            added = self._insert(read, name, role, limits)
            self._remember(added)
        return added

    def update(self, fingerprint: str, *, name: str, role: Role, scopes: Sequence[str]) -> Certificate:
        """Give a certificate another name, role and scopes, from the next request on. Raises NotFound, InvalidAccount."""
        require_name("certificate", name)
        limits = checked_scopes("certificate", role, scopes)
        with self._lock:
            changed = msgspec.structs.replace(self.get(fingerprint), name=name, role=role, scopes=limits)
            self._store.execute(
                "UPDATE certificates SET name = ?, role = ?, scopes = ? WHERE fingerprint = ?",
                (name, role.value, json.dumps(limits), changed.fingerprint),
            )
            self._remember(changed)
        return changed

    def remove(self, fingerprint: str) -> Certificate:
        """Trust a certificate no more: from now on nobody gets in with it. Raises NotFound."""
        with self._lock:
            gone = self.get(fingerprint)
            self._store.execute("DELETE FROM certificates WHERE fingerprint = ?", (gone.fingerprint,))
            self._trusted = {at: known for at, known in self._trusted.items() if at != gone.fingerprint}
        return gone

    def create_join_token(
        self, name: str, role: Role, scopes: Sequence[str] = (), expires_s: float | None = None
    ) -> tuple[JoinToken, str]:
        """Make a token for a client to be called *name*; return it with its secret, which nobody can find out later.

        Raises InvalidAccount. Forgets the tokens that have expired.
        """
        require_name("certificate", name)
        limits = checked_scopes("certificate", role, scopes)
        now_ns = self._clock.now_ns()
        expires_ns = None if expires_s is None else now_ns + checked_lifetime_ns(expires_s)
        secret = secrets.token_hex(_SECRET_BYTES)
        token = JoinToken(str(uuid.uuid4()), name, role, limits, now_ns, expires_ns)
        digest = _digest(secret)
        with self._lock:
            with self._store.transaction():
                self._store.execute("DELETE FROM join_tokens WHERE expires_ns <= ?", (now_ns,))
                self._store.execute(
                    "INSERT INTO join_tokens (digest, id, name, role, scopes, created_ns, expires_ns)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (digest, token.id, name, role.value, json.dumps(limits), now_ns, expires_ns),
                )
            alive = {at: known for at, known in self._tokens.items() if _is_alive(known, now_ns)}
            self._tokens = {**alive, digest: token}
        return token, secret

    def join_tokens(self) -> Sequence[JoinToken]:
        """Return the tokens that can still be spent, oldest first."""
        now_ns = self._clock.now_ns()
        alive = [token for token in self._tokens.values() if _is_alive(token, now_ns)]
        return sorted(alive, key=lambda token: (token.created_ns, token.id))

    def revoke_join_token(self, id: str) -> JoinToken:
        """Take a pending token back. Raises NotFound."""
        with self._lock:
            found = [token for token in self.join_tokens() if token.id == id]
            if not found:
                raise NotFound(f"no join token {id[:80]!r} is pending; 'tidings trust tokens' shows those that are")
            self._store.execute("DELETE FROM join_tokens WHERE id = ?", (id,))
            self._forget_token(found[0])
        return found[0]

    def join(self, secret: str, certificate: bytes, name: str = "") -> Certificate:
        """Spend a join token: trust *certificate*, with the token's role and scopes, and its name unless one is given.

        Both or neither happens. Raises Forbidden when the token is unknown, spent or expired, and InvalidAccount, which
        leaves the token as it was, for a certificate that is none, has expired or is trusted already.
        """
        with self._lock:
            # The look-up's time depends on the digest, which tells nothing about the secret: no need of a constant time.
            token = self._tokens.get(_digest(secret))
            if token is None or not _is_alive(token, self._clock.now_ns()):
                raise Forbidden(_NO_TOKEN)
            if name:
                require_name("certificate", name)
            read = read_certificate(certificate, self._clock.now_ns())
            if read.fingerprint in self._trusted:
                raise InvalidAccount("certificate", _TRUSTED)
            with self._store.transaction():
                self._store.execute("DELETE FROM join_tokens WHERE id = ?", (token.id,))
                added = self._insert(read, name or token.name, token.role, token.scopes)
            self._forget_token(token)
            self._remember(added)
        return added

    def _insert(self, read: ReadCertificate, name: str, role: Role, scopes: tuple[str, ...]) -> Certificate:
        now_ns = self._clock.now_ns()
        self._store.execute(
            "INSERT INTO certificates (fingerprint, name, role, scopes, pem, added_ns, expires_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (read.fingerprint, name, role.value, json.dumps(scopes), read.pem, now_ns, read.expires_ns),
        )
        return Certificate(read.fingerprint, name, role, scopes, read.pem, now_ns, read.expires_ns)

    def _remember(self, certificate: Certificate) -> None:
        self._trusted = {**self._trusted, certificate.fingerprint: _known(certificate)}

    def _forget_token(self, gone: JoinToken) -> None:
        self._tokens = {at: token for at, token in self._tokens.items() if token.id != gone.id}


def _known(certificate: Certificate) -> _Trusted:
    who = Principal(certificate.fingerprint, certificate.role, certificate.scopes, "tls")
    return _Trusted(certificate, who)


def _digest(secret: str) -> str:
    # A request may carry bytes that are no UTF-8; they must end as "no such token", not as an encoding error.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _certificate(row: Row) -> Certificate:
    fingerprint, name, role, scopes, pem, added_ns, expires_ns = row
    return Certificate(fingerprint, name, Role(role), tuple(json.loads(scopes)), pem, added_ns, expires_ns)


def _join_token(row: Row) -> JoinToken:
    _, id, name, role, scopes, created_ns, expires_ns = row
    return JoinToken(id, name, Role(role), tuple(json.loads(scopes)), created_ns, expires_ns)


def _is_alive(token: JoinToken, now_ns: int) -> bool:
    return token.expires_ns is None or now_ns < token.expires_ns
