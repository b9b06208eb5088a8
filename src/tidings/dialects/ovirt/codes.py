"""oVirt numbers what happened; kinds are names. The catalogue of kinds knows the engine's numbers."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Mapping

from tidings.kinds import Kind, catalogue, describe
from tidings.severity import Severity

NAME = "ovirt"
INTERNAL_CUSTOM_ID = -1
"""The custom id of every event that the engine made by itself."""
ENGINE_ORIGIN = "oVirt"
"""The origin of every event that the engine made by itself."""
DEFAULT_FLOOD_RATE_S = 30

EXTERNAL_KINDS: Mapping[Severity, str] = {
    Severity.NORMAL: f"{NAME}.EXTERNAL_EVENT_NORMAL",
    Severity.WARNING: f"{NAME}.EXTERNAL_EVENT_WARNING",
    Severity.ERROR: f"{NAME}.EXTERNAL_EVENT_ERROR",
    Severity.ALERT: f"{NAME}.EXTERNAL_ALERT",
}
"""The kinds of events that others add, 9801 to 9804; the engine has no debug."""

_FIRST_FOREIGN = 100_000
_FOREIGN = 900_000


@functools.lru_cache(maxsize=4096)
def code_of(kind: str) -> int:
    """Return the code that *kind* is shown with, the same at all times and everywhere.

    The engine's own where the catalogue has one. Any other kind gets 100000 + CRC-32 of its UTF-8 name modulo 900000, which
    lies above all numbers of the engine; Oracle's kinds count as the catalogue spells them. Two kinds may share such a code.
    """
    known = describe(kind)
    if known is not None and known.code is not None:
        return known.code
    own, _, number = kind.partition(".")
    if own == NAME and number.isascii() and number.isdecimal() and len(number) <= 9:
        return int(number)
    name = known.kind if known is not None else kind
    return _FIRST_FOREIGN + zlib.crc32(name.encode("utf-8", "surrogatepass")) % _FOREIGN


def kind_of(code: int) -> str:
    """Return the kind of the engine's event number *code*, ``ovirt.<code>`` for one that the catalogue lacks."""
    known = _by_code().get(code)
    return known.kind if known is not None else f"{NAME}.{code}"


def kinds_of(code: int) -> tuple[str, ...]:
    """Return the kinds whose events are shown with *code*, for searches; of made codes, those of documented kinds only."""
    return _made_codes().get(code) or (kind_of(code),)


def usual_severity(code: int) -> Severity:
    """Return the severity that events of this *code* have; normal for one that the catalogue lacks."""
    known = _by_code().get(code)
    return Severity[known.severity.upper()] if known is not None and known.severity else Severity.NORMAL


@functools.cache
def _by_code() -> Mapping[int, Kind]:
    return {kind.code: kind for kind in catalogue().values() if kind.code is not None}


@functools.cache
def _made_codes() -> Mapping[int, tuple[str, ...]]:
    kinds: dict[int, tuple[str, ...]] = {}
    for kind in catalogue().values():
        if kind.code is None:
            code = code_of(kind.kind)
            kinds[code] = (*kinds.get(code, ()), kind.kind)
    return kinds
