"""What ``[[collect]] kind = "lxd"`` and ``kind = "devlxd"`` can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlencode, urlsplit

from msgspec import Meta

from tidings.collect import Row, Settings

_DEFAULT_PORT = 8443
_URL = "unix:/PATH of the server's socket, or https://HOST:PORT"
_DEVLXD_URL = "unix:/PATH of the socket that LXD puts into an instance"
_FINGERPRINT = "the SHA-256 of the server's certificate, 64 hexadecimal digits"

Types = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]*\Z")], ...],
    Meta(description='a list of event types, such as ["lifecycle", "operation"]'),
]
PathOrNone = Annotated[Path | None, Meta(description="the absolute path of a file in PEM; ~/ and <data>/ may begin it")]


class LxdSettings(Settings, frozen=True, kw_only=True):
    """An LXD or Incus server. Without *types* all types are collected, without *project* all projects."""

    url: Annotated[str, Meta(description=_URL)] = "unix:/var/lib/lxd/unix.socket"
    types: Types = ()
    project: Annotated[str, Meta(description="the name of a project")] = ""
    certificate: PathOrNone = None
    key: PathOrNone = None
    fingerprint: Annotated[str, Meta(pattern=r"^([0-9A-Fa-f]{2}:?){32}\Z", description=_FINGERPRINT)] = ""
    server_certificate: PathOrNone = None


class DevlxdSettings(Settings, frozen=True, kw_only=True):
    """The socket by which LXD or Incus talks to the instance that tidings runs in."""

    url: Annotated[str, Meta(description=_DEVLXD_URL)] = "unix:/dev/lxd/sock"
    types: Types = ("config", "device")


class Identity(NamedTuple):
    """How the two sides of a TLS connection know each other: our files, and what the server's certificate must be.

    Without *fingerprint* (hexadecimal, lower case) and *server_certificate* an authority that this machine trusts must vouch for it.
    """

    certificate: Path
    key: Path
    fingerprint: str
    server_certificate: Path | None


class Endpoint(NamedTuple):
    """Where the API is: the path of a Unix *socket* or, where it is empty, *base* with an *identity*."""

    base: str
    socket: str = ""
    identity: Identity | None = None


def lxd_endpoint(row: Row, settings: LxdSettings) -> Endpoint:
    """Return where the server is. Raises ConfigError."""
    if settings.url.startswith("unix:"):
        return _unix(row, settings.url, _URL)
    if settings.fingerprint and settings.server_certificate:
        raise row.fault("fingerprint", "no fingerprint where there is server_certificate: one of the two is enough")
    if (settings.certificate is None) != (settings.key is None):
        raise row.fault("certificate", "certificate and key together, or neither")
    return Endpoint(
        _https(row, settings.url),
        identity=Identity(
            settings.certificate or row.data / "client.crt",
            settings.key or row.data / "client.key",
            settings.fingerprint.replace(":", "").lower(),
            settings.server_certificate,
        ),
    )


def devlxd_endpoint(row: Row, settings: DevlxdSettings) -> Endpoint:
    """Return where the socket is. Raises ConfigError."""
    return _unix(row, settings.url, _DEVLXD_URL)


def lxd_events(settings: LxdSettings) -> str:
    """Return the path and query of the events."""
    query = {"project": settings.project} if settings.project else {"all-projects": "true"}
    if settings.types:
        query["type"] = ",".join(settings.types)
    return f"/1.0/events?{urlencode(query)}"


def devlxd_events(settings: DevlxdSettings) -> str:
    """Return the path and query of the events."""
    return f"/1.0/events?{urlencode({'type': ','.join(settings.types)})}" if settings.types else "/1.0/events"


def _unix(row: Row, url: str, expected: str) -> Endpoint:
    path = url.removeprefix("unix:")
    path = path.removeprefix("//")  # unix:///run/x is a common way to write it
    if not url.startswith("unix:") or not path.startswith("/"):
        raise row.fault("url", expected)
    return Endpoint("http://unix.socket", path)  # the name that lxc has for it


def _https(row: Row, url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
    except ValueError:
        raise row.fault("url", _URL) from None
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise row.fault("url", _URL)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}:{port}"
