"""Events as whole messages of LXD's streams: each is one text frame, or one line, that ends in a line feed."""

from __future__ import annotations

import msgspec

from tidings.dialects.lxd.codec import encode
from tidings.event import Event

# What devlxd, the socket inside an instance, says of an event; location and project are none of the instance's business.
_DEVLXD = ("type", "timestamp", "metadata")


def message(event: Event) -> bytes:
    """Return *event* as ``/1.0/events`` sends it."""
    return encode(event) + b"\n"


def indexed_message(event: Event) -> bytes:
    """Return *event* with its index as a further, last member ``index``; all other bytes are those of `message`.

    Clients ignore members they don't know, so this is how those that do can resume.
    """
    return b'%b,"index":%d}\n' % (encode(event)[:-1], event.index)


def devlxd_message(event: Event) -> bytes:
    """Return a config or device event as devlxd sends it: type, timestamp and metadata, nothing else."""
    frame = encode(event)
    members = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])
    if members.keys() <= set(_DEVLXD):
        return frame + b"\n"
    return msgspec.json.encode({name: members[name] for name in _DEVLXD if name in members}) + b"\n"
