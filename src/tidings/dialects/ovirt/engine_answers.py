"""What an engine answers to a collector: events, a token, who it is, and what went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import msgspec

from tidings import rfc3339
from tidings.clock import Clock
from tidings.collect import Disconnected
from tidings.dialects.ovirt.codec import decode, decode_list
from tidings.dialects.ovirt.codes import NAME
from tidings.dialects.ovirt.texts import one_line
from tidings.dialects.ovirt.wire import read_engine_event
from tidings.errors import InvalidEvent
from tidings.event import Draft, set_payload
from tidings.severity import Severity

UNREADABLE = "ovirt.unreadable"
NO_TIME = -1
_MAX_TEXT = 300
_MAX_DIGITS = 18
_MARK = "REDACTED"
_MARKUP = re.compile(r"<[^<>]*>")


class Row(NamedTuple):
    """One event of an engine: its number there, which orders rows, its time in ns (`NO_TIME`: none), and its bytes."""

    id: int
    time_ns: int
    payload: bytes


def read_list(body: bytes) -> list[Row]:
    """Return the events of a list, in its order. Raises Disconnected for what an engine doesn't answer."""
    try:
        return [read_row(payload) for payload in decode_list(body)]
    except InvalidEvent as fault:
        raise Disconnected(f"no list of events was answered: {fault}") from None


def read_row(payload: bytes) -> Row:
    """Return one event. Raises Disconnected for what an engine doesn't answer."""
    try:
        payload.decode()
        event = read_engine_event(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise Disconnected(f"what was answered is no event: {fault}") from None
    if not (event.id.isascii() and event.id.isdecimal() and len(event.id) <= _MAX_DIGITS):
        raise Disconnected(f"an event was answered whose id is no number: {one_line(event.id, 40)!r}")
    return Row(int(event.id), NO_TIME if event.time_ns is None else event.time_ns, payload)


def draft_of(row: Row, source: str, clock: Clock, *, is_later_life: bool) -> Draft:
    """Return the draft of *row*; of an event that lacks a time or a text, one that says so and has the time of *clock*.

    Since an engine that was set up anew gives the same numbers again, those of such a later life get the time behind them.
    """
    try:
        draft = decode(row.payload, source)
    except InvalidEvent as fault:
        draft = Draft(
            specversion="1.0",
            id=str(row.id),
            source=source,
            type=UNREADABLE,
            time=rfc3339.render(clock.now_ns()),
            severity=Severity.WARNING.label,
            message=f"Event {row.id} of the engine can't be read: {fault.reason}",
            dialect=NAME,
        )
        set_payload(draft, row.payload, "application/json")
    if is_later_life:
        draft.id = f"{row.id}@{row.time_ns // 1_000_000}"
    return draft


class _Version(msgspec.Struct):
    full_version: str = ""
    major: str | int = ""
    minor: str | int = ""


class _Product(msgspec.Struct):
    name: str = ""
    version: _Version = msgspec.field(default_factory=_Version)


class _Api(msgspec.Struct):
    product_info: _Product = msgspec.field(default_factory=_Product)


def read_product(body: bytes) -> str:
    """Return what the entry point says of the product, empty when it can't be read: it is only shown."""
    try:
        product = msgspec.json.decode(body, type=_Api).product_info
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    version = product.version
    return one_line(
        f"{product.name} {version.full_version or f'{version.major}.{version.minor}'.strip('.')}", _MAX_TEXT
    )


def read_token(body: bytes, secrets: Sequence[str]) -> tuple[str, str]:
    """Return a token and an empty text, or no token and the reason. The SDK takes a list with one object too, so do we."""
    members = _object(body)
    token = members.get("access_token")
    if isinstance(token, str) and token and "error" not in members:
        return token, ""
    return "", _said(members, "error_code", "error", "error_description", secrets=secrets) or read_reason(body, secrets)


def read_reason(body: bytes, secrets: Sequence[str]) -> str:
    """Return the words of a fault, or the beginning of whatever else it is; empty when nothing is said.

    *secrets* are cut out: some servers repeat what they were sent.
    """
    said = _said(_object(body), "reason", "detail", secrets=secrets)
    return said or one_line(_MARKUP.sub(" ", _without(secrets, body.decode("utf-8", "replace"))), _MAX_TEXT)


def _said(members: Mapping[str, Any], *names: str, secrets: Sequence[str]) -> str:
    words = [word for name in names if isinstance(word := members.get(name), str) and word]
    return one_line(_without(secrets, ": ".join(dict.fromkeys(words))), _MAX_TEXT)


def _without(secrets: Sequence[str], text: str) -> str:
    """Cut *secrets* out of *text*, also as JSON and forms write them."""
    for secret in filter(None, secrets):
        for form in (
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            quote_plus(secret),
        ):
            text = text.replace(form, _MARK)
    return text


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else {}
