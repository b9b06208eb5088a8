"""Events as the log would give them back."""

from __future__ import annotations

import msgspec

from tidings.event import Draft, Event, decode_line, encode_lines


def stored(draft: Draft, index: int = 42) -> Event:
    """Return *draft* as the log would give it back."""
    draft.sequence, draft.received = str(index), "2026-11-20T22:18:28Z"
    return decode_line(encode_lines([draft]))


def of_ours(kind: str, payload: object = None, **fields: str) -> Event:
    """Return an event of tidings itself; *kind* is what follows ``tidings.``."""
    draft = Draft(dialect="tidings", source="tidings", type=f"tidings.{kind}", specversion="1.0", severity="normal")
    draft.time, draft.message = "2026-11-20T22:18:27.5Z", "something happened"
    if payload is not None:
        draft.data = msgspec.Raw(msgspec.json.encode(payload))
    for name, value in fields.items():
        setattr(draft, name, value)
    return stored(draft)


def foreign(**fields: str) -> Event:
    """Return an oVirt event with *fields*."""
    draft = Draft(dialect="ovirt", source="ovirt/e1", type="ovirt.USER_RUN_VM", specversion="1.0", severity="normal")
    draft.time, draft.message = "2026-11-20T22:18:27.5Z", "VM web1 started"
    for name, value in fields.items():
        setattr(draft, name, value)
    return stored(draft)
