"""Whatever the text: it is refused with a place in it, or both evaluators answer it, and the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.log.segment_files import all_states
from tests.log.test_evaluators import expected
from tests.query import strategies
from tests.query.test_ovirt_examples import EVENTS
from tidings import rfc3339
from tidings.errors import QuerySyntaxError
from tidings.event import NO_PAYLOAD, Draft, Event, Link, encode_links, set_payload
from tidings.query.ovirt import Parsed, parse
from tidings.query.predicate import matches

NOW_NS = strategies.BASE_NS + 3_600_000_000_000
LINK_TYPES = [
    "vm",
    "host",
    "template",
    "storage_domain",
    "data_center",
    "volume",
    "user",
    "quota",
    "cluster",
    "instance",
    "container",
]

_values = st.sampled_from(
    ["web", "web1", "Web*", "*", '""', '"*a b*"', "a*1", "é*", "日本語", "_", "%", "a\\b", "=x", "null", "-1", "100%*", "\u212a"]
)  # fmt: skip
_texts = st.sampled_from(
    ["usrname", "message", "event_vm", "event_host", "event_storage", "_event_vm_id", "_event_quota_id", "correlation_id",
     "origin", "vms.name", "VM.id", "host.name", "users.name", "vms.status", "cluster", "hosts", "Vms"]
)  # fmt: skip
_equality = st.sampled_from(["=", "!=", " = "])
_ordering = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_integers = st.sampled_from(["30", "31", "9801", "9803", "7", "-1", "12345"])
_dates = st.sampled_from(
    ["today", "yesterday", "monday", "1/5/17", '"Jan 5, 2017"', rfc3339.render(strategies.BASE_NS)]
)
_severities = st.sampled_from(["normal", "WARNING", "error", '"alert"'])
_terms = st.one_of(
    st.tuples(_texts, _equality, _values).map("".join),
    st.tuples(st.sampled_from(["type", "custom_event_id"]), _equality, _integers).map("".join),
    st.tuples(st.just("severity"), _ordering, _severities).map("".join),
    st.tuples(st.just("time"), st.sampled_from("=<>"), _dates).map("".join),
    st.sampled_from(["deleted=true", "deleted=false", "deleted!=true"]),
    _values,
)
_endings = st.sampled_from(["", "", " sortby time", " sortby severity desc", " sortby message page 2", " page 1"])
_joiners = st.sampled_from([" ", " and ", " OR "])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Texts that are right, most of them; free text twice, for one, is not."""
    text: str = draw(_terms)
    for term in draw(st.lists(_terms, max_size=3)):
        text += draw(_joiners) + term
    return text + draw(_endings)


_words = st.sampled_from(
    ["Events:", "vms", "vm", "host", ".", ".name", "severity", "type", "time", "origin", "event_vm", "usrid", "and", "or",
     "sortby", "page", "asc", "desc", "=", "!=", ">", "<=", "!", '"', "'", ";", "\\", "*", " ", "\t", "2", "0", "30", "error",
     "foo", "today", "1/5/17", "2017-01-05", "T10:15", "..", "Jan 5, 2017", "99999999999", "日本語", "\u3000", "\0", "\ud800"]
)  # fmt: skip
nonsense = st.one_of(st.lists(_words, max_size=12).map("".join), st.text(max_size=30))


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Drafts with the links and the payload that oVirt events have, whatever system they are from."""
    draft = draw(strategies.drafts())
    values = st.sampled_from(["", "web1", "Web1", "é", "日本語", "a b"])
    links = draw(st.lists(st.builds(Link, st.sampled_from(LINK_TYPES), values, values), max_size=4))
    payload: dict[str, object] = {"origin": draw(st.sampled_from(["oVirt", "web1", "É", "s"]))}
    if draw(st.booleans()):
        payload["custom_id"] = draw(st.sampled_from([7, -1, "7"]))
    kinds = ["ovirt.USER_VDC_LOGIN", "ovirt.USER_VDC_LOGOUT", "ovirt.EXTERNAL_EVENT_NORMAL", "ovirt.12345", "x"]
    draft = msgspec.structs.replace(draft, type=draw(st.sampled_from(kinds)), links=encode_links(links))
    draft.data, draft.data_base64, draft.linebreaks = NO_PAYLOAD, "", ""
    set_payload(draft, msgspec.json.encode(payload), "application/json")
    return draft


def parse_or_refuse(text: str, *, case_sensitive: bool = False) -> Parsed | QuerySyntaxError:
    try:
        return parse(text, NOW_NS, case_sensitive=case_sensitive)
    except QuerySyntaxError as refused:
        return refused


@given(st.one_of(nonsense, texts()), st.booleans(), strategies.events())
@example("severity=error or ", False, EVENTS["login"])
@example("İ=İ", False, EVENTS["login"])
@example("sortby time page " + "9" * 5000, False, EVENTS["login"])
@example("time=" + "9" * 5000 + "/1/1", False, EVENTS["login"])
@example("a*" * 4999, True, EVENTS["login"])
def test_any_text_is_refused_at_a_place_in_it_or_can_be_asked(text: str, case_sensitive: bool, event: Event) -> None:
    match parse_or_refuse(text, case_sensitive=case_sensitive):
        case Parsed(query):
            matches(query.where, event)
        case refused:
            assert 0 <= refused.at <= len(text)
            assert refused.text == text


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(drafts(), min_size=1, max_size=9),
    st.lists(st.tuples(st.one_of(texts(), texts(), nonsense), st.booleans()), min_size=1, max_size=12),
)
def test_every_state_of_a_segment_finds_what_the_predicate_finds(
    events: list[Draft], asked: list[tuple[str, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, all_states(Path(folder), events) as states:
        for text, case_sensitive in asked:
            parsed = parse_or_refuse(text, case_sensitive=case_sensitive)
            if isinstance(parsed, QuerySyntaxError):
                continue
            where, order = parsed.query.where, parsed.query.order
            wanted = expected(states, where, order)
            assert wanted == states.tail.search(where, order, None, 100)
            assert wanted == states.growing.search(where, order, None, 100, states.span)
            assert wanted == states.sealed.search(where, order, None, 100, states.span)
            assert len(wanted) == states.sealed.count(where, states.span)


def test_a_text_of_very_many_terms_is_answered() -> None:
    draft = Draft(specversion="1.0", source="s", type="t", time="2026-01-01T00:00:00Z", severity="normal", message="m")
    with tempfile.TemporaryDirectory() as folder, all_states(Path(folder), [draft]) as states:
        for joiner in (" or ", " and ", " "):
            where = parse(joiner.join(["message=m"] * 700), NOW_NS).query.where
            assert states.sealed.count(where, states.span) == 1
