"""Container Station's API: sign-on, log and export, event and wait, below all three prefixes it ever had."""

from tidings.dialects.container_station.routes.api import API

__all__ = ["API"]
