"""``/openapi.json`` and the route table, health and metrics."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from tests.server.serving import event, serving
from tidings.server.app import build_app
from tidings.server.problems import PROBLEMS
from tidings.server.routes import ROUTES
from tidings.telemetry import METRICS


async def test_every_route_of_the_application_is_described_and_the_other_way_round(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        app = build_app(server.context)
        registered = {
            (route.method, route.resource.canonical)
            for route in app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
        document = (await server.get("/openapi.json")).json
        described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
        assert registered == described == {(route.method, route.path) for route in ROUTES}


async def test_every_reference_of_the_description_leads_somewhere(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        body = (await server.get("/openapi.json")).body.decode()
        schemas = msgspec.json.decode(body)["components"]["schemas"]
        found = set(re.findall(r'"#/components/schemas/(\w+)"', body))
        assert found
        assert found <= schemas.keys()


async def test_every_operation_has_words_an_own_name_and_its_answers(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        document = (await server.get("/openapi.json")).json
        operations = [one for methods in document["paths"].values() for one in methods.values()]
        names = [one["operationId"] for one in operations]
        assert len(names) == len(set(names))
        for one in operations:
            assert one["summary"].endswith(".")
            assert all(answer["description"] for answer in one["responses"].values())
            assert all(parameter.get("description", "x") for parameter in one["parameters"])


def test_every_problem_has_a_slug_and_a_title() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", problem.slug) and problem.title for problem in PROBLEMS.values())


async def test_health_needs_no_credentials(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert (await server.get("/healthz", token="")).json == {"status": "ok"}
        assert (await server.get("/readyz", token="")).json == {"status": "ready"}


async def test_every_metric_of_the_table_is_shown_and_no_other_of_ours(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        server.context.metrics.fault("test")
        await server.get("/v1/head")
        body = (await server.get("/metrics")).body.decode()
        shown = set(re.findall(r"^# TYPE (tidings_\w+) (\w+)$", body, re.MULTILINE))
        assert shown == {(metric.name, metric.type) for metric in METRICS}
        assert "process_resident_memory_bytes" in body


async def test_metrics_count_what_was_stored_and_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(event(id="a"), event(id="b"))
        await server.publish(event(id="a"))
        await server.get("/v1/nothing")
        lines = (await server.get("/metrics")).body.decode().splitlines()
        assert "tidings_events_stored_total 2.0" in lines
        assert "tidings_events_duplicates_total 1.0" in lines
        assert "tidings_publish_seconds_count 2.0" in lines
        assert 'tidings_requests_total{route="/v1/events",status="200"} 2.0' in lines
        assert 'tidings_requests_total{route="unmatched",status="404"} 1.0' in lines
        assert "tidings_requests_in_flight 1.0" in lines
        assert "tidings_log_head 2.0" in lines


async def test_metrics_are_for_readers_unless_they_are_public(tmp_path: Path) -> None:
    async with serving(tmp_path / "a") as server:
        assert (await server.get("/metrics", token="")).status == 401
    async with serving(tmp_path / "b", metrics_public="true") as server:
        assert (await server.get("/metrics", token="")).status == 200
