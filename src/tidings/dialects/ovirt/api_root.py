"""The entry point, ``GET /ovirt-engine/api``: what clients ask first, to learn whom they talk to and where the events are.

Its members are those that oVirt's SDKs read. Objects other than events have no inventory here, so their numbers are nought.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.dialects.ovirt.wire import NO_ID
from tidings.dialects.ovirt.writing import ROOT, link_href, time_text
from tidings.dialects.ovirt.xml import HEADER, escape_attribute

VERSION: Mapping[str, str] = {"build": "7", "full_version": "4.5.7", "major": "4", "minor": "5", "revision": "0"}
"""The version of oVirt whose API this is: clients decide by it what they may ask for."""

_NAME = "tidings"
_COUNTED = ("hosts", "storage_domains", "users", "vms")
_LINKS: Mapping[str, str] = {
    "events": f"{ROOT}/events",
    "events/search": f"{ROOT}/events;from={{event_id}}?search={{query}}",
}
_BLANK_TEMPLATE = link_href("template", NO_ID)
_ROOT_TAG = f"{ROOT}/tags/{NO_ID}"
_MILLISECOND_NS = 1_000_000


def api_xml(now_ns: int) -> bytes:
    """Return the document at the time *now_ns*."""
    links = "".join(f'    <link href="{escape_attribute(href)}" rel="{rel}"/>\n' for rel, href in _LINKS.items())
    counts = "".join(
        f"        <{name}>\n            <active>0</active>\n            <total>0</total>\n        </{name}>\n"
        for name in _COUNTED
    )
    version = "".join(f"            <{name}>{number}</{name}>\n" for name, number in VERSION.items())
    return (
        f"{HEADER}<api>\n{links}"
        f"    <product_info>\n        <name>{_NAME}</name>\n        <vendor>{_NAME}</vendor>\n"
        f"        <version>\n{version}        </version>\n    </product_info>\n"
        f'    <special_objects>\n        <blank_template href="{_BLANK_TEMPLATE}" id="{NO_ID}"/>\n'
        f'        <root_tag href="{_ROOT_TAG}" id="{NO_ID}"/>\n    </special_objects>\n'
        f"    <summary>\n{counts}    </summary>\n"
        f"    <time>{time_text(now_ns)}</time>\n</api>\n"
    ).encode()


def api_json(now_ns: int) -> bytes:
    """Return the document at the time *now_ns*."""
    document: dict[str, Any] = {
        "link": [{"href": href, "rel": rel} for rel, href in _LINKS.items()],
        "product_info": {"name": _NAME, "vendor": _NAME, "version": VERSION},
        "special_objects": {
            "blank_template": {"href": _BLANK_TEMPLATE, "id": NO_ID},
            "root_tag": {"href": _ROOT_TAG, "id": NO_ID},
        },
        "summary": {name: {"active": "0", "total": "0"} for name in _COUNTED},
        "time": now_ns // _MILLISECOND_NS,
    }
    return msgspec.json.format(msgspec.json.encode(document)) + b"\n"
