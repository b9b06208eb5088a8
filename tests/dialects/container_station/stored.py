"""Container Station's rows and lines as the log gives them back, and the document in tests/golden/container_station."""

import json
from pathlib import Path
from typing import Any

from tidings.dialects.container_station.codec import decode
from tidings.dialects.container_station.splitting import split
from tidings.event import Draft, Event, decode_line, encode_lines

GOLDEN = Path(__file__).parents[2] / "golden" / "container_station"
SEED: dict[str, Any] = json.loads((GOLDEN / "seed.json").read_text())

MESSAGES: list[str] = SEED["event_messages"]
"""The event lines of the document, newest first."""

EXPORT = "\r\n".join([SEED["csv_header"], *SEED["csv_lines"], ""]).encode()
"""The export of the document."""


def stored(draft: Draft, index: int = 42) -> Event:
    """Return *draft* as the log would give it back."""
    draft.sequence, draft.received = str(index), "2026-11-20T22:18:28Z"
    draft.id = draft.id or draft.sequence
    return decode_line(encode_lines([draft]))


def published(body: bytes, zone: str = "UTC") -> list[Event]:
    """Return all that *body* holds as an empty log would give it back."""
    return [stored(decode(piece), index) for index, piece in enumerate(split(body, zone), 1)]


def foreign(**fields: str) -> Event:
    """Return an event of another system with *fields*."""
    draft = Draft(dialect="lxd", source="lxd/prod-1", type="lxd.lifecycle.instance-started", specversion="1.0")
    draft.severity, draft.time, draft.message = "normal", "2026-11-20T22:18:27.123456789Z", "Instance c1 started"
    for name, value in fields.items():
        setattr(draft, name, value)
    return stored(draft)


def row(**members: Any) -> bytes:
    """Return a row of the log as JSON, with *members* added or, where they are None, taken away."""
    usual = {
        "category": "container",
        "id": 12,
        "level": "INFO",
        "message": "Stop container (docker, 397568fb6bde, DockerTestAPI)",
        "ts": 1426613325,
        "user": "Anonymous",
    }
    return json.dumps({name: value for name, value in (usual | members).items() if value is not None}).encode()
