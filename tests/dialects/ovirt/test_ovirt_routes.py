"""The events service over HTTP, where the real clients' tests don't go: edges, rights, limits."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Reply, Serving, serving
from tidings.clock import ManualClock

API = "/ovirt-engine/api"
DAY_S = 86_400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Serving]:
    async with serving(tmp_path, clock, ovirt_retain_age="30d") as running:
        yield running


async def add(server: Serving, custom_id: int, token: str | None = None, **members: Any) -> Reply:
    usual = {"description": f"number {custom_id}", "severity": "normal", "origin": "test", "custom_id": custom_id}
    return await server.send("POST", f"{API}/events", usual | members, token)


async def listed(server: Serving, **parameters: Any) -> list[str]:
    reply = await server.get(f"{API}/events", headers={"Accept": "application/json"}, **parameters)
    assert reply.status == 200, reply.body
    return [event["id"] for event in reply.json.get("event", [])]


def fault(reply: Reply) -> str:
    assert reply.headers["Content-Type"].startswith("application/xml")
    found = re.search(r"<detail>(.*)</detail>", reply.body.decode())
    assert found
    return found[1]


async def test_the_newest_come_first_and_from_and_max_cut_that_order(server: Serving, clock: ManualClock) -> None:
    for number in range(1, 6):
        assert (await add(server, number)).status == 201
        clock.advance(1)

    assert await listed(server) == ["5", "4", "3", "2", "1"]
    assert await listed(server, from_=2, max=2) == ["5", "4"]
    assert await listed(server, from_=2, search="sortby time asc") == ["3", "4", "5"]
    assert await listed(server, search="page 2", max=2) == ["3", "2"]
    assert await listed(server, max=0) == []


@pytest.mark.parametrize("value", ["", "0", "-5", "x", "1.5", "9" * 30])
async def test_a_from_that_makes_no_sense_counts_as_not_given(server: Serving, value: str) -> None:
    await add(server, 1)
    assert await listed(server, from_=value) == ["1"]


async def test_a_list_longer_than_a_step_is_whole_in_both_forms(server: Serving) -> None:
    await server.fill(2_500)

    assert len(await listed(server)) == 2_500
    reply = await server.get(f"{API}/events")
    assert reply.body.count(b"<event ") == 2_500
    assert reply.body.endswith(b"</events>\n")
    assert len(await listed(server, search="page 2", max=2_000)) == 500


async def test_a_matrix_parameter_counts_where_the_query_names_none(server: Serving) -> None:
    for number in range(1, 4):
        await add(server, number)

    reply = await server.get(f"{API}//events;from=1;max=1", accept="application/json")
    assert [event["id"] for event in reply.json["event"]] == ["3"]
    reply = await server.get(f"{API}/v4/events;max=1", accept="application/json", max="2")
    assert len(reply.json["event"]) == 2


@pytest.mark.parametrize("path", ["/v5/events", "/v0"])
async def test_another_version_is_refused_without_a_fault(server: Serving, path: str) -> None:
    reply = await server.get(f"{API}{path}")
    assert (reply.status, reply.body) == (400, b"")


async def test_a_search_that_can_not_be_read_finds_nothing_and_says_why(server: Serving) -> None:
    await add(server, 1)

    reply = await server.get(f"{API}/events", search='severity="b"\u00e9"')
    assert reply.status == 200
    assert b"<events/>" in reply.body
    assert re.fullmatch(r'299 tidings "search, [^"]+column \d+[^"]*"', reply.headers["Warning"])
    assert "Warning" not in (await server.get(f"{API}/events", search="severity=error")).headers


async def test_a_strict_server_refuses_a_search_that_can_not_be_read(tmp_path: Path) -> None:
    async with serving(tmp_path, ovirt_strict_search="true") as server:
        reply = await server.get(f"{API}/events", search="severity=bogus")
        assert reply.status == 400
        assert "severities are" in fault(reply)


@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_rows_can_be_sorted_by_what_the_log_has_no_column_for(server: Serving, direction: str) -> None:
    for number, origin in enumerate(("b", "a", "c", "a"), 1):
        await add(server, number, origin=origin)

    ascending = ["4", "2", "1", "3"]
    found = await listed(server, search=f"sortby origin {direction}")
    assert found == (ascending if direction == "asc" else ["3", "1", "4", "2"])


async def test_an_event_over_the_limit_is_refused_before_it_is_read_whole(server: Serving) -> None:
    size = server.context.config.max_event_size + 1
    xml = io.BytesIO(b"<event><description>" + b"x" * size)
    reply = await server.ask("POST", f"{API}/events", headers={"Content-Type": "application/xml"}, data=xml)
    assert reply.status == 413
    assert "max_event_size" in fault(reply)


async def test_equal_events_are_held_back_only_for_whom_asks_for_it(server: Serving, clock: ManualClock) -> None:
    for number in (1, 2):
        assert (await add(server, number, description="full")).status == 201
    assert (await add(server, 3, description="full", flood_rate=10)).status == 201
    held = await add(server, 4, description="full", flood_rate=10)
    assert held.status == 400
    assert "flood_rate" in fault(held)
    assert server.context.metrics.held_back["ovirt",] == 1
    clock.advance(11)
    assert (await add(server, 5, description="full", flood_rate=10)).status == 201


async def test_a_second_event_of_the_same_origin_and_custom_id_is_refused_even_if_the_first_is_removed(
    server: Serving,
) -> None:
    await add(server, 7)
    await server.ask("DELETE", f"{API}/events/1")
    again = await add(server, 7)
    assert again.status == 400
    assert "duplicate custom id" in fault(again)


async def test_a_removed_event_is_out_of_lists_but_can_be_asked_for(server: Serving) -> None:
    await add(server, 1)
    for _ in range(2):
        assert (await server.ask("DELETE", f"{API}/events/1")).status == 200
    assert await listed(server, search="origin=test") == []
    assert (await server.get(f"{API}/events/1")).status == 200


async def test_undelete_brings_alerts_back_and_nothing_else(server: Serving) -> None:
    await add(server, 1, severity="alert")
    await add(server, 2, severity="error")
    for index in (1, 2):
        await server.ask("DELETE", f"{API}/events/{index}")

    assert (await server.ask("POST", f"{API}/events/undelete")).status == 200
    assert await listed(server, search="origin=test") == ["1"]


async def test_what_was_removed_stays_removed_after_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await add(server, 1)
        await server.ask("DELETE", f"{API}/events/1")
    async with serving(tmp_path) as server:
        assert await listed(server, search="origin=test") == []


async def test_who_is_limited_to_a_scope_sees_and_adds_only_there(server: Serving) -> None:
    await add(server, 1)
    token = server.make_token("red-writer", "writer", ["red"])
    assert (await add(server, 2, token)).status == 201

    reply = await server.get(f"{API}/events", token=token, accept="application/json")
    assert [event["id"] for event in reply.json["event"]] == ["2"]
    assert (await server.get(f"{API}/events/1", token=token)).status == 404
    assert (await server.ask("DELETE", f"{API}/events/1", token=token)).status == 404


async def test_readers_add_nothing_and_only_admins_deal_with_alerts(server: Serving) -> None:
    reader, writer = server.make_token("r", "reader"), server.make_token("w", "writer")
    assert (await add(server, 1, reader)).status == 403
    assert (await add(server, 1, writer, severity="alert")).status == 201
    assert (await server.ask("DELETE", f"{API}/events/1", token=writer)).status == 403
    assert (await server.ask("POST", f"{API}/events/undelete", token=writer)).status == 403
    assert (await server.ask("DELETE", f"{API}/events/1", token=reader)).status == 403


async def test_nobody_gets_an_empty_body_and_a_challenge(server: Serving) -> None:
    reply = await server.get(f"{API}/events", token="")
    assert (reply.status, reply.body) == (401, b"")
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="RESTAPI"'


async def test_the_daily_clean_up_hides_old_events_of_ovirt_and_no_others(server: Serving, clock: ManualClock) -> None:
    await add(server, 1)
    await server.fill(1, time="1970-01-02T00:00:00Z")
    clock.advance(32 * DAY_S)
    await add(server, 3)
    assert await listed(server) == ["3", "2"]


async def test_the_label_of_a_request_comes_back_in_safe_letters(server: Serving) -> None:
    reply = await server.get(f"{API}", headers={"Correlation-Id": "my label/1<x>_-" + "y" * 50})
    assert reply.headers["Correlation-Id"] == ("mylabel1x_-" + "y" * 50)[:36]
    assert re.fullmatch(r"[0-9a-f-]{36}", (await server.get(f"{API}/events/99")).headers["Correlation-Id"])


async def test_a_session_by_cookie_is_given_to_whom_asks_and_ends_with_the_password(server: Serving) -> None:
    await server.send("POST", "/v1/users", {"name": "ann", "password": "long enough", "role": "reader"})
    basic = "Basic " + base64.b64encode(b"ann@internal:long enough").decode()
    reply = await server.get(API, token="", headers={"Authorization": basic, "Prefer": "persistent-auth"})
    cookie = reply.headers["Set-Cookie"].partition(";")[0]
    assert {"HttpOnly", "SameSite=Strict"} <= set(reply.headers["Set-Cookie"].split("; "))
    server.session.cookie_jar.clear()
    assert (await server.get(f"{API}/events", token="", headers={"Cookie": cookie})).status == 200
    assert (await server.get("/v1/head", token="", headers={"Cookie": cookie})).status == 401
    await server.send("PUT", "/v1/users/ann/password", {"password": "another long one"})
    assert (await server.get(f"{API}/events", token="", headers={"Cookie": cookie})).status == 401


async def test_a_token_of_the_sign_on_ends_when_it_is_not_used(server: Serving, clock: ManualClock) -> None:
    await server.send("POST", "/v1/users", {"name": "ann", "password": "long enough", "role": "reader"})
    form = {"grant_type": "password", "scope": "ovirt-app-api", "username": "ann@internal", "password": "long enough"}
    token = (await server.ask("POST", "/ovirt-engine/sso/oauth/token", token="", data=form)).json["access_token"]
    assert (await server.get(f"{API}/events", token=token)).status == 200
    clock.advance(29 * 60)
    assert (await server.get(f"{API}/events", token=token)).status == 200
    clock.advance(31 * 60)
    assert (await server.get(f"{API}/events", token=token)).status == 401


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "invalid_scope"),
        ({"grant_type": "password", "scope": "ovirt-app-api"}, "invalid_request"),
        (
            {"grant_type": "password", "scope": "ovirt-app-api", "username": "ann", "password": "wrong"},
            "access_denied",
        ),
    ],
)
async def test_a_sign_on_that_fails_says_why(server: Serving, form: dict[str, str], code: str) -> None:
    reply = await server.ask("POST", "/ovirt-engine/sso/oauth/token", token="", data=form)
    assert reply.status == 400
    assert reply.json["error_code"] == code
    assert reply.json["error"]
