"""What a row or a line is about: containers and images, as links and as the subject."""

from __future__ import annotations

import re

from tidings.dialects.container_station.texts import one_line
from tidings.dialects.container_station.wire import Members, text
from tidings.event import Link

# Such as (lxc, utest) or (docker, 397568fb6bde, DockerTestAPI) or (docker, lgsd/diamond:latest).
_NAMED = re.compile(r"\((?:lxc|lxd|docker), (?:([0-9a-f]{12,64}), )?([^(),]+)\)", re.ASCII)
_MAX_NAME = 255
_WITH_CONTAINERS = frozenset({"container", "export", "import", "backup"})


def link_of_line(category: str, members: Members) -> Link | None:
    """Return the container or the image that an event line names."""
    if category == "image":
        # an update names the image, tag and all, by its id
        return _link("image", image_of(members) or text(members.get("id")), "")
    name = text(members.get("container"))
    id = text(members.get("cid") or members.get("id"))
    return _link("container", name, id)


def image_of(members: Members) -> str:
    """Return the name of the image with its tag, empty when there is none."""
    name, tag = text(members.get("name")), text(members.get("tag"))
    return f"{name}:{tag}" if name and tag else name


def link_of_row(category: str, message: str) -> Link | None:
    """Return the container or the image that the message of a row names in the vendor's manner."""
    if category != "image" and category not in _WITH_CONTAINERS:
        return None
    match = _NAMED.search(message)
    if match is None:
        return None
    return _link("image" if category == "image" else "container", match[2], match[1] or "")


def subject_of(link: Link | None) -> str:
    """Return the subject: ``container utest``."""
    return f"{link.type} {link.name or link.id}" if link is not None else ""


def _link(type: str, name: str, id: str) -> Link | None:
    name, id = one_line(name, _MAX_NAME), one_line(id, _MAX_NAME)
    # an LXC container's id is its name
    return Link(type, name, id if id != name else "") if name or id else None
