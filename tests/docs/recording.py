"""The recorded events as a fresh log would store them."""

import functools

from tidings.demo import recorded_events
from tidings.dialects.lxd.codec import decode
from tidings.event import Event, decode_line, encode_lines


@functools.cache
def recorded() -> tuple[Event, ...]:
    """Return all of them; what is stored is taken for received when it happened."""
    return tuple(_stored(number, payload) for number, payload in enumerate(recorded_events(), 1))


def _stored(number: int, payload: bytes) -> Event:
    draft = decode(payload)
    draft.sequence = draft.id = str(number)
    draft.received = draft.time
    return decode_line(encode_lines([draft]))
