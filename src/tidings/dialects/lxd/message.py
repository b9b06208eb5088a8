"""One readable line for every LXD event, made from its own words so that kinds we never saw read well too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence

from tidings.dialects.lxd.objects import links_of, path_of, resources_of
from tidings.dialects.lxd.wire import Frame, Members, members, one_line, text
from tidings.event import Link

MAX_MESSAGE = 600
_MAX_LOG_TEXT = 500
_MAX_CONTEXT = 160
_MAX_VALUE = 80

# How a link's type reads where it isn't its own name with spaces.
_NOUNS = {
    "network_acl": "network ACL",
    "volume": "storage volume",
}
# Actions whose last word isn't a past participle.
_VERBS = {
    "console": ": console attached",
    "exec": ": command executed",
    "ready": " became ready",
    "run": " ran",
    "shutdown": " shut down",
}
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_SPEED = re.compile(r" \([^()]*/s\)$")
_QUOTED_IF = re.compile(r"[\s\"=()]")


def message_of(frame: Frame, scope: str) -> str:
    """Return the line for *frame*; never empty, at most MAX_MESSAGE characters, without control characters."""
    is_lifecycle = frame.type == "lifecycle"
    sentence = _lifecycle(frame, scope) if is_lifecycle else _SENTENCES.get(frame.type, _other)(frame)
    return one_line(sentence, MAX_MESSAGE) or one_line(f"{frame.type} event", MAX_MESSAGE)


def _lifecycle(frame: Frame, scope: str) -> str:
    metadata = frame.metadata
    action, source = text(metadata, "action"), text(metadata, "source")
    context = frame.context
    words = [word for word in action.split("-") if word]
    links = links_of(source)
    phrase, rest = _noun_phrase(words, links)
    used: set[str] = set()
    sentence = phrase + _verb(rest, bool(phrase)) + _origin(context, used)
    if any(link.type == "storage_pool" for link in links) and not phrase.startswith("storage pool"):
        sentence += f" in pool {links[0].name}"
    if scope not in ("", "default") and not any(link.type == "project" for link in links):
        sentence += f" in project {scope}"
    sentence += _by(frame.requestor) + _detail(context, used)
    if not phrase and path_of(source) not in ("", "/1.0"):
        sentence += f" ({path_of(source)})"
    sentence += _pairs(context, used)
    return sentence[:1].upper() + sentence[1:]


def _noun_phrase(words: list[str], links: Sequence[Link]) -> tuple[str, list[str]]:
    """Return the objects that the action's *words* name, with their names, and the words left over.

    ``instance-snapshot-created`` on c1's s1 gives "instance c1 snapshot s1" and ["created"]; ``network-forward-created``
    goes on from "network", since its second object's type begins with the first's.
    """
    if words[:1] == ["config"]:
        return "server configuration", words[1:]
    phrase, done = "", 0
    for link in links:
        type = "storage_volume" if link.type == "volume" else link.type
        parts = type.split("_")
        if words[done : done + len(parts)] == parts:
            end, noun = done + len(parts), _noun(link)
        elif done and len(parts) > done and words[: len(parts)] == parts:
            end, noun = len(parts), " ".join(parts[done:])
        else:
            continue
        phrase += f"{' ' if phrase else ''}{noun} {_short(link.name)}"
        done = end
    return phrase, words[done:]


def _verb(words: list[str], has_subject: bool) -> str:
    if len(words) == 1 and has_subject and words[0] in _VERBS:
        return _VERBS[words[0]]
    if not words:
        return "" if has_subject else "lifecycle event"
    return (" " if has_subject else "") + " ".join(words)


def _origin(context: Members, used: set[str]) -> str:
    for key, preposition in (("old_name", "from"), ("snapshot", "from snapshot")):
        if value := text(context, key):
            used.add(key)
            return f" {preposition} {value}"
    return ""


def _detail(context: Members, used: set[str]) -> str:
    if command := _command(context.get("command")):
        used.add("command")
        return f": {command}"
    if path := text(context, "path"):
        used.add("path")
        return f": {path}"
    return ""


def _command(value: object) -> str:
    if isinstance(value, list):
        return " ".join(word for word in value if isinstance(word, str))
    return value if isinstance(value, str) else ""


def _by(requestor: Members) -> str:
    username, protocol = text(requestor, "username"), text(requestor, "protocol")
    if not username:
        return ""
    # on the Unix socket everybody is local, so only other ways in are worth a word
    return f" by {_short(username)}" + (f" ({protocol})" if protocol not in ("", "unix") else "")


def _operation(frame: Frame) -> str:
    metadata = frame.metadata
    description = text(metadata, "description") or "Operation"
    links = [link for url in resources_of(metadata) for link in links_of(url)]
    status = text(metadata, "status")
    sentence = f"{description}{_operated_on(description, links)}: {status or 'status unknown'}"
    if err := text(metadata, "err"):
        return f"{sentence}: {err}"
    notes = "; ".join(_operation_notes(members(metadata, "metadata"), status))
    return f"{sentence} ({notes})" if notes else sentence


def _operated_on(description: str, links: Sequence[Link]) -> str:
    """Return what follows a description: " c1" if that ends with the object's noun, else " for instance c1"."""
    named = next((link for link in links if description.lower().endswith(_noun(link))), None)
    named = named or next((link for link in links if description.lower().endswith(link.type)), None)
    said = f" {_short(named.name)}" if named else ""
    if named and named.type not in ("snapshot", "backup"):
        return said
    owner = next((link for link in links if link.type not in ("snapshot", "backup")), None)
    return f"{said} for {_noun(owner)} {_short(owner.name)}" if owner else said


def _operation_notes(metadata: Members, status: str) -> Iterable[str]:
    if command := _command(metadata.get("command")):
        yield command
    if status != "Success":
        for key, value in metadata.items():
            if key.endswith("progress") and isinstance(value, str) and value:
                yield _SPEED.sub("", value)
                break
    code = metadata.get("return")
    if isinstance(code, int) and code:
        yield f"exit status {code}"


def _log_line(frame: Frame) -> str:
    return _log_text(text(frame.metadata, "message")) + _pairs(frame.context, set())


def _log_text(message: str) -> str:
    lines = message.strip().splitlines()
    return one_line(lines[0], _MAX_LOG_TEXT) if lines else "Log entry without a message"


def _security(frame: Frame) -> str:
    metadata = frame.metadata
    name, description = text(metadata, "name"), text(metadata, "description")
    request = f"{text(metadata, 'request_method')} {text(metadata, 'request_path')}".strip()
    sentence = ": ".join(part for part in (name, description) if part) or "security event"
    return sentence + (f" ({request})" if request else "") + _by(frame.requestor)


def _config(frame: Frame) -> str:
    # the values stay in the payload: people put passwords into instance configuration
    metadata = frame.metadata
    verb = "set" if metadata.get("old_value") == "" else "removed" if metadata.get("value") == "" else "changed"
    return f"Configuration key {text(metadata, 'key') or '(unnamed)'} {verb}"


def _device(frame: Frame) -> str:
    return f"Device {text(frame.metadata, 'name') or '(unnamed)'} {text(frame.metadata, 'action') or 'changed'}"


def _other(frame: Frame) -> str:
    # as ovn and network-acl are, which have a log line's shape
    if text(frame.metadata, "message"):
        return _log_line(frame)
    if description := text(frame.metadata, "description"):
        return f"{frame.type}: {description}"
    return f"{frame.type} event" + _pairs(frame.metadata, set())


_SENTENCES: dict[str, Callable[[Frame], str]] = {
    "operation": _operation,
    "logging": _log_line,
    "security": _security,
    "config": _config,
    "device": _device,
}


def _noun(link: Link) -> str:
    return _NOUNS.get(link.type) or link.type.replace("_", " ")


def _short(name: str) -> str:
    return name[:12] if len(name) == 64 and _FINGERPRINT.fullmatch(name) else name


def _pairs(context: Members, used: set[str]) -> str:
    """Return the small values of *context* as `` (key=value …)``, as many as fit; the payload has them all."""
    said: list[str] = []
    room = _MAX_CONTEXT
    for key, value in context.items():
        shown = _value(value) if key not in used else ""
        if not shown or len(shown) > _MAX_VALUE or len(key) + len(shown) >= room:
            continue
        said.append(f"{key}={shown}")
        room -= len(said[-1]) + 1
    return f" ({' '.join(said)})" if said else ""


def _value(value: object) -> str:
    if isinstance(value, str):
        value = _short(value)
        return json.dumps(value, ensure_ascii=False) if _QUOTED_IF.search(value) else value
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else ""
