"""What ``[[collect]] kind = "ovirt"`` can be told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from msgspec import Meta

from tidings.collect import Row, Settings
from tidings.units import parse_duration

_URL = "https://HOST/ovirt-engine/api"
_API = "/ovirt-engine/api"
_FINGERPRINT = "the SHA-256 of the engine's certificate, 64 hexadecimal digits"
_PASSWORD = "either password_file or password"  # noqa: S105 (what is expected, said to the user)
_INTERVAL = 'a time from 0.1 s to 1 h, such as 10 or "10s"'
_SEARCH = "conditions of the engine's search language, without sortby and page"
_MIN_INTERVAL_S, _MAX_INTERVAL_S = 0.1, 3600
_ORDERED = re.compile(r"\bsortby\b|\bpage\s*[0-9]", re.IGNORECASE)

PathOrNone = Annotated[Path | None, Meta(description="the absolute path of a file; ~/ and <data>/ may begin it")]


class OvirtSettings(Settings, frozen=True, kw_only=True):
    """An oVirt engine, or another tidings. *search* narrows what is collected; *start* says whether what is there already is."""

    url: Annotated[str, Meta(min_length=1, description=_URL)]
    user: Annotated[str, Meta(min_length=1, description="a user with its profile, such as admin@internal")]
    password: Annotated[str, Meta(description="the user's password")] = ""
    password_file: PathOrNone = None
    ca_file: PathOrNone = None
    fingerprint: Annotated[str, Meta(pattern=r"^([0-9A-Fa-f]{2}:?){32}\Z", description=_FINGERPRINT)] = ""
    interval: Annotated[float | str, Meta(description=_INTERVAL)] = 10.0
    batch: Annotated[int, Meta(ge=1, le=10_000, description="a number of events from 1 to 10000")] = 1000
    search: Annotated[str, Meta(max_length=4000, description=_SEARCH)] = ""
    start: Annotated[Literal["all", "now"], Meta(description='"all" or "now"')] = "all"

    def __repr__(self) -> str:
        """Show no password, wherever this is printed."""
        return f"OvirtSettings(name={self.name!r})"


class Plan(NamedTuple):
    """What the settings come to.

    *root* is the address of the host, *api* that of the API, *fingerprint* in small letters without colons. *ca_file* and
    *fingerprint* say which certificate is the right one; without them an authority that this machine trusts must vouch for it.
    """

    root: str
    api: str
    user: str
    password: str
    password_file: Path | None
    ca_file: Path | None
    fingerprint: str
    interval_s: float
    batch: int
    search: str
    from_now: bool

    def __repr__(self) -> str:
        """Show no password, wherever this is printed."""
        return f"Plan(api={self.api!r})"


def plan(row: Row, settings: OvirtSettings) -> Plan:
    """Return what *settings* come to. Raises ConfigError."""
    root, path = _address(row, settings)
    if bool(settings.password) == (settings.password_file is not None):
        raise row.fault("password_file", _PASSWORD)
    if _ORDERED.search(settings.search):
        raise row.fault("search", _SEARCH)
    return Plan(
        root=root,
        api=f"{root}{path or _API}",
        user=settings.user,
        password=settings.password,
        password_file=settings.password_file,
        ca_file=settings.ca_file,
        fingerprint=settings.fingerprint.replace(":", "").lower(),
        interval_s=_interval_s(row, settings),
        batch=settings.batch,
        search=settings.search.strip(),
        from_now=settings.start == "now",
    )


def _address(row: Row, settings: OvirtSettings) -> tuple[str, str]:
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


def _interval_s(row: Row, settings: OvirtSettings) -> float:
    value = settings.interval
    try:
        seconds = parse_duration(value) if isinstance(value, str) else value
    except ValueError:
        raise row.fault("interval", _INTERVAL) from None
    if not _MIN_INTERVAL_S <= seconds <= _MAX_INTERVAL_S:
        raise row.fault("interval", _INTERVAL)
    return seconds
