"""Sizes and durations as people write them: ``1MiB``, ``512 kB``, ``90s``, ``2h``, ``30d``."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"\s*([0-9]{1,19}(?:\.[0-9]{1,9})?)\s*([a-z]{0,3})\s*", re.ASCII | re.IGNORECASE)

# Spelled in full, because a bare "M" is 1000² to some and 1024² to others.
_BYTES: dict[str, Decimal] = {
    "TiB": Decimal(1024**4), "GiB": Decimal(1024**3), "MiB": Decimal(1024**2), "KiB": Decimal(1024),
    "TB": Decimal(1000**4), "GB": Decimal(1000**3), "MB": Decimal(1000**2), "kB": Decimal(1000), "B": Decimal(1),
}  # fmt: skip
_SECONDS: dict[str, Decimal] = {
    "w": Decimal(604_800), "d": Decimal(86_400), "h": Decimal(3_600), "m": Decimal(60),
    "s": Decimal(1), "ms": Decimal("0.001"),
}  # fmt: skip


def parse_size(text: str) -> int:
    """Return the bytes that *text* says; a number without a unit counts bytes. Raises ValueError.

    Units are read in any letter case; a fraction is allowed where it comes to whole bytes.
    """
    size = _parse(text, _BYTES, "B")
    if size != int(size):
        raise ValueError(f"{text!r} is not a whole number of bytes")
    return int(size)


def parse_duration(text: str) -> float:
    """Return the seconds that *text* says; a number without a unit counts seconds. Raises ValueError."""
    return float(_parse(text, _SECONDS, "s"))


def render_size(size: int) -> str:
    """Return the shortest text that `parse_size` reads as *size*."""
    return _render(Decimal(size), _BYTES, "B")


def render_duration(seconds: float) -> str:
    """Return the shortest text that `parse_duration` reads as *seconds*, to the millisecond."""
    return _render(Decimal(str(round(seconds, 3))), _SECONDS, "s")


def _parse(text: str, units: dict[str, Decimal], bare: str) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    word = (match[2] or bare).lower() if match else ""
    for unit, factor in units.items():
        if match and unit.lower() == word:
            return Decimal(match[1]) * factor
    raise ValueError(f"{text[:40]!r} is not a number with one of the units {', '.join(reversed(units))}")


def _render(amount: Decimal, units: dict[str, Decimal], bare: str) -> str:
    texts = [f"{int(amount / factor)}{unit}" for unit, factor in units.items() if amount and amount % factor == 0]
    return min(texts, key=len, default=f"0{bare}")
