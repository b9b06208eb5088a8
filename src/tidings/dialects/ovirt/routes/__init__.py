"""oVirt's API: signing on, the entry point and the events service, as the engine's own clients ask for them."""

from tidings.dialects.ovirt.routes.api import API

__all__ = ["API"]
