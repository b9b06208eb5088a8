"""``GET /v1/events`` and its like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.server.serving import Serving, event, serving
from tidings.answers import NEXT_CURSOR


async def sequences(server: Serving, **params: Any) -> list[int]:
    reply = await server.get("/v1/events", **params)
    assert reply.status == 200, reply.body
    return [int(one["sequence"]) for one in reply.json]


async def test_the_newest_come_first_unless_asked_otherwise(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(3)
        assert await sequences(server, max=3) == [head, head - 1, head - 2]
        assert await sequences(server, max=3, order="oldest") == [1, 2, 3]


async def test_the_text_of_a_search_can_say_how_to_sort(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(event(actor="b"), event(actor="a"), event(actor="c"))
        reply = await server.get("/v1/events", search="kind = test.thing sortby actor asc", order="newest")
        assert [one["actor"] for one in reply.json] == ["a", "b", "c"]


async def test_after_leaves_out_what_came_before(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(5)
        assert await sequences(server, after=head - 2, order="oldest") == [head - 1, head]


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_join_without_gap_and_repeat(tmp_path: Path, order: str) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(25)
        found: list[int] = []
        cursor: dict[str, Any] = {}
        while True:
            reply = await server.get("/v1/events", search="kind = test.thing", max=10, order=order, **cursor)
            found += [int(one["sequence"]) for one in reply.json]
            if NEXT_CURSOR not in reply.headers:
                break
            cursor = {"cursor": reply.headers[NEXT_CURSOR]}
        expected = list(range(head - 24, head + 1))
        assert found == (expected if order == "oldest" else expected[::-1])


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "k8QI" + "A" * 40, "%00"])
async def test_a_cursor_nobody_gave_out_is_refused(tmp_path: Path, cursor: str) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get("/v1/events", cursor=cursor)
        assert (reply.status, reply.slug) == (400, "invalid-cursor")


async def test_a_cursor_of_another_search_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.fill(5)
        cursor = (await server.get("/v1/events", max=1)).headers[NEXT_CURSOR]
        reply = await server.get("/v1/events", cursor=cursor, search="severity = error")
        assert (reply.status, reply.slug) == (400, "invalid-cursor")


async def test_a_bad_query_names_column_and_suggestion(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get("/v1/events", search="kind = a and sevrity = error")
        assert (reply.status, reply.slug) == (400, "bad-query")
        assert reply.json["column"] == 14
        assert "severity" in reply.json["suggestion"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/events?max=0", "max"),
        ("/v1/events?max=10001", "max"),
        ("/v1/events?max=-1", "max"),
        ("/v1/events?max=many", "max"),
        ("/v1/events?after=x", "after"),
        ("/v1/events?after=99999999999999999999", "after"),
        ("/v1/events?order=sideways", "order"),
        ("/v1/events?format=xml", "format"),
        ("/v1/events?zone=Atlantis/Center", "zone"),
        ("/v1/events?zone=../../etc/passwd", "zone"),
        ("/v1/events?export=1&cursor=x", "cursor"),
        ("/v1/events?serach=x", "serach"),
        ("/v1/head?x=1", "x"),
        ("/v1/wait?timeout=soon", "timeout"),
        ("/v1/wait?timeout=2h", "timeout"),
        ("/v1/histogram?step=0", "step"),
        ("/v1/histogram?from=yesterday", "from"),
        ("/v1/facets?fields=message", "fields"),
        ("/v1/facets?max=0", "max"),
    ],
)
async def test_a_parameter_that_makes_no_sense_is_named(tmp_path: Path, path: str, parameter: str) -> None:
    async with serving(tmp_path) as server:
        reply = await server.ask("GET", path)
        assert (reply.status, reply.slug, reply.json["parameter"]) == (400, "bad-request", parameter)


async def test_the_accept_header_chooses_the_form(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.fill(2)
        ndjson = await server.get("/v1/events", max=2, headers={"Accept": "text/html, application/x-ndjson;q=0.9"})
        assert ndjson.headers["Content-Type"] == "application/x-ndjson"
        assert len(ndjson.body.splitlines()) == 2
        plain = await server.get("/v1/events", max=2, headers={"Accept": "*/*"})
        assert plain.headers["Content-Type"] == "application/cloudevents-batch+json"
        rows = await server.get("/v1/events", max=2, headers={"Accept": "text/csv"})
        assert rows.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert len(rows.body.splitlines()) == 3


async def test_one_event_is_answered_as_it_is_stored(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(1)
        reply = await server.get(f"/v1/events/{head}")
        assert reply.headers["Content-Type"] == "application/cloudevents+json"
        assert reply.json["message"] == "number 0"


@pytest.mark.parametrize("index", ["0", "99", "x", "-1", "9" * 40, "9223372036854775808"])
async def test_an_index_that_is_not_kept_is_not_found(tmp_path: Path, index: str) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get(f"/v1/events/{index}")
        assert (reply.status, reply.slug) == (404, "not-found")


async def test_a_scoped_reader_sees_only_its_scopes_everywhere(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(2, scope="finance")
        await server.fill(3, scope="sales")
        token = server.make_token("finance", "reader", ["finance"])
        found = await server.get("/v1/events", token=token)
        assert [one["scope"] for one in found.json] == ["finance"] * 2
        assert (await server.get("/v1/count", token=token)).json == {"count": 2}
        assert (await server.get(f"/v1/events/{head}", token=token)).status == 200
        assert (await server.get(f"/v1/events/{head + 1}", token=token)).status == 404
        counted = await server.get("/v1/facets", token=token, fields="scope")
        assert counted.json == {"scope": [{"value": "finance", "count": 2}]}
        exported = await server.get("/v1/events", token=token, export=1, format_="ndjson")
        assert len(exported.body.splitlines()) == 2
        buckets = (await server.get("/v1/histogram", token=token)).json["buckets"]
        assert sum(bucket["normal"] for bucket in buckets) == 2


async def test_the_two_ends_of_the_log_are_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(3)
        assert (await server.get("/v1/head")).json == {"head": head, "oldest": 1}


async def test_a_head_request_has_no_body(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for path in ("/v1/head", "/v1/events", "/v1/events?export=1"):
            reply = await server.ask("HEAD", path)
            assert (reply.status, reply.body) == (200, b"")


async def test_times_in_a_search_are_meant_in_the_zone_that_is_named(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(event(time="2026-01-01T00:30:00Z"))
        text = "kind = test.thing and time < 2026-01-01T01:00"
        assert (await server.get("/v1/count", search=text)).json == {"count": 1}
        assert (await server.get("/v1/count", search=text, zone="Europe/Vienna")).json == {"count": 0}


async def test_the_lines_of_an_answer_are_the_stored_lines(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(1)
        line = (await server.get(f"/v1/events/{head}")).body
        assert (await server.get("/v1/events", max=1)).body == b"[" + line + b"]"
        assert msgspec.json.decode(line)["sequence"] == str(head)
