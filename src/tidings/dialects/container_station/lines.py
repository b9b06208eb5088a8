"""Every event as an event line: those that came in as one byte for byte, others from the canonical fields.

What happened to an instance of LXD or to a VM of oVirt is told as what happened to a container, in the words of this API, so that who waits
for a container to stop need not know where it runs.
"""

from __future__ import annotations

import json
import re

import msgspec

from tidings.dialects.container_station.categories import NAME, category_of
from tidings.dialects.container_station.codec import EVERYBODY, HEAD
from tidings.event import Event

_NS = 1_000_000_000
_MACHINES = ("instance", "vm", "container")
# What would end a part of the line, or the line.
_BREAKING = re.compile(r"[:\x00-\x1f\x7f-\x9f\u2028\u2029]")

_STATES = {
    f"{prefix}{name}": state
    for prefix, states in (
        (
            "lxd.lifecycle.instance-",
            {
                "created": "create",
                "deleted": "destroy",
                "paused": "pause",
                "restarted": "restart",
                "resumed": "unpause",
                "shutdown": "stop",
                "started": "start",
                "stopped": "stop",
            },
        ),
        (
            "ovirt.",
            {
                "USER_ADD_VM": "create",
                "USER_ADD_VM_FINISHED_SUCCESS": "create",
                "USER_PAUSE_VM": "pause",
                "USER_REBOOT_VM": "restart",
                "USER_REMOVE_VM_FINISHED": "destroy",
                "USER_RESET_VM": "restart",
                "USER_RESUME_VM": "unpause",
                "USER_RUN_VM": "start",
                "USER_STOP_VM": "stop",
                "USER_SUSPEND_VM": "pause",
                "VM_DOWN": "stop",
                "VM_DOWN_ERROR": "die",
                "VM_PAUSED": "pause",
            },
        ),
    )
    for name, state in states.items()
}


def event_line(event: Event, has_time: bool) -> str:
    """Return *event* as ``Category:User:JSON``, with *has_time* as ``Category:User:Timestamp:JSON``.

    A line that came in keeps its own form, but gets a time where one is asked for and it has none.
    """
    if event.dialect == NAME and HEAD in event.attributes:
        head = msgspec.json.decode(event.attributes[HEAD], type=str)
        if has_time and head.count(":") == 2:
            before, _, blanks = head.rpartition(":")
            head = f"{before}:{_seconds(event)}:{blanks}"
        return head + event.payload.decode()
    category, user = _BREAKING.sub("_", category_of(event.kind)), _BREAKING.sub("_", event.actor) or EVERYBODY
    time = f"{_seconds(event)}:" if has_time else ""
    return f"{category}:{user}:{time}{json.dumps(_members(event))}"


def _seconds(event: Event) -> int:
    return max(event.time // _NS, 0)  # a sign would not tell a time from JSON


def _members(event: Event) -> dict[str, str]:
    said = {
        "kind": event.kind,
        "message": event.message or event.kind,
        "subject": event.subject,
        "source": event.source,
    }
    state = _STATES.get(event.kind)
    if state is not None:
        machine = next((link for link in event.links if link.type in _MACHINES), None)
        if machine is not None:
            system = event.kind.partition(".")[0]
            said = {"container": machine.name or machine.id, "id": machine.id, "state": state, "type": system} | said
    return {name: value for name, value in said.items() if value}
