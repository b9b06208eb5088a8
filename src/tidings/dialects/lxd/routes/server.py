"""The entrance: what API this is, what server, and which projects it knows."""

from __future__ import annotations

import os
import platform
import socket
from importlib.metadata import version

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.lxd import projects
from tidings.dialects.lxd.routes.envelope import is_recursive, sync
from tidings.dialects.routes import Host, Refusal

API_EXTENSIONS = (
    "certificate_token",
    "event_lifecycle",
    "event_lifecycle_requestor_address",
    "event_location",
    "event_project",
    "projects",
    "resources_v2",
    "warnings",
)
"""What clients may rely on here. Only what is true: clients change their requests by it."""

_NOBODY = "nobody"


async def root(_host: Host, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer which versions of the API there are."""
    return sync(["/1.0"])


async def describe(host: Host, _request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer what this server is; to somebody untrusted only how to become trusted."""
    is_trusted = who.origin != _NOBODY
    answer: dict[str, object] = {"config": {}} if is_trusted else {}
    answer |= {
        "api_extensions": API_EXTENSIONS,
        "api_status": "stable",
        "api_version": "1.0",
        "auth": "trusted" if is_trusted else "untrusted",
        "public": False,
        "auth_methods": ["tls"],
    }
    if is_trusted:
        answer["environment"] = _environment(host)
    return sync(answer)


def _environment(host: Host) -> dict[str, object]:
    certificate = host.server_certificate
    uname = os.uname()
    return {
        "addresses": host.tls_addresses,
        "architectures": [platform.machine()],
        "certificate": certificate.pem if certificate else "",
        "certificate_fingerprint": certificate.fingerprint if certificate else "",
        "driver": "",
        "driver_version": "",
        "firewall": "",
        "kernel": uname.sysname,
        "kernel_architecture": uname.machine,
        "kernel_features": {},
        "kernel_version": uname.release,
        "lxc_features": {},
        "os_name": "",
        "os_version": "",
        "project": projects.DEFAULT,
        "server": "tidings",
        "server_clustered": False,
        "server_event_mode": "full-mesh",
        "server_name": socket.gethostname(),
        "server_pid": os.getpid(),
        "server_version": version("tidings"),
        "storage": "",
        "storage_version": "",
        "storage_supported_drivers": [],
    }


async def list_projects(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer all projects, as URLs or whole."""
    names = await projects.list_projects(host.core, who)
    return sync([_project(name) if is_recursive(request) else projects.url_of(name) for name in names])


async def one_project(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer one project."""
    name = request.match_info["name"]
    if not await projects.exists(host.core, who, name):
        raise Refusal(404, "Project not found")
    return sync(_project(name))


def _project(name: str) -> dict[str, object]:
    return {"config": {}, "description": "", "name": name, "used_by": []}
