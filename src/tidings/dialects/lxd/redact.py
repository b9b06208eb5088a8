"""Take secrets out of an LXD event's bytes and leave every other byte as it was.

LXD sends to its event listeners what opens doors: join and image tokens (operations of class ``token``), the one-time
secrets of exec, console and migration websockets, and, in debug log lines, the same again inside quoted REST bodies and
URLs. A value that is blank stays: an empty one, and the 64 zeros that captures scrubbed by others have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

MARK = b"REDACTED"
_BLANK = (b"", MARK, b"0" * 64)

# A string under one of these names is a secret wherever it stands (``core.trust_password`` too).
_NAME = rb"(?:[\w.-]*[._-])?(?:secret|password|token)"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
# Every value in an object of this name is the secret of one websocket.
_SECRET_OBJECT = b"fds"
# Migration operations put theirs straight into the operation's metadata.
_MIGRATION = frozenset({b"control", b"criu", b"fs"})
_MIGRATION_PLACE = [b"metadata", b"metadata"]
# A change of an instance's configuration has the setting's name in one member and what it was and is in two others.
_CHANGE = frozenset({b"old_value", b"value"})
_CHANGE_PLACE = [b"metadata"]

_TOKEN = re.compile(rb'"((?:[^"\\]++|\\.)*+)"|[{}\[\],:]')
_LETTER_ESCAPE = re.compile(rb"\\u00[4-7]")
_ESCAPE = re.compile(rb"\\u00([0-7][0-9a-fA-F])")

# Inside a string: a URL's query, where Go writes & as an escape, …
_IN_URL = re.compile(rb"(?:[?&]|\\u0026)(?:secret|token|password)=([^&\"\\\s]+)", re.IGNORECASE)
# … and quoted JSON, whose quotes are escaped once and whose own escapes are escaped twice.
_VALUE = rb'\\"((?:[^"\\]|\\\\(?:\\.|[^\\])|\\[^"\\])++)\\"'
_IN_JSON = re.compile(rb'\\"' + _NAME + rb'\\":\s*' + _VALUE, re.IGNORECASE)
_WEBSOCKET_IN_JSON = re.compile(rb'\\"(?:\d+|control|criu|fs)\\":\s*\\"([0-9a-f]{64})\\"')


class _Setting(msgspec.Struct):
    key: str = ""


class _Change(msgspec.Struct):
    metadata: _Setting


_CHANGES = msgspec.json.Decoder(_Change)


def redact(payload: bytes) -> bytes:
    """Return *payload*, which must be valid JSON, with each secret replaced by ``REDACTED``.

    It is the same object when it holds none.
    """
    if not _is_suspect(payload.lower()):
        return payload
    parts: list[bytes] = []
    end = 0
    for start, stop in _secrets(payload):
        if payload[start:stop] not in _BLANK:
            parts += (payload[end:start], MARK)
            end = stop
    return b"".join((*parts, payload[end:])) if parts else payload


def _is_suspect(lower: bytes) -> bool:
    """Whether the lower-cased payload may hold a secret: cheap and generous. An escape could spell any of the names."""
    # written out: a loop over the words takes three times as long, and most events end here
    return (
        b"secret" in lower
        or b"token" in lower
        or b"password" in lower
        or b"fds" in lower
        or b'"control' in lower
        or b'"criu' in lower
        or b'"fs' in lower
        or (b"\\u00" in lower and _LETTER_ESCAPE.search(lower) is not None)
    )


def _secrets(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each secret starts and stops, quotes not included, in ascending order."""
    walk = _Walk(_changes_secret(payload))
    for match in _TOKEN.finditer(payload):
        token = match[0]
        if match[1] is None:
            walk.punctuation(token)
        elif walk.expects_name:
            walk.name = _plain(match[1])
        elif walk.is_at_secret:
            yield match.span(1)
        elif b"=" in token or b"\\" in token:
            yield from _within(payload, *match.span(1))


def _changes_secret(payload: bytes) -> bool:
    """Whether *payload* tells of a setting whose name says that its value is a secret."""
    try:
        key = _CHANGES.decode(payload).metadata.key
    except (msgspec.DecodeError, RecursionError):
        return False
    return _SECRET_NAME.fullmatch(key.encode()) is not None


class _Walk:
    """Where in the document we are. Iterative, so that no depth of nesting can exhaust the stack."""

    def __init__(self, changes_secret: bool) -> None:
        self._changes_secret = changes_secret
        self.name = b""
        self.expects_name = False
        self._above: list[tuple[bytes, bool, bool]] = []
        self._is_object = False
        self._is_secret = False

    @property
    def is_at_secret(self) -> bool:
        """Whether a string here is a secret as a whole."""
        return self._is_secret or self._names_secret() or self._is_migration_secret() or self._is_changed_secret()

    def punctuation(self, token: bytes) -> None:
        """Move across one of ``{}[],:``."""
        if token in b"{[":
            self._above.append((self.name, self._is_object, self._is_secret))
            self._is_secret = self._is_secret or self._names_secret() or (token == b"{" and self.name == _SECRET_OBJECT)
            self.name, self._is_object = b"", token == b"{"
            self.expects_name = self._is_object
        elif token in b"}]":
            self.name, self._is_object, self._is_secret = self._above.pop()
            self.expects_name = False
        else:
            self.expects_name = token == b"," and self._is_object

    def _names_secret(self) -> bool:
        return _SECRET_NAME.fullmatch(self.name) is not None

    def _is_migration_secret(self) -> bool:
        return self.name in _MIGRATION and self._is_in(_MIGRATION_PLACE)

    def _is_changed_secret(self) -> bool:
        return self._changes_secret and self.name in _CHANGE and self._is_in(_CHANGE_PLACE)

    def _is_in(self, place: list[bytes]) -> bool:
        return [name for name, _, _ in self._above[1:]] == place


def _within(payload: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the secrets inside one string, which may quote a URL or a REST body."""
    found = {
        match.span(1)
        for pattern in (_IN_URL, _IN_JSON, _WEBSOCKET_IN_JSON)
        for match in pattern.finditer(payload, start, stop)
    }
    end = start
    for span in sorted(found):
        if span[0] >= end:
            yield span
            end = span[1]


def _plain(name: bytes) -> bytes:
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), name) if b"\\" in name else name
