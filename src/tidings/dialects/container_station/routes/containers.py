"""Containers as the log told of them last, and waiting until one is in a state. Nothing here asks a NAS."""

from __future__ import annotations

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.container_station.routes import parameters
from tidings.dialects.container_station.routes.answers import reply
from tidings.dialects.routes import Host, Refusal
from tidings.projections import GONE, Thing, Wanted

MAX_DURATION_S = 3600.0
_DURATION_S = 60.0
_MOST = 10_000
_RUNNING, _STOPPED = "running", "stopped"

# What is frozen runs: this API knows two words. What is destroyed has stopped.
_STATES = {_RUNNING: frozenset({_RUNNING, "frozen"}), _STOPPED: frozenset({_STOPPED, GONE})}
_KINDS = {"docker": ("container",), "lxc": ("container", "instance"), "lxd": ("instance",)}
"""The things that a type of container may be: those of a NAS, and LXD's instances."""


async def list_containers(host: Host, _request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer all containers there are."""
    found = [thing for kind in ("container", "instance") for thing in await host.state.select(Wanted(kind), who, _MOST)]
    return reply([_shown(thing) for thing in found])


async def one_container(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer one container, by its id, twelve or more characters that one begins with, or its name."""
    return reply(_shown(await _find(host, request, who)))


async def wait(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer a container once it is in a state, or as it is when the time is up: the caller looks at ``state``."""
    state = request.match_info["state"].lower()
    if state not in _STATES:
        raise parameters.invalid("state", "running or stopped")
    duration_s = parameters.seconds(request, "duration", _DURATION_S, MAX_DURATION_S)
    thing = await _find(host, request, who)
    key, wanted = thing.key, _STATES[state]
    changed = await host.held(request, who, lambda: host.state.wait(key, wanted, duration_s))
    if changed is None:
        # it may have changed meanwhile, to something that wasn't waited for
        changed = await host.state.find(thing.type, thing.id, who) or thing
    return reply(_shown(changed))


async def _find(host: Host, request: web.Request, who: Principal) -> Thing:
    kind, text = request.match_info["type"].lower(), request.match_info["id"]
    if kind not in _KINDS:
        raise parameters.invalid("type", "docker, lxc or lxd")
    for type in _KINDS[kind]:
        thing = await host.state.find(type, text, who)
        # the first NASes called LXD's kind of container lxc
        if thing is not None and (type == "instance" or thing.details.get("type", kind) == kind):
            return thing
    raise Refusal(404, f"Container not found: {text[:80]}")


def _type_of(thing: Thing) -> str:
    return "lxd" if thing.type == "instance" else thing.details.get("type", "")


def _shown(thing: Thing) -> dict[str, object]:
    """Return the object; what only the host itself knows, load and addresses, is nought."""
    is_running = thing.state in _STATES[_RUNNING]
    shown: dict[str, object] = {
        "id": thing.id,
        "image": thing.details.get("image", ""),
        "name": thing.name or thing.id,
        "state": _RUNNING if is_running else _STOPPED,
        "type": _type_of(thing) or "docker",
    }
    if is_running:
        shown |= {"cpu": 0.0, "ipaddress": [], "memory": 0, "rx": 0, "tx": 0}
    return shown
