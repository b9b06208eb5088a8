"""Events and conditions drawn from alphabets so small that they often meet.

Reused by every test that holds two evaluators, or a text and its condition, equal.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from tidings import rfc3339
from tidings.event import Draft, Event, Link, decode_line, encode_lines, encode_links, set_payload
from tidings.query.ast import (
    NUMBER_COLUMNS,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Contains,
    LinkTo,
    Listed,
    Not,
    Pattern,
    Payload,
    Words,
)
from tidings.severity import Severity

BASE_NS = 1_795_000_000_000_000_000
_STEP_NS = 500_000_000

_WORDS = [
    "web", "Web1", "WEB", "db_2", "started", "Started", "start", "a", "ab", "b", "42", "1.0", "true", "null", "100%",
    "é", "É", "ß", "SS", "K", "k", "\u212a", "İ", "i", "ı", "日本語", "本", "가상", "🔥", "ς", "Σ", "\\", "_", "%", '"', "'",
]  # fmt: skip
_SEPARATORS = [" ", "-", "_", "/", ".", "", "…", "\u00a0", "*"]

texts = st.lists(st.one_of(st.sampled_from(_WORDS), st.sampled_from(_SEPARATORS)), max_size=5).map("".join)
"""Short texts made of few words and separators; often empty."""

_actors = st.sampled_from(["", "root", "Root", "admin@internal", "é", "É", "web 1"])
_subjects = st.sampled_from(
    ["", "/1.0/instances/web1", "/1.0/instances/Web1", "vm web", "日本語", "K\u212a", "100% a_b"]
)
_kinds = st.sampled_from(["lxd.lifecycle.instance-started", "lxd.operation", "ovirt.USER_RUN_VM", "x"])
_sources = st.sampled_from(["lxd/prod-1", "ovirt/é", "s"])
_scopes = st.sampled_from(["", "default", "Finance", "finance", "ß"])
_locations = st.sampled_from(["", "node1", "NODE1", "İ"])
_correlations = st.sampled_from(["", "op-1", "OP-1", "op-2"])
_dialects = st.sampled_from(["lxd", "ovirt", "cloudevents"])
_ids = st.sampled_from(["", "id-1", "ID-1", "3", "é"])
_link_types = st.sampled_from(["vm", "host", "odd-type"])
_link_values = st.sampled_from(["", "web1", "Web1", "é", "É", "a&b=c", "日本語"])
_links = st.builds(Link, _link_types, _link_values, _link_values)

_KEYS = ["a", "A", "b", "é", "É", "0", "a b", "list"]
_numbers = st.one_of(st.integers(-2, 2), st.sampled_from([42, 0.5, 1.0, 1.5, -0.5, 2**63, 1e300]))
_strings = st.sampled_from(["", "x", "X", "é", "É", "42", "true", "null", "日本語", "x y", "0.5"])
_scalars = st.one_of(st.none(), st.booleans(), _numbers, _strings)
json_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)),
    max_leaves=8,
)
"""Nested JSON whose keys and values come from a handful."""

_extensions = st.dictionaries(st.sampled_from(["extra", "traceparent"]), json_values, max_size=2)
_offsets_ns = st.one_of(st.integers(0, 6).map(lambda step: step * _STEP_NS), st.just(1), st.just(-86_400_000_000_000))
_times_ns = _offsets_ns.map(lambda offset: BASE_NS + offset)


def _put_payload(draft: Draft, payload: Any, form: str) -> None:
    if form == "compact":
        set_payload(draft, msgspec.json.encode(payload), "application/json")
    elif form == "broken over lines":
        set_payload(draft, msgspec.json.format(msgspec.json.encode(payload), indent=1), "application/cloud+json")
    elif form == "text":
        set_payload(draft, msgspec.json.encode(payload), "text/plain")


_forms = st.sampled_from(["compact", "compact", "broken over lines", "text", "none"])


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Drafts as a dialect would hand them to the log: no sequence, no time of receipt, perhaps no id."""
    extensions = draw(_extensions)
    draft = Draft(
        id=draw(_ids),
        specversion="1.0",
        source=draw(_sources),
        type=draw(_kinds),
        time=rfc3339.render(draw(_times_ns)),
        severity=draw(st.sampled_from(Severity)).label,
        subject=draw(st.one_of(_subjects, texts)),
        actor=draw(st.one_of(_actors, texts)),
        scope=draw(_scopes),
        location=draw(_locations),
        correlation=draw(_correlations),
        message=draw(texts),
        dialect=draw(_dialects),
        links=encode_links(draw(st.lists(_links, max_size=4))),
        action=draw(st.sampled_from(["", "create", "Create"])),
        category=draw(st.sampled_from(["", "audit"])),
        extensions={name: msgspec.Raw(msgspec.json.encode(value)) for name, value in extensions.items()} or None,
    )
    _put_payload(draft, draw(json_values), draw(_forms))
    return draft


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Events as they come back from the log, by way of their line."""
    draft = draw(drafts())
    draft.sequence = str(draw(st.integers(1, 9)))
    draft.id = draft.id or draft.sequence
    draft.received = rfc3339.render(draw(_times_ns))
    return decode_line(encode_lines([draft]))


_pieces = st.one_of(
    st.just(""),
    st.sampled_from(_WORDS),
    texts,
    _actors,
    _subjects,
    _kinds,
    _scopes,
    _locations,
    _correlations,
    _link_values,
    _strings,
)


@st.composite
def _halved(draw: st.DrawFn) -> tuple[str, ...]:
    """Parts of a pattern cut out of a value that events have, so that it often matches."""
    whole = draw(_pieces)
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, len(whole)))
    return whole[:start], whole[end:]


patterns = st.builds(
    Pattern,
    st.one_of(st.tuples(_pieces), _halved(), st.lists(_pieces, min_size=1, max_size=4).map(tuple)),
    st.booleans(),
)
"""Exact texts and texts with wildcards, with and without letter case."""

TEXT_COLUMNS = tuple(column for column in Column if column not in NUMBER_COLUMNS)
_text_columns = st.sampled_from(TEXT_COLUMNS)
_link_targets = st.builds(LinkTo, _link_types, st.sampled_from(["name", "id", "any"]))
_paths = st.lists(st.sampled_from([*_KEYS, "1", "list"]), max_size=3).map(tuple)
_attribute_paths = st.tuples(st.sampled_from(["extra", "EXTRA", "action", "category", "nothing"])).flatmap(
    lambda head: st.lists(st.sampled_from(_KEYS), max_size=1).map(lambda rest: (*head, *rest))
)
payload_targets = st.one_of(st.builds(Payload, _paths), st.builds(Payload, _attribute_paths, st.just(True)))
"""Places in the payload and in extra attributes."""

_operators = st.sampled_from(["=", "<", "<=", ">", ">="])
_compare_numbers = st.one_of(
    st.builds(Compare, st.just(Column.INDEX), _operators, st.integers(-1, 10)),
    st.builds(Compare, st.just(Column.SEVERITY), _operators, st.sampled_from(Severity).map(int)),
    st.builds(Compare, st.sampled_from([Column.TIME, Column.RECEIVED]), _operators, _times_ns),
)
_compare_texts = st.builds(Compare, st.one_of(_text_columns, _link_targets), st.just("="), patterns)
_compare_payloads = st.one_of(
    st.builds(Compare, payload_targets, st.just("="), st.one_of(patterns, st.booleans(), st.none())),
    st.builds(Compare, payload_targets, _operators, _numbers.map(float)),
)
_contains = st.builds(
    Contains,
    _pieces,
    st.lists(st.one_of(_text_columns, _link_targets), min_size=1, max_size=3).map(tuple),
    st.booleans(),
)
_words = st.builds(Words, texts, st.booleans())

lists_of_indexes = st.builds(Listed, st.sets(st.integers(-1, 12), max_size=9).map(lambda found: tuple(sorted(found))))
"""Lists of indexes that events have, or are just beyond."""

leaves = st.one_of(_compare_numbers, _compare_texts, _compare_payloads, _contains, _words, lists_of_indexes)
"""Conditions without AND, OR and NOT."""


def _groups(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(AllOf, several), st.builds(AnyOf, several), st.builds(Not, inner))


conditions: st.SearchStrategy[Condition] = st.recursive(leaves, _groups, max_leaves=5)
"""Any condition the AST allows."""


_names = st.sampled_from([*(column.value for column in TEXT_COLUMNS), "user", "vm", "VM.id", "link.odd", "host.any"])
_data_names = st.sampled_from(["data.a", 'data."a b".É', "data.list.0", "attr.extra", "action", 'attr."q\\"x"'])
_time_names = st.sampled_from(["time", "received", "TIME"])
_values = st.sampled_from(
    [
        "web1",
        "web*",
        "*",
        '""',
        '"a b"',
        "'it\\'s'",
        '"a\\*b*"',
        '"\\\\\\n"',
        "É*",
        "10.0.0.1:80",
        "and",
        "日本語",
        '"**"',
    ]
)
_time_values = st.sampled_from(
    ["now", "-2h", "-1w3d", "today", "yesterday", "friday", "2026-11-20", "2026-11-20T10:15", "2026-11-20T10:15:30.123456789+02:00",
     '"Jan 5, 2017"', "1795213107", "-1d..now", "2026-11-01..2026-11-20"]
)  # fmt: skip
_severities = st.sampled_from(["debug", "ERROR", "warn", "'alert'"])
_free_texts = st.one_of(
    _values.filter(lambda value: value not in ('""', "and")),
    st.sampled_from(
        ["web-*", "data.x", '"in"', '"page" 3', "--", '"10:15"', "10:15", "don't", "*a*b", '"-*"', "has!", "a, b"]
    ),
)


def _comparisons(
    names: st.SearchStrategy[str], operators: list[str], values: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    lists = st.lists(values, min_size=1, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(names, st.sampled_from(operators), values).map(" ".join),
        st.tuples(names, st.sampled_from(["in", "NOT IN"]), lists).map(lambda parts: "{} {} ({})".format(*parts)),
    )


_ORDERED = ["=", "!=", "<", "<=", ">", ">="]
_term_texts = st.one_of(
    _comparisons(st.one_of(_names, _data_names), ["=", "!=", "~"], _values),
    _comparisons(st.sampled_from(["index", "sequence"]), _ORDERED, st.sampled_from(["0", "1", "+5", "-3"])),
    _comparisons(st.sampled_from(["severity", "level"]), _ORDERED, _severities),
    _comparisons(_time_names, ["=", "!="], _time_values),
    st.tuples(_time_names, st.sampled_from(_ORDERED), st.sampled_from(["-2h", "today", "2026-11-20"])).map(" ".join),
    st.tuples(_data_names, st.sampled_from(_ORDERED[2:]), st.sampled_from(["1", "-2.5e3", ".5"])).map(" ".join),
    st.one_of(_names, _data_names, _time_names).map("has {}".format),
    _free_texts,
)


def _group_texts(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joined = st.tuples(inner, st.sampled_from([" ", " and ", " OR ", " or not ", " not "]), inner).map("".join)
    return st.one_of(joined, inner.map("({})".format), inner.map("not {}".format))


query_texts = st.recursive(_term_texts, _group_texts, max_leaves=8)
"""Valid texts of the tidings search language, without order and page."""
