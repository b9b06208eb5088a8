"""Follow: replay from the log, then live, with no gap and no repeat at the seam.

Subscribers with the same condition and encoding share a channel: an event is filtered once and encoded once, and the same bytes,
many frames joined, go to every socket. A subscriber whose buffer is full leaves its channel and is fed at its own pace, first from
what the channel still remembers, else from the log, until it has caught up; it is never skipped, never dropped, and costs one
buffer of memory however far behind it is.
"""

from tidings.hub._hub import Hub
from tidings.hub.channel import Encoder
from tidings.hub.subscriber import Sink

__all__ = ["Encoder", "Hub", "Sink"]
