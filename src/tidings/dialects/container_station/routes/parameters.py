"""The query's parameters. Unknown ones are ignored, as on the NAS; a known one that makes no sense is an error that names it."""

from __future__ import annotations

import re

from aiohttp import web

from tidings.dialects.routes import Refusal

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")


def number(request: web.Request, name: str, default: int, least: int = 0) -> int:
    """Return a whole number not below *least*."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least):
        raise invalid(name, f"a whole number from {least} on")
    return int(text)


def seconds(request: web.Request, name: str, default: float, most: float) -> float:
    """Return a time span; a longer one than *most* is cut to it, one below nought is nought."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not _NUMBER.fullmatch(text.removeprefix("-")):
        raise invalid(name, "a number of seconds")
    return min(max(float(text), 0.0), most)


def instant(request: web.Request, *names: str) -> float:
    """Return a time, in seconds since 1970, under either of its *names*; 0 is no bound."""
    found = {name: request.query[name] for name in names if request.query.get(name)}
    for name, text in found.items():
        if not _NUMBER.fullmatch(text):
            raise invalid(name, "seconds since 1970")
    values = {float(text) for text in found.values()}
    if len(values) > 1:
        raise invalid(" and ".join(found), "the same time: they are two names of one thing")
    return values.pop() if values else 0.0


def words(request: web.Request, name: str) -> tuple[str, ...]:
    """Return the words of a list, whose items are joined by commas or given one by one."""
    return tuple(word.strip() for text in request.query.getall(name, ()) for word in text.split(",") if word.strip())


def switch(request: web.Request, name: str, *, default: bool) -> bool:
    """Return whether something is wanted."""
    text = request.query.get(name)
    return default if text is None else text.lower() not in ("", "0", "false", "no", "off")


def invalid(name: str, expected: str) -> Refusal:
    """Return the error about a parameter."""
    return Refusal(400, f"Invalid parameter: {name} (expected {expected})")
