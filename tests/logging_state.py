"""What a server that was run in this process did to its logging, undone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def restored_logging() -> Iterator[None]:
    """Put logging back as it was before the block."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    library = logging.getLogger("aiohttp.server")
    filters = library.filters[:]
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:], library.filters[:] = handlers, filters
        root.setLevel(level)
