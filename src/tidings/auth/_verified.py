"""Remembers for a minute which passwords were right, so that a loop of requests doesn't pay for a hash each."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading

from tidings.auth.principals import Principal
from tidings.clock import Clock

KEEP_S = 60
MAX_ENTRIES = 1_000

_SECOND_NS = 1_000_000_000


class VerifiedPasswords:
    """Right pairs of name and password as HMACs under a key of this process. The oldest goes when it is full.

    *generation* is `Passwords.generation` as it was before the password was verified; once it has grown, everything is
    forgotten.
    """

    def __init__(self, clock: Clock, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._generation = 0
        self._principals: dict[bytes, tuple[int, Principal]] = {}

    def get(self, name: str, password: str, generation: int) -> Principal | None:
        """Return whom the pair was verified to be within the last minute, or None."""
        mac = self._mac(name, password)
        with self._lock:
            self._forget_before(generation)
            since_ns, principal = self._principals.get(mac, (0, None))
        # A clock set back makes the age negative; then the entry's true age is unknown.
        return principal if 0 <= self._clock.now_ns() - since_ns < KEEP_S * _SECOND_NS else None

    def put(self, name: str, password: str, generation: int, principal: Principal) -> None:
        """Remember that the pair was right."""
        mac = self._mac(name, password)
        with self._lock:
            self._forget_before(generation)
            if generation < self._generation:
                return
            self._principals.pop(mac, None)
            self._principals[mac] = (self._clock.now_ns(), principal)
            if len(self._principals) > self._max_entries:
                del self._principals[next(iter(self._principals))]

    def _forget_before(self, generation: int) -> None:
        if generation > self._generation:
            self._generation = generation
            self._principals.clear()

    def _mac(self, name: str, password: str) -> bytes:
        # No user name holds a NUL, so two different pairs never make the same text.
        return hmac.digest(self._key, f"{name}\0{password}".encode(errors="surrogatepass"), hashlib.sha256)
