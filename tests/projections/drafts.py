"""Events that tell states, each made by its dialect's own codec."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tidings.clock import ManualClock
from tidings.dialects.cloudevents import codec as cloudevents
from tidings.dialects.container_station import codec as container_station
from tidings.dialects.lxd import codec as lxd
from tidings.dialects.ovirt import codec as ovirt
from tidings.event import Draft, encode_lines

TIME = "2026-11-20T22:18:27Z"
CLOCK = ManualClock()
OCID = "ocid1.databasesoftwareimage.oc1.sea.abzwkljsbpu3kxb54loym5sg"
OVIRT_CODES = {"USER_RUN_VM": 32, "VM_DOWN": 61, "VM_PAUSED_ENOSPC": 138, "USER_VDC_LOGIN": 30}


def of_lxd(action: str, path: str = "/1.0/instances/web1", project: str = "default", **context: str) -> Draft:
    metadata = {"action": action, "source": path, "context": context}
    frame = {"type": "lifecycle", "timestamp": TIME, "metadata": metadata, "location": "node1", "project": project}
    return lxd.decode(json.dumps(frame).encode(), "lxd/prod-1")


def of_ovirt(name: str, **links: str) -> Draft:
    """Return an engine's event; a link is given as ``name=id``, in the order of the links."""
    objects = {type: dict(zip(("name", "id"), text.split("="), strict=True)) for type, text in links.items()}
    event = {"code": OVIRT_CODES[name], "description": name, "severity": "normal", "time": 1795213107759, **objects}
    return ovirt.decode(json.dumps(event).encode(), "ovirt/east")


def of_nas(category: str = "container", **members: Any) -> Draft:
    return container_station.decode(f"{category}:all:{json.dumps(members)}".encode(), "nas/1", CLOCK)


def of_oracle(what: str, **data: Any) -> Draft:
    event = {
        "specversion": "1.0",
        "id": what,
        "source": "DatabaseService",
        "type": f"com.oraclecloud.{what}",
        "time": TIME,
        "data": {"resourceId": OCID, "resourceName": "DBImage_19c", **data},
    }
    return cloudevents.decode_one(json.dumps(event).encode(), cloudevents.Defaults("oci", TIME))


def stored(drafts: Sequence[Draft], first: int = 1) -> bytes:
    """Return the lines as the log stores them, with indexes from *first* on."""
    for index, draft in enumerate(drafts, start=first):
        draft.sequence, draft.received = str(index), TIME
        draft.id = draft.id or draft.sequence
    return encode_lines(drafts)
