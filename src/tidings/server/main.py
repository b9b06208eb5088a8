"""``tidings serve``: run until a signal says stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError

from tidings.config import Config
from tidings.errors import TidingsError
from tidings.server.assembly import ADMIN_TOKEN_FILE
from tidings.server.running import Running, running
from tidings.telemetry import set_up_logging

_COLLECT_AFTER = 10_000  # new objects that may be part of a cycle; requests make few cycles
_CLIENTS_FAULTS = (HttpProcessingError, PayloadEncodingError, web.RequestPayloadError)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(config: Config, *, demo: bool = False) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code. What it can't start for is one line on standard error."""
    set_up_logging(config.log_level, config.log_format)
    os.umask(0o077)  # what the log holds is nobody else's to read
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    code = 0
    try:
        asyncio.run(_serve(config, demo=demo))
    except* TidingsError as faults:
        for fault in _leaves(faults):
            sys.stderr.write(f"tidings: {fault}\n")
        code = 1
    except* KeyboardInterrupt:  # a second Ctrl-C, while stopping
        code = 130
    return code


async def _serve(config: Config, *, demo: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    async with running(config, demo=demo) as server:
        sys.stdout.write(await asyncio.to_thread(_greeting, server, config))
        sys.stdout.flush()
        # what was made for the start stays: looking through it again and again is a tenth of the work of a busy server
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER)
        await stop.wait()
        for number in _SIGNALS:  # the next one ends the process at once
            loop.remove_signal_handler(number)


def _greeting(server: Running, config: Config) -> str:
    """Say where the server is. The admin token is shown once, when it was made, and only to a person: not to a log."""
    lines = []
    if server.address is not None:
        url = f"http://{server.address}/"
        if server.is_first_start and sys.stdout.isatty():
            url += f"#token={(config.data / ADMIN_TOKEN_FILE).read_text().strip()}"
        lines.append(f"tidings is ready: {url}")
    if server.tls_address is not None:
        lines.append(f"with TLS, for LXD's clients too: https://{server.tls_address}/")
    if config.socket is not None:
        lines.append(f"commands on this machine reach it through {config.socket}")
    return "".join(f"{line}\n" for line in lines)


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a line of the HTTP library is about us: that a client sent no HTTP is between it and the client."""
    return not (record.exc_info and isinstance(record.exc_info[1], _CLIENTS_FAULTS))


def _leaves(group: BaseExceptionGroup[TidingsError]) -> list[TidingsError]:
    found: list[TidingsError] = []
    for fault in group.exceptions:
        found.extend(_leaves(fault) if isinstance(fault, BaseExceptionGroup) else [fault])
    return found
