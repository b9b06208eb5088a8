"""The server's own log lines: to standard error, as text for people or JSON for collectors.

Credentials never reach a line: nothing logs headers or query strings, and whatever looks like one of our tokens is cut out
of every line for the case that some library does.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Without \b, because in a URL-encoded text a letter may stand before it.
_TOKEN = re.compile(r"tdg_[A-Za-z0-9_-]{8,}")
_CUT_OUT = "tdg_REDACTED"


def set_up_logging(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send log lines of at least *level* to *stream* (standard error): *form* is text, json, or auto, text on a terminal.

    Lines of the standard library's logging, which our libraries use, look the same.
    """
    target = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and target.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper("iso", utc=True),
        structlog.processors.format_exc_info,
        without_tokens,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    last: Processor = structlog.processors.JSONRenderer()
    if as_text:
        last = structlog.dev.ConsoleRenderer(colors=target.isatty(), pad_event_to=0)
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)


def without_tokens(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Cut tokens out of every text of a line."""
    for name, value in line.items():
        if isinstance(value, str) and "tdg_" in value:
            line[name] = _TOKEN.sub(_CUT_OUT, value)
    return line
