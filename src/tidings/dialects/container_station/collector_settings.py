"""What ``[[collect]] kind = "container-station"`` can be told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from msgspec import Meta

from tidings.collect import Row, Settings
from tidings.dialects.container_station.wire import zone_of
from tidings.errors import InvalidEvent
from tidings.units import parse_duration

PREFIXES = ("/container-station/api/v1", "/containerstation/api/v1", "/api/v1")
"""Where the API is: since 2021, since 2017, and before. The documentation shows all three."""

_URL = "https://HOST:PORT of the NAS's web page"
_FINGERPRINT = "the SHA-256 of the NAS's certificate, 64 hexadecimal digits"
_PASSWORD = "either password_file or password"  # noqa: S105 (what is expected, said to the user)
_INTERVAL = 'a time from 0.5 s to 1 h, such as 5 or "5s"'
_ZONE = "the name of a time zone, such as Asia/Taipei"
_MIN_INTERVAL_S, _MAX_INTERVAL_S = 0.5, 3600

PathOrNone = Annotated[Path | None, Meta(description="the absolute path of a file; ~/ and <data>/ may begin it")]


class NasSettings(Settings, frozen=True, kw_only=True):
    """A NAS with Container Station. *zone* is the one whose local time the device's log tells as if it were UTC."""

    url: Annotated[str, Meta(min_length=1, description=_URL)]
    user: Annotated[str, Meta(min_length=1, description="the name of an administrator of the NAS")]
    password: Annotated[str, Meta(description="the user's password")] = ""
    password_file: PathOrNone = None
    ca_file: PathOrNone = None
    fingerprint: Annotated[str, Meta(pattern=r"^([0-9A-Fa-f]{2}:?){32}\Z", description=_FINGERPRINT)] = ""
    interval: Annotated[float | str, Meta(description=_INTERVAL)] = 5.0
    zone: Annotated[str, Meta(description=_ZONE)] = "UTC"

    def __repr__(self) -> str:
        """Show no password, wherever this is printed."""
        return f"NasSettings(name={self.name!r})"


class Plan(NamedTuple):
    """What the settings come to.

    *root* is the address of the host, *apis* are those that the API may have, *fingerprint* is in small letters without colons.
    *ca_file* and *fingerprint* say which certificate is the right one; without them an authority that this machine trusts
    must vouch for it.
    """

    root: str
    apis: tuple[str, ...]
    user: str
    password: str
    password_file: Path | None
    ca_file: Path | None
    fingerprint: str
    interval_s: float
    zone: dt.tzinfo

    def __repr__(self) -> str:
        """Show no password, wherever this is printed."""
        return f"Plan(apis={self.apis!r})"


def plan(row: Row, settings: NasSettings) -> Plan:
    """Return what *settings* come to. Raises ConfigError."""
    root, path = _address(row, settings)
    if bool(settings.password) == (settings.password_file is not None):
        raise row.fault("password_file", _PASSWORD)
    try:
        zone = zone_of(settings.zone)
    except InvalidEvent:
        raise row.fault("zone", _ZONE) from None
    return Plan(
        root=root,
        apis=(root + path,) if path.endswith(PREFIXES) else tuple(f"{root}{path}{prefix}" for prefix in PREFIXES),
        user=settings.user,
        password=settings.password,
        password_file=settings.password_file,
        ca_file=settings.ca_file,
        fingerprint=settings.fingerprint.replace(":", "").lower(),
        interval_s=_interval_s(row, settings),
        zone=zone,
    )


def _address(row: Row, settings: NasSettings) -> tuple[str, str]:
    """Return scheme with host, and path."""
    try:
        parts = urlsplit(settings.url)
        port = parts.port
    except ValueError:
        raise row.fault("url", _URL) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise row.fault("url", _URL)
    if "@" in parts.netloc:
        raise row.fault("url", f"{_URL}, with user and password as keys of their own")
    if settings.fingerprint and settings.ca_file:
        raise row.fault("fingerprint", "no fingerprint where there is ca_file: one of the two is enough")
    if parts.scheme == "http" and (settings.fingerprint or settings.ca_file):
        raise row.fault("url", f"{_URL}: http has no certificate that fingerprint or ca_file could be about")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else ""), parts.path.rstrip("/")


def _interval_s(row: Row, settings: NasSettings) -> float:
    value = settings.interval
    try:
        seconds = parse_duration(value) if isinstance(value, str) else value
    except ValueError:
        raise row.fault("interval", _INTERVAL) from None
    if not _MIN_INTERVAL_S <= seconds <= _MAX_INTERVAL_S:
        raise row.fault("interval", _INTERVAL)
    return seconds
