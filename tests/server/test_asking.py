"""Histogram, facets, kinds, fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.server.serving import event, serving
from tidings.kinds import catalogue
from tidings.query.fields import FIELDS


async def test_a_histogram_counts_by_span_and_severity(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(
            event(time="2026-01-01T00:10:00Z"),
            event(time="2026-01-01T00:50:00Z", severity="error"),
            event(time="2026-01-01T02:10:00Z"),
        )
        reply = await server.get("/v1/histogram", search="kind = test.thing", step="1h")
        assert reply.json == {
            "step_s": 3600,
            "buckets": [
                {"start": "2026-01-01T00:00:00Z", "debug": 0, "normal": 1, "warning": 0, "error": 1, "alert": 0},
                {"start": "2026-01-01T02:00:00Z", "debug": 0, "normal": 1, "warning": 0, "error": 0, "alert": 0},
            ],
        }


async def test_a_histogram_can_be_limited_in_time(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(*(event(time=f"2026-01-01T0{hour}:10:00Z") for hour in range(5)))
        asked: dict[str, Any] = {"from": "2026-01-01T01:00:00Z", "to": "2026-01-01T04:00:00+01:00"}
        buckets = (await server.get("/v1/histogram", **asked)).json["buckets"]
        assert [bucket["start"][11:13] for bucket in buckets] == ["01", "02"]


async def test_too_many_spans_are_refused_with_advice(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        asked: dict[str, Any] = {"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z", "step": "1s"}
        reply = await server.get("/v1/histogram", **asked)
        assert (reply.status, reply.json["parameter"]) == (400, "step")


async def test_facets_count_the_most_frequent_values(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.fill(3, actor="alice")
        await server.fill(2, actor="bob")
        await server.fill(1, actor="carol")
        reply = await server.get("/v1/facets", fields="actor,user", max=2, search="kind = test.thing")
        assert reply.json == {"actor": [{"value": "alice", "count": 3}, {"value": "bob", "count": 2}]}


async def test_kinds_are_the_documented_ones_with_how_often_each_was_seen(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.fill(2, type="lxd.lifecycle.instance-started")
        await server.send("POST", "/v1/tokens", {"name": "ann", "role": "reader"})
        rows = {row["kind"]: row for row in (await server.get("/v1/kinds")).json}
        assert catalogue().keys() <= rows.keys()
        assert rows["lxd.lifecycle.instance-started"]["seen"] == 2
        assert rows["tidings.token-created"]["seen"] == 1
        assert rows["lxd.lifecycle.instance-stopped"]["seen"] == 0


async def test_kinds_that_nobody_documented_are_listed_when_they_were_seen(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.fill(2)
        (row,) = (await server.get("/v1/kinds", search="TEST thing")).json
        assert (row["kind"], row["seen"], row["title"]) == ("test.thing", 2, "")


async def test_fields_are_those_of_the_one_table(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        rows = (await server.get("/v1/fields")).json
        assert [row["name"] for row in rows] == [field.name for field in FIELDS]
        assert rows[4] == {
            "name": "severity",
            "type": "severity",
            "operators": ["=", "!=", "<", "<=", ">", ">="],
            "aliases": ["level"],
            "help": FIELDS[4].help,
            "example": FIELDS[4].example,
        }
