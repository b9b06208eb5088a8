"""Tell in the log which settings were changed since the last start: an auditor asks who turned retention on, and when."""

from __future__ import annotations

from tidings.config import SETTINGS, Config
from tidings.own_events import announce
from tidings.server.context import Context
from tidings.store import Store

# Where the server listens and keeps its data is the machine's business: it differs from start to start in containers.
_PLACES = frozenset({"data", "listen", "socket", "tls_listen", "tls_addresses", "devlxd_socket"})


def changed_settings(store: Store, config: Config) -> dict[str, str]:
    """Return the settings that have another value than at the last start; none at the first. Blocks."""
    before: dict[str, str] = dict(store.query("SELECT name, value FROM settings"))
    return {name: value for name, value in _told(config).items() if name in before and before[name] != value}


def remember_settings(store: Store, config: Config) -> None:
    """Keep the settings for the next start to compare with. Blocks; call it once their change is told of."""
    with store.transaction():
        store.execute("DELETE FROM settings")
        for row in _told(config).items():
            store.execute("INSERT INTO settings (name, value) VALUES (?, ?)", row)


def _told(config: Config) -> dict[str, str]:
    return {setting.name: config.show(setting.name) for setting in SETTINGS if setting.name not in _PLACES}


async def announce_changes(context: Context, changes: dict[str, str]) -> None:
    """Publish what was changed, if anything was."""
    if changes:
        told = ", ".join(f"{name} is now {value}" for name, value in changes.items())
        await announce(
            context.core,
            context.clock,
            "config-updated",
            f"Settings changed: {told}",
            subject="config",
            payload=changes,
        )
