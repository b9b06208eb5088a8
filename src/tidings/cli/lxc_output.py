"""Events as ``lxc monitor`` prints them: YAML, JSON, or log lines that stand under a minimum level.

What its version 5.0.2 prints was compared with this for every recorded event. Where it would end, here something is shown: a
type or a level it doesn't know, a member of another type than it expects.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from tidings.cli import terminal
from tidings.cli.go_values import printed, quoted, read_json, write_json
from tidings.cli.lxc_yaml import dump
from tidings.cli.output import encode_for_stdout
from tidings.dialects.lxd.codec import encode
from tidings.event import Event
from tidings.query.ast import Condition
from tidings.query.predicate import compile_predicate

Form = Literal["frame", "json", "yaml", "pretty"]

LEVELS = {"panic": 0, "fatal": 1, "error": 2, "warning": 3, "info": 4, "debug": 5, "trace": 6}
"""The levels of log lines, gravest first."""
# Short forms: the client's own, and those of LXD 3's logger.
_ALIASES = {"warn": "warning", "dbug": "debug", "eror": "error"}
_COLOURS = {"panic": 31, "fatal": 31, "error": 31, "warning": 33, "info": 36, "debug": 37, "trace": 37}
_STATUS = {
    100: "Operation created", 101: "Started", 102: "Stopped", 103: "Running", 104: "Cancelling", 105: "Pending",
    106: "Starting", 107: "Stopping", 108: "Aborting", 109: "Freezing", 110: "Frozen", 111: "Thawed", 112: "Error",
    113: "Ready", 200: "Success", 400: "Failure", 401: "Cancelled",
}  # fmt: skip
_MEMBERS = ("location", "metadata", "project", "timestamp", "type")
_BARE = re.compile(r"[A-Za-z0-9._/@^+-]*")
_TIME = re.compile(r"([0-9-]{10})T([0-9:]{8})(?:\.([0-9]{1,9})[0-9]*)?(Z|[+-][0-9]{2}:[0-9]{2})")
_NEVER = "0001-01-01T00:00:00Z"


class View(NamedTuple):
    """What to show of LXD's frames, and how. *wanted* is asked here too, since the server's search takes no heed of letter case."""

    form: Form = "frame"
    level: str = "debug"
    wanted: Condition | None = None


class Record(NamedTuple):
    """One log line: *fields* behind the message, in any order."""

    level: str
    message: str
    fields: Mapping[str, Any]


def level_of(text: str) -> str | None:
    """Return the level that *text* names in any letter case, or None."""
    level = _ALIASES.get(text.lower(), text.lower())
    return level if level in LEVELS else None


def printer(view: View) -> Callable[[Event], bytes]:
    """Return what turns an event into the bytes to show: none for one that isn't wanted."""
    matches = compile_predicate(view.wanted) if view.wanted is not None else None
    show = _shower(view)
    return lambda event: show(encode(event)) if matches is None or matches(event) else b""


def _shower(view: View) -> Callable[[bytes], bytes]:
    match view.form:
        case "frame":
            return lambda frame: frame + b"\n"
        case "json":
            return lambda frame: _encoded(frame, write_json, "\n\n")
        case "yaml":
            return lambda frame: _encoded(frame, dump, "\n\n")
        case _:
            # asked once: it reads the environment
            colour, most = terminal.wants_colour(sys.stdout), LEVELS[view.level]
            return lambda frame: _line(frame, most, colour=colour)


def _encoded(frame: bytes, write: Callable[[dict[str, Any]], str], end: str) -> bytes:
    members = _read(frame)
    try:
        return frame + b"\n" if members is None else (write(members) + end).encode("utf-8", "replace")
    except RecursionError:
        return frame + b"\n"  # JSON is YAML too


def _read(frame: bytes) -> dict[str, Any] | None:
    """Return the members that the client knows, or None for what can't be read as a frame."""
    try:
        members = read_json(frame)
    except (ValueError, RecursionError):
        return None
    if not isinstance(members, dict):
        return None
    known = {name: value for name, value in members.items() if name in _MEMBERS and value not in ("", None)}
    known["timestamp"] = _trimmed(_text(members, "timestamp"))
    return {"metadata": None, **known}


def _trimmed(time: str) -> str:
    """Return *time* without the zeros at the end of its fraction."""
    match = _TIME.fullmatch(time)
    if match is None:
        return time
    date, clock, fraction, zone = match.groups("")
    fraction = fraction.rstrip("0")
    return f"{date}T{clock}{'.' if fraction else ''}{fraction}{'Z' if zone == '+00:00' else zone}"


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = members.get(name)
    return value if isinstance(value, dict) else {}


def _line(frame: bytes, most: int, *, colour: bool) -> bytes:
    members = _read(frame)
    try:
        line = terminal.clean(frame.decode("utf-8", "replace")) if members is None else _pretty(members, most, colour)
    except RecursionError:
        line = terminal.clean(frame.decode())
    return encode_for_stdout(line + "\n") if line else b""


def _pretty(members: Mapping[str, Any], most: int, colour: bool) -> str:
    record = _record(members)
    if LEVELS[record.level] > most:
        return ""
    time = re.sub(r"\.[0-9]+", "", members["timestamp"])
    return (_painted if colour else _plain)(record, time)


def _plain(record: Record, time: str) -> str:
    message = {"msg": record.message} if record.message else {}
    head = {"time": time, "level": record.level, **message}
    return " ".join(terminal.clean(f"{key}={_value(value)}") for key, value in (head | _fields(record)).items())


def _painted(record: Record, time: str) -> str:
    style = f"\x1b[{_COLOURS[record.level]}m"
    message = terminal.clean(record.message.removesuffix("\n"))
    head = f"{style}{record.level.upper():<7}\x1b[0m[{terminal.clean(time)}] {message:<44} "
    fields = _fields(record).items()
    return head + "".join(f" {style}{terminal.clean(key)}\x1b[0m={_value(value)}" for key, value in fields)


def _fields(record: Record) -> dict[str, Any]:
    """Return the fields in order; those that are called as the line's own parts get another name."""
    own = ("time", "level", "msg", "logrus_error")
    named = {f"fields.{key}" if key in own else key: value for key, value in record.fields.items()}
    return {key: named[key] for key in sorted(named)}


def _value(value: Any) -> str:
    text = printed(value)
    return text if _BARE.fullmatch(text) else quoted(text)


def _record(members: Mapping[str, Any]) -> Record:
    metadata = _object(members, "metadata")
    match members.get("type"):
        case "lifecycle":
            return Record("info", _action(metadata), _object(metadata, "context"))
        case "operation":
            return _operation(metadata)
        case "logging":
            return _log_line(metadata, _text(members, "location"))
        case type:
            return _other(printed(type), metadata)


def _action(metadata: Mapping[str, Any]) -> str:
    message = f"Action: {_text(metadata, 'action')}, Source: {_text(metadata, 'source')}"
    if not isinstance(metadata.get("requestor"), dict):
        return message
    by = _object(metadata, "requestor")
    return f"{message}, Requestor: {_text(by, 'protocol')}/{_text(by, 'username')} ({_text(by, 'address')})"


def _operation(metadata: Mapping[str, Any]) -> Record:
    message = ", ".join(
        f"{label}: {_text(metadata, name)}"
        for label, name in (("ID", "id"), ("Class", "class"), ("Description", "description"))
    )
    code = metadata.get("status_code")
    fields = {
        "CreatedAt": _go_time(_text(metadata, "created_at")),
        "UpdatedAt": _go_time(_text(metadata, "updated_at")),
        "Status": _text(metadata, "status"),
        "StatusCode": _STATUS.get(int(code), "") if isinstance(code, float) else "",
        "Resources": _object(metadata, "resources"),
        "Metadata": _object(metadata, "metadata"),
        "MayCancel": metadata.get("may_cancel") is True,
        "Err": _text(metadata, "err"),
        "Location": _text(metadata, "location"),
    }
    return Record("info", message, fields)


def _go_time(time: str) -> str:
    match = _TIME.fullmatch(_trimmed(time or _NEVER))
    if match is None:
        return time
    date, clock, fraction, zone = match.groups("")
    offset = zone.replace(":", "")
    where = "+0000 UTC" if zone == "Z" else f"{offset} {offset}"
    return f"{date} {clock}{'.' if fraction else ''}{fraction} {where}"


def _log_line(metadata: Mapping[str, Any], location: str) -> Record:
    # in a cluster, where events have a place, the line begins with it
    place = f"[{location}] " if location not in ("", "none") else ""
    level = level_of(_text(metadata, "level")) or "info"
    return Record(level, place + _text(metadata, "message"), _object(metadata, "context"))


def _other(type: str, metadata: Mapping[str, Any]) -> Record:
    """Return the line for a type that the client doesn't know: as a log line where it is shaped so, else with all it has."""
    level = level_of(_text(metadata, "level")) or "info"
    if "message" in metadata:
        return Record(level, f"{type}: {_text(metadata, 'message')}", _object(metadata, "context"))
    return Record(level, type, {key: value for key, value in metadata.items() if key != "level"})
