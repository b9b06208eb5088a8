"""oVirt's events as the log gives them back, and the documents in tests/golden/ovirt."""

import json
from pathlib import Path
from typing import Any

from tidings.event import Draft, Event, decode_line, encode_lines

GOLDEN = Path(__file__).parents[2] / "golden" / "ovirt"

USER = "57d91d48-00da-0137-0138-000000000244"
VM = "aae98225-5b73-490d-a252-899209af17e9"


def stored(draft: Draft, index: int = 42) -> Event:
    """Return *draft* as the log would give it back."""
    draft.sequence, draft.received = str(index), "2026-11-20T22:18:28Z"
    draft.id = draft.id or draft.sequence
    return decode_line(encode_lines([draft]))


def foreign(**fields: str) -> Event:
    """Return an event of another system with *fields*."""
    draft = Draft(dialect="lxd", source="lxd/prod-1", type="lxd.lifecycle.instance-started", specversion="1.0")
    draft.severity, draft.time, draft.message = "normal", "2026-11-20T22:18:27.123456789Z", "Instance c1 started"
    for name, value in fields.items():
        setattr(draft, name, value)
    return stored(draft)


def engine_event(**members: Any) -> bytes:
    """Return an event object of an engine with *members* added or, where they are None, taken away."""
    usual = {
        "id": "2",
        "href": "/ovirt-engine/api/events/2",
        "description": "User admin@internal-authz logged out.",
        "code": "31",
        "correlation_id": "1e892ea9",
        "custom_id": "-1",
        "flood_rate": "30",
        "index": "2",
        "origin": "oVirt",
        "severity": "normal",
        "time": 1473848074541,
        "user": {"href": f"/ovirt-engine/api/users/{USER}", "id": USER},
    }
    return json.dumps({name: value for name, value in (usual | members).items() if value is not None}).encode()
