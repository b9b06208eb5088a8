"""The API over HTTP: the document's own data and numbers, sessions, paging, polling, errors."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Reply, Serving, serving
from tests.server.test_streaming import until
from tidings.clock import ManualClock

SEED = json.loads((Path(__file__).parents[2] / "golden" / "container_station" / "seed.json").read_text())
API = "/api/v1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(tmp_path) as running:
        yield running


async def load(server: Serving, body: str) -> None:
    reply = await server.ask(
        "POST",
        "/v1/events?format=container-station",
        headers={"Content-Type": "text/plain"},
        data=io.BytesIO(body.encode()),
    )
    assert reply.status == 200, reply.body


def seed_csv() -> str:
    return "".join(f"{line}\r\n" for line in [SEED["csv_header"], *SEED["csv_lines"]])


def error_of(reply: Reply) -> dict[str, Any]:
    assert reply.body[4:11] == b'"error"'
    found: dict[str, Any] = reply.json["error"]
    return found


async def ann(server: Serving, role: str = "reader") -> None:
    await server.send("POST", "/v1/users", {"name": "ann", "password": "long enough", "role": role})


async def log_in(server: Serving, body: str = "username=ann&password=long+enough") -> Reply:
    return await server.ask("POST", f"{API}/login", token="", headers=FORM, data=body)


async def test_the_documents_rows_come_out_as_it_shows_them(server: Serving) -> None:
    await load(server, seed_csv())

    assert (await server.get(f"{API}/log", limit=5)).json == SEED["log_records"]
    export = await server.get(f"{API}/log/export")
    assert export.body.decode() == seed_csv()
    assert export.headers["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("parameters", "ids"),
    [
        ({"level": "ERROR"}, [5]),
        ({"text": "METADATA"}, [5]),
        ({"category": "image,export", "limit": 3}, [48, 46, 45]),
        ({"time_start": 1426613400, "time_end": 1426613408}, [51, 50, 49]),
        ({"start": 1426613400, "end": 1426613408}, [51, 50, 49]),
        ({"offset": 50}, [2, 1]),
        ({"level": "info", "user": "system", "limit": 2}, [8, 7]),
        ({"category": "nothing"}, []),
    ],
)
async def test_the_log_is_narrowed_by_its_parameters(
    server: Serving, parameters: dict[str, Any], ids: list[int]
) -> None:
    await load(server, seed_csv())
    assert [row["id"] for row in (await server.get(f"{API}/log", **parameters)).json] == ids


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"offset": "x"}, "offset"),
        ({"time_start": "now"}, "time_start"),
        ({"time_start": "1", "start": "2"}, "time_start and start"),
    ],
)
async def test_a_parameter_that_makes_no_sense_is_named(
    server: Serving, parameters: dict[str, Any], named: str
) -> None:
    reply = await server.get(f"{API}/log", **parameters)
    assert reply.status == 400
    assert error_of(reply)["message"].startswith(f"Invalid parameter: {named} ")


async def test_an_export_is_read_back_unchanged_whatever_the_messages_hold(server: Serving) -> None:
    messages = ['say "hi"', "a, b", "two\nlines", "two\r\nlines", "日本語", "🎉", "=1+1", ""]
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(["Date", "Level", "Category", "User", "Message"])
    for number, message in enumerate(messages):
        writer.writerow([f"2015-03-17 17:27:0{number}.000000", "INFO", "system", "admin", message])
    await load(server, rows.getvalue())

    export = (await server.get(f"{API}/log/export")).body.decode()
    assert [row[4] for row in csv.reader(io.StringIO(export, newline=""))][1:] == messages
    safe = (await server.get(f"{API}/log/export", safe=1)).body.decode()
    assert [row[4] for row in csv.reader(io.StringIO(safe, newline=""))][7] == "'=1+1"
    elsewhere = (await server.get(f"{API}/log/export", zone="Asia/Taipei")).body.decode()
    assert elsewhere.splitlines()[1].startswith("2015-03-18 01:27:00.000000,")


async def test_the_documents_events_are_at_the_documents_place(server: Serving) -> None:
    latest = SEED["event_messages"]
    older = [f'container:all:{{"container": "c{number}", "state": "start", "type": "lxc"}}' for number in range(56)]
    await load(server, "\n".join([*older, *reversed(latest)]))

    assert (await server.get(f"{API}/event")).json == {"index": 56, "messages": latest, "offset": 76}
    assert (await server.get(f"{API}/event", index=76)).json == {"index": 76, "messages": [], "offset": 76}
    await load(server, 'container:all:{"container": "c", "state": "stop", "type": "lxc"}')
    one = (await server.get(f"{API}/event", index=76)).json
    assert (len(one["messages"]), one["offset"]) == (1, 77)
    assert (await server.get(f"{API}/event", index=0, offset=1)).json["messages"] == older[:1]
    assert (await server.get(f"{API}/event", index=999)).json == {"index": 77, "messages": [], "offset": 77}


async def test_a_poller_misses_nothing_and_gets_nothing_twice_on_a_mixed_log(server: Serving) -> None:
    await server.fill(1_500)
    await load(server, seed_csv())
    seen: list[str] = []
    offset = 0
    while True:
        answer = (await server.get(f"{API}/event", index=offset)).json
        if not answer["messages"]:
            break
        seen += answer["messages"][::-1]
        offset = answer["offset"]
    assert (len(seen), offset) == (1_552, 1_552)


async def test_a_poll_that_waits_is_answered_when_something_happens(server: Serving) -> None:
    await server.fill(1)
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(server.get(f"{API}/event", index=1, wait=15))
        await until(lambda: len(server.context.subscriptions) == 1)
        await server.fill(1)
    assert poll.result().json["offset"] == 2


async def test_a_session_lasts_from_login_to_logout_at_every_prefix(server: Serving) -> None:
    await ann(server)
    reply = await log_in(server)
    assert reply.json["username"] == "ann"
    assert reply.json["isAdmin"] is False
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("CS_SESS_ID=")
    shown = {"Cookie": cookie.partition(";")[0]}
    for prefix in ("/api/v1", "/containerstation/api/v1", "/container-station/api/v1"):
        assert (await server.get(f"{prefix}/login_refresh", token="", headers=shown)).status == 200
        rows = (await server.get(f"{prefix}/log/", token="", headers=shown)).json
        assert rows == (await server.get(f"{API}/log")).json
    assert (await server.ask("PUT", f"{API}/logout", token="", headers=shown)).json == {"username": "ann"}
    gone = await server.get(f"{API}/log", token="", headers=shown)
    assert (gone.status, error_of(gone)["code"]) == (401, 401)


@pytest.mark.parametrize(
    "body",
    [
        '{"username": "ann", "password": "long enough"}',
        '{"user": "ann", "password": "long enough"}',
        "username=ann&password=long%20enough",
    ],
)
async def test_the_login_is_read_as_what_it_looks_like(server: Serving, body: str) -> None:
    await ann(server)
    assert (await log_in(server, body)).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [("username=ann&password=wrong", 401), ("", 400), ("{", 400), ('{"sid": "x"}', 400), ("username=ann", 400)],
)
async def test_a_login_that_fails_says_why(server: Serving, body: str, status: int) -> None:
    await ann(server)
    reply = await log_in(server, body)
    assert (reply.status, error_of(reply)["code"]) == (status, status)


async def test_a_session_outlives_a_restart_and_ends_when_nobody_uses_it(tmp_path: Path) -> None:
    clock = ManualClock()
    async with serving(tmp_path, clock) as server:
        await ann(server)
        cookie = (await log_in(server)).headers["Set-Cookie"].partition(";")[0]
    async with serving(tmp_path, clock) as server:
        headers = {"Cookie": cookie}
        assert (await server.get(f"{API}/login_refresh", token="", headers=headers)).status == 200
        clock.advance(31 * 60)
        assert (await server.get(f"{API}/login_refresh", token="", headers=headers)).status == 401


async def test_another_sites_page_may_not_use_the_session(server: Serving) -> None:
    await ann(server)
    cookie = (await log_in(server)).headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "Origin": "https://elsewhere.example"}
    assert (await server.ask("PUT", f"{API}/logout", token="", headers=headers)).status == 403
    assert (await server.ask("PUT", f"{API}/logout", token="", headers={**headers, "Origin": server.url})).status == 200


async def test_the_log_is_not_cleared_unless_the_settings_allow_it(server: Serving) -> None:
    reply = await server.ask("DELETE", f"{API}/log")
    assert (reply.status, error_of(reply)["code"]) == (403, 403)


async def test_a_cleared_log_shows_what_comes_and_forgets_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, container_station_allow_clear="true") as server:
        await load(server, seed_csv())
        assert (await server.ask("DELETE", f"{API}/log", token=server.make_token("w", "writer"))).status == 403
        assert (await server.ask("DELETE", f"{API}/log")).json == {"records": 52}
        await server.fill(1)
    async with serving(tmp_path, container_station_allow_clear="true") as server:
        assert [row["id"] for row in (await server.get(f"{API}/log")).json] == [54, 53]
        assert (await server.get("/v1/count")).json["count"] == 54


async def test_clients_that_know_only_200_get_it(tmp_path: Path) -> None:
    async with serving(tmp_path, container_station_always_200="true") as server:
        reply = await server.get(f"{API}/log", token="")
        assert (reply.status, error_of(reply)) == (200, {"code": 401, "message": "Unauthorized"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/container/lxc/c/stop", 501),
        ("GET", "/nothing", 404),
        ("POST", "/log", 405),
        ("POST", "/container", 501),
    ],
)
async def test_what_is_not_there_is_an_error_in_the_same_shape(
    server: Serving, method: str, path: str, status: int
) -> None:
    reply = await server.ask(method, f"{API}{path}")
    assert (reply.status, error_of(reply)["code"]) == (status, status)


async def test_who_is_limited_to_a_scope_sees_no_other(server: Serving) -> None:
    await server.fill(1, scope="red")
    await server.fill(1, scope="blue")
    token = server.make_token("r", "reader", ["red"])
    assert [row["id"] for row in (await server.get(f"{API}/log", token=token)).json] == [1]
    assert len((await server.get(f"{API}/event", token=token, index=0)).json["messages"]) == 1
