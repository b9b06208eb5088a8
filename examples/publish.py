#!/usr/bin/env python3
"""Publish two events and say what became of them.

Run it beside a server: ``python examples/publish.py``. It finds the server as the command line does: by $TIDINGS_URL and
$TIDINGS_TOKEN, else by the Unix socket of the data directory.
"""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from tidings.client import Client
from tidings.errors import TidingsError

EVENTS = (
    # With an id of your own an event can be sent again after a lost answer: it is stored once.
    {"id": "build-118", "kind": "build.done", "subject": "shop", "actor": "ann", "data": {"seconds": 41.5}},
    {"id": "build-119", "kind": "build.failed", "severity": "error", "subject": "shop", "message": "Tests failed"},
)


def connect() -> Client:
    """Return a client of the server that the environment names."""
    data = Path(os.environ.get("TIDINGS_DATA", "~/.local/share/tidings")).expanduser()
    url = os.environ.get("TIDINGS_URL", f"unix:{data / 'unix.socket'}")
    return Client(url, os.environ.get("TIDINGS_TOKEN", ""))


async def main() -> None:
    """Publish them in one batch: all are stored, or none."""
    lines = b"\n".join(msgspec.json.encode(event) for event in EVENTS)
    async with connect() as client:
        published = await client.publish(lines, source="ci")
    # Only now they are on disk.
    sys.stdout.write(f"stored {published.stored}, known before {published.duplicates}, head {published.head}\n")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except TidingsError as error:
        sys.exit(f"publish: {error}")
