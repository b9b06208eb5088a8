"""The HTTP server: our own API over TCP and a Unix socket."""

from tidings.server.main import run

__all__ = ["run"]
