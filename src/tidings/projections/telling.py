"""From stored lines to what they tell of the state of things, reading no more of a line than that takes."""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tidings.event import NO_PAYLOAD
from tidings.projections.rules import OCID, Place, Rule, Rules
from tidings.projections.thing import GONE, Key

_MAX_ID, _MAX_DETAIL = 1024, 255
_TYPE = b'"type":"'
_WORD = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)
# ocid1.instance.oc1.sea.abzw…: the second part says what it is
_OCID = re.compile(r"ocid1\.([a-z0-9_-]{1,64})\.", re.ASCII)
# /1.0/instances/web1: LXD's own id, since the name of a volume alone is not unique
_PATH = re.compile(r"/[^/]+/[^/]+/(?:.*/)?([^/]+)")
_NO_LONGER = {"deleted": GONE, "terminated": GONE}
_NO_DETAILS: dict[str, str] = {}


class Told(msgspec.Struct, frozen=True):
    """What one event tells. *state* is empty where it stays as it was, and *key* holds the name where no *id* is told.

    *former* is the id that the thing had until now, in the forms that it may have had.
    """

    key: Key
    id: str
    name: str
    state: str
    since: str
    index: int
    kind: str
    details: Mapping[str, str]
    former: tuple[str, ...] = ()


class _Line(msgspec.Struct, gc=False):
    """The members of a stored line that matter here."""

    sequence: str
    source: str
    type: str
    time: str
    subject: str = ""
    scope: str = ""
    location: str = ""
    links: str = ""
    data: msgspec.Raw = NO_PAYLOAD


_LINES = msgspec.json.Decoder(_Line)


class Teller:
    """Reads lines by *rules*."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._kinds = frozenset(kind.encode() for kind in rules.kinds())
        self._patterns = tuple(start.encode() for start in rules.starts)
        # An event whose kind begins with none of these is passed over without a further look.
        self._prefixes = tuple({kind[: kind.rindex(b".") + 1] for kind in self._kinds}) + self._patterns

    def told_by(self, blob: bytes) -> Iterator[Told]:
        """Yield what the lines in *blob*, each with its line end, tell; quickly nothing where that is nothing.

        Every committed event passes through here, at half a microsecond where it isn't wanted: before its type a line has only
        texts, in which a quotation mark is escaped, so what looks like the member ``type`` first is that member.
        """
        prefixes, kinds, at = self._prefixes, self._kinds, 0
        while (at := blob.find(_TYPE, at)) >= 0:
            at += len(_TYPE)
            end = blob.find(b"\n", at)
            if blob.startswith(prefixes, at):
                kind = blob[at : blob.index(b'"', at)]
                is_wanted = kind in kinds or (
                    blob.startswith(self._patterns, at) and self._may_tell(kind.decode(), blob, at, end)
                )
                if is_wanted and (told := self.read(blob[blob.rfind(b"\n", 0, at) + 1 : end])):
                    yield told
            at = end

    def _may_tell(self, kind: str, blob: bytes, start: int, end: int) -> bool:
        """Whether an event of a kind that only patterns fit is worth decoding: not where the state would have to stand in it, and doesn't."""
        return any(
            not rule.needles or any(blob.find(needle, start, end) >= 0 for needle in rule.needles)
            for rule in self._rules.of(kind)
        )

    def read(self, line: bytes) -> Told | None:
        """Return what one stored line tells, None when that is nothing."""
        event = _LINES.decode(line)
        payload: Any = msgspec.UNSET
        for rule in self._rules.of(event.type):
            if payload is msgspec.UNSET and rule.needs_payload:
                payload = _payload(event.data)
            if (told := _told(rule, event, payload)) is not None:
                return told
        return None


def _told(rule: Rule, event: _Line, payload: Any) -> Told | None:
    if rule.when is not None and _text_at(payload, rule.when[0]) != rule.when[1]:
        return None
    state = _state(rule, payload) if rule.state_places else rule.state
    if state is None:
        return None
    type = rule.type
    if rule.id:
        id, name = _first(payload, rule.id) or event.subject, _first(payload, rule.name)
    else:
        id, name = _named(type, event)
    if type == OCID:
        match = _OCID.match(id)
        type = match[1] if match is not None else ""
    if not (type and (id or name)) or len(id) > _MAX_ID or len(name) > _MAX_ID:
        return None
    return Told(
        key=Key(type, event.source, event.scope, id or name),
        id=id,
        name=name,
        state=state,
        since=event.time,
        index=int(event.sequence),
        kind=event.type,
        details=_details(rule, event, payload) if rule.has_details else _located(event),
        former=_former(id, event.scope, _text_at(payload, rule.former)) if rule.former else (),
    )


def _state(rule: Rule, payload: Any) -> str | None:
    word = _first(payload, rule.state_places).strip().lower()
    return _NO_LONGER.get(word, word) if _WORD.fullmatch(word) else None


def _named(type: str, event: _Line) -> tuple[str, str]:
    """Return the id and the name that the event's link of this type has, or else its subject: a path, or ``vm web1``."""
    subject = event.subject
    if event.links and (link := _link_of(type).search(event.links)) is not None:
        return _unquoted(link[2]) if link[2] else subject if subject.startswith("/") else "", _unquoted(link[1])
    if (path := _PATH.fullmatch(subject)) is not None:
        return subject, _unquoted(path[1])
    return "", subject[len(type) + 1 :] if subject.startswith(f"{type} ") else ""


@functools.cache
def _link_of(type: str) -> re.Pattern[str]:
    """Return what finds the first link of *type* in the attribute, quicker than `decode_links` reads all of them."""
    return re.compile(rf"(?:^|&){type}=([^&]*)(?:&{type}\.id=([^&]*))?")


def _unquoted(text: str) -> str:
    return urllib.parse.unquote_plus(text) if "%" in text or "+" in text else text


def _located(event: _Line) -> dict[str, str]:
    return {"location": event.location[:_MAX_DETAIL]} if event.location else _NO_DETAILS


def _details(rule: Rule, event: _Line, payload: Any) -> dict[str, str]:
    taken = {name: text[:_MAX_DETAIL] for name, place in rule.details if (text := _text_at(payload, place))}
    return {**_located(event), **dict(rule.constants), **taken}


def _former(id: str, scope: str, name: str) -> tuple[str, ...]:
    """Return the paths that *id* may have had when the last part of it was *name*: of volumes LXD 5.0 tells the name without the project."""
    parent, name = id.rpartition("/")[0], urllib.parse.quote(name, safe="")
    return (f"{parent}/{name}", f"{parent}/{scope}_{name}") if name and parent else ()


def _payload(data: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _first(payload: Any, places: tuple[Place, ...]) -> str:
    return next((text for place in places if (text := _text_at(payload, place))), "")


def _text_at(payload: Any, place: Place) -> str:
    """Return the text that stands at *place*, empty where there is none."""
    for name in place:
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload if isinstance(payload, str) else ""
