#!/usr/bin/env python3
"""Do something with each event that matches a query, once, across restarts of this program and of the server.

Run it as ``python examples/follow.py QUERY POSITION_FILE [MAX]``; it ends after MAX events, else never. It finds the server
by $TIDINGS_URL and $TIDINGS_TOKEN, else by the Unix socket of the data directory.
"""

import asyncio
import os
import sys
from contextlib import aclosing
from pathlib import Path

from tidings.client import Client
from tidings.errors import CursorExpired, TidingsError
from tidings.event import Event


def connect() -> Client:
    """Return a client of the server that the environment names."""
    data = Path(os.environ.get("TIDINGS_DATA", "~/.local/share/tidings")).expanduser()
    url = os.environ.get("TIDINGS_URL", f"unix:{data / 'unix.socket'}")
    return Client(url, os.environ.get("TIDINGS_TOKEN", ""))


def read(position: Path) -> int:
    """Return the index to go on behind: 0, before the oldest event, when there is no file yet."""
    return int(position.read_text()) if position.exists() else 0


def handle(event: Event, position: Path) -> None:
    """Stand for what you want to do with an event, and note that it was done."""
    sys.stdout.write(f"{event.index} {event.severity.label} {event.kind} {event.message}\n")
    # Noted after it was handled: after a crash in between it is handled again, but none is left out.
    position.write_text(str(event.index))


async def main(query: str, position: Path, limit: int | None) -> None:
    """Follow from where the position file says, from the oldest event when there is none yet."""
    async with connect() as client, aclosing(client.follow(query, after=read(position)).batches()) as batches:
        async for batch in batches:
            for delivery in batch[:limit]:
                handle(delivery.event, position)
            if limit is not None and (limit := limit - len(batch)) <= 0:
                return


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None))
    except CursorExpired as gap:
        sys.exit(f"follow: {gap}; write {gap.oldest - 1} into the position file to go on with what is left")
    except TidingsError as error:
        sys.exit(f"follow: {error}")
