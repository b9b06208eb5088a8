"""One readable line for every event line, in the words of the vendor's own log where it has some for it."""

from __future__ import annotations

import json
from collections.abc import Callable

from tidings.dialects.container_station.subject import image_of
from tidings.dialects.container_station.texts import one_line
from tidings.dialects.container_station.wire import Members, text

MAX_LINE = 600
_MAX_VALUES = 8
_SHORT_ID = 12
_LONG_ID = 64

_STATES = {
    "die": "Main process ended in container",
    "connect": "Connect network to container",
    "disconnect": "Disconnect network from container",
}
_PORTS = {"add": "Add port to container", "remove": "Remove port from container"}
_TASK_STATES = {"completed": "Finished", "aborted": "Aborted"}


def message_of(category: str, members: Members) -> str:
    """Return the line; never empty, at most `MAX_LINE` characters, without control characters."""
    words = _WORDS.get(category, _other)(members)
    return one_line(words or _pairs(members), MAX_LINE) or f"{category} event"


def _container(members: Members) -> str:
    state, port = text(members.get("state")), text(members.get("port"))
    if state:
        return f"{_STATES.get(state, f'{state.capitalize()} container')}{_named(members)}"
    return f"{_PORTS.get(port, f'Port {port} of container')}{_named(members)}" if port else ""


def _image(members: Members) -> str:
    action, state = text(members.get("action")), text(members.get("state"))
    origin = text(members.get("from") or members.get("repository") or members.get("category"))
    if action == "download":
        verb = {"success": "Finished to download", "error": "Failed to download"}.get(state, "Start to download")
        return f"{verb} image{f' from {origin}' if origin else ''}{_named(members)}"
    if action == "delete":
        return f"{'Failed to delete' if state == 'error' else 'Delete'} image{_named(members)}"
    if action == "update":
        change = f" after {state}" if state else ""
        return f"Update {f'{origin} ' if origin else ''}image list{change}{_named(members)}"
    return f"{action.capitalize()} image{_named(members)}" if action else ""


def _export(members: Members) -> str:
    return _task("Start to", "export container", "to", members)


def _import(members: Members) -> str:
    return _task("Start to", "import container", "from", members)


def _background(members: Members) -> str:
    return _task("Start", text(members.get("category")).replace("_", " ") or "background task", "", members)


def _task(start: str, what: str, preposition: str, members: Members) -> str:
    state, path, result = text(members.get("state")), text(members.get("path")), members.get("result")
    verb = start if state == "running" else _TASK_STATES.get(state)
    said = f"{verb} {what}" if verb else f"{what.capitalize()} {state}".rstrip()
    where = f" {preposition} ({path})" if path and preposition else ""
    return f"{said}{_named(members)}{where}" + (f" (return={result})" if type(result) is int else "")


def _other(_members: Members) -> str:
    return ""


_WORDS: dict[str, Callable[[Members], str]] = {
    "background": _background,
    "container": _container,
    "export": _export,
    "image": _image,
    "import": _import,
}


def _named(members: Members) -> str:
    """Return what it is about in the vendor's manner: `` (docker, 08fd4fac14b8, DockerTestAPI)``."""
    name = text(members.get("container")) or image_of(members)
    id = text(members.get("cid") or members.get("id"))
    shown = id[:_SHORT_ID] if len(id) == _LONG_ID else id
    words = [text(members.get("type")), shown if shown != name else "", name]
    listed = ", ".join(word for word in words if word)
    return f" ({listed})" if listed else ""


def _pairs(members: Members) -> str:
    said = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in list(members.items())[:_MAX_VALUES]]
    return " ".join(said)
