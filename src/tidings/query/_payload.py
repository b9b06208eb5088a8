"""Finding values inside a JSON payload or an extra attribute, and testing them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Self, TypeGuard

import msgspec

from tidings.event import Event, is_json
from tidings.query.ast import Operator, Pattern
from tidings.query.pattern import compile_pattern
from tidings.query.words import fold

_MISSING = object()
ORDERINGS: dict[Operator, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Fraction(float):
    """A JSON number with a fraction or exponent that remembers how it was written, for patterns."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number


_DECODER = msgspec.json.Decoder(float_hook=_Fraction)


# One event is asked by every channel in turn, so the last few documents are kept rather than decoded again for each.
@functools.lru_cache(maxsize=8)
def _decode(text: bytes) -> object:
    try:
        document: object = _DECODER.decode(text)
    except (ValueError, RecursionError):  # no JSON, not UTF-8, or nested too deep to look into
        return _MISSING
    return document


def payload_values(event: Event, path: tuple[str, ...]) -> Iterator[object]:
    """Yield each scalar that stands at *path* in the payload; none when the payload is no JSON."""
    if not event.payload or not is_json(event.media_type):
        return iter(())
    return _values(_decode(event.payload), path)


def attribute_values(event: Event, path: tuple[str, ...]) -> Iterator[object]:
    """Yield each scalar of the extra attribute that *path* begins with (what follows leads into its value)."""
    raw = _member(event.attributes, path[0]) if path else _MISSING
    if not isinstance(raw, msgspec.Raw):
        return iter(())
    return _values(_decode(bytes(raw)), path[1:])


def _values(node: object, path: tuple[str, ...]) -> Iterator[object]:
    for depth, step in enumerate(path):
        if not isinstance(node, dict):
            return _values_in_lists(node, path[depth:])
        node = _member(node, step)
    return _values_in_lists(node, ()) if isinstance(node, list) else _scalars((node,))


def _values_in_lists(node: object, path: tuple[str, ...]) -> Iterator[object]:
    nodes: Iterable[object] = (node,)
    for step in path:
        nodes = [found for each in _spread(nodes) if (found := _child(each, step)) is not _MISSING]
    return _scalars(_spread(nodes))


def _scalars(nodes: Iterable[object]) -> Iterator[object]:
    return (node for node in nodes if not isinstance(node, dict | list) and node is not _MISSING)


def _spread(nodes: Iterable[object]) -> Iterator[object]:
    """Yield the nodes, and for every list its elements too, each list once."""
    waiting = [*nodes]
    # Without this, a numeric step that may enter a list at any depth would visit it once per way there: exponentially often.
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            if id(node) in seen:
                continue
            seen.add(id(node))
            waiting.extend(node)
        yield node


def _child(node: object, step: str) -> object:
    if isinstance(node, dict):
        return _member(node, step)
    if isinstance(node, list) and step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(node):
        return node[int(step)]
    return _MISSING


def _member(members: Mapping[str, object], name: str) -> object:
    """Return the member called *name* exactly, else the first that differs in letter case only."""
    if name in members:
        return members[name]
    folded = fold(name)
    return next((value for key, value in members.items() if fold(key) == folded), _MISSING)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    """Return a scalar as its text: a string itself, anything else as JSON writes it."""
    match value:
        case str():
            return value
        case _Fraction():
            return value.text
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def scalar_test(op: Operator, wanted: int | float | bool | Pattern | None) -> Callable[[object], bool]:
    """Return the test of a found value against *wanted*. Raises ValueError for an operator that has no meaning for it."""
    if _is_number(wanted):
        bound, ordering = wanted, ORDERINGS[op]
        return lambda value: _is_number(value) and ordering(value, bound)
    if op != "=":
        raise ValueError(f"{op!r} compares numbers, not {wanted!r}")
    if isinstance(wanted, Pattern):
        test = compile_pattern(wanted)
        return lambda value: test(_text(value))
    return lambda value: value is wanted
