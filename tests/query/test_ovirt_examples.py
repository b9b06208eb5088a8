"""Every example of the oVirt search language: whether it is accepted, what it becomes, and which events it finds.

The rows of `search_examples.json` are texts that were put to the engine's own search compiler. *engine* is that compiler's word
for what it refuses; a row that is accepted all the same is an extension. `search_events.json` are made so that neighbouring
readings of a text find different ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidings import rfc3339
from tidings.errors import QuerySyntaxError
from tidings.event import Draft, Event, Link, decode_line, encode_lines, encode_links, set_payload
from tidings.query.ast import Column, Order
from tidings.query.ovirt import parse
from tidings.query.predicate import compile_predicate
from tidings.query.render import render

NOW_NS = rfc3339.parse("2026-11-20T22:18:27.5Z")  # a Friday
DATA = Path(__file__).parent.parent / "data" / "ovirt"


def event_of(row: dict[str, Any]) -> Event:
    """Return the event that a row of `search_events.json` stands for; what it doesn't say is as usual for the engine."""
    is_ovirt = row.get("dialect", "ovirt") == "ovirt"
    payload = {name: str(row[name]) for name in ("origin", "custom_id") if name in row}
    draft = Draft(
        sequence="1",
        id="1",
        received="2026-11-20T22:00:00Z",
        specversion="1.0",
        source=row.get("source", "ovirt/e1"),
        type=row.get("type", f"ovirt.{row.get('code', 'USER_RUN_VM')}"),
        time=row.get("time", "2026-01-01T00:00:00Z"),
        severity=row.get("severity", "normal"),
        actor=row.get("actor", ""),
        correlation=row.get("correlation", ""),
        message=row["message"],
        dialect=row.get("dialect", "ovirt"),
        links=encode_links(Link(*link) for link in row.get("links", [])),
    )
    set_payload(draft, msgspec.json.encode({"origin": "oVirt"} | payload if is_ovirt else payload), "application/json")
    return decode_line(encode_lines([draft]))


EVENTS = {row["name"]: event_of(row) for row in json.loads((DATA / "search_events.json").read_text(encoding="utf-8"))}
EXAMPLES: list[dict[str, Any]] = json.loads((DATA / "search_examples.json").read_text(encoding="utf-8"))
ACCEPTED = [row for row in EXAMPLES if row["verdict"] == "accepted"]
REFUSED = [row for row in EXAMPLES if row["verdict"] == "refused"]


def rows(examples: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", examples, ids=[row["text"] for row in examples])


def test_every_example_says_what_becomes_of_it() -> None:
    assert len(ACCEPTED) + len(REFUSED) == len({row["text"] for row in EXAMPLES}) == 121
    assert [row["text"] for row in ACCEPTED if "engine" in row] == ["time>2017-01-05", "sortby time page 2"]


@rows(ACCEPTED)
def test_an_accepted_text_finds_what_it_means(row: dict[str, Any]) -> None:
    matches = compile_predicate(parse(row["text"], NOW_NS).query.where)
    found = {name for name, event in EVENTS.items() if matches(event)}
    assert found == set(row["finds"] if "finds" in row else EVENTS.keys() - row["misses"])


@rows([row for row in ACCEPTED if "query" in row])
def test_an_accepted_text_becomes_a_query_of_ours(row: dict[str, Any]) -> None:
    assert render(parse(row["text"], NOW_NS).query.where) == row["query"]


@rows(ACCEPTED)
def test_an_accepted_text_is_sorted_and_paged_as_it_says(row: dict[str, Any]) -> None:
    parsed = parse(row["text"], NOW_NS)
    column, _, direction = row.get("order", "").partition(" ")
    order = Order(Column(column), descending=direction == "desc", newest_ties=True) if column else Order()
    assert (parsed.query.order, parsed.query.page) == (order, row.get("page", 1))
    assert parsed.is_paged == ("page" in row)


@rows(REFUSED)
def test_a_refused_text_is_told_where_and_why(row: dict[str, Any]) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(row["text"], NOW_NS)
    assert (caught.value.at, caught.value.reason) == (row["at"], row["reason"])
