"""LXD's API: what ``lxc`` and pylxd need to follow the log, and to administer what of it is LXD's own idea."""

from tidings.dialects.lxd.routes.api import API, DEVLXD

__all__ = ["API", "DEVLXD"]
