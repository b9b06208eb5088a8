"""Who may do what, and what everybody is told who may not."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import aiohttp
import pytest

from tests.server.serving import JSON, Reply, Serving, event, serving
from tests.server.test_streaming import until
from tidings.auth import Role
from tidings.client import Client
from tidings.server.context import Route
from tidings.server.routes import ROUTES

SENT = {
    "/v1/events": b'{"type":"t","data":{}}',
    "/v1/tokens": b'{"name":"new","role":"reader"}',
    "/v1/users": b'{"name":"new","password":"long enough","role":"reader"}',
    "/v1/users/{name}/password": b'{"password":"long enough"}',
    "/v1/trim": b'{"before":0}',
}


async def call(server: Serving, route: Route, token: str) -> Reply:
    path = route.path.format(index="1", name="nobody", id="none", fingerprint="0" * 64)
    if route.path == "/v1/wait":
        path += "?timeout=0"
    if route.path == "/v1/stream":
        path += "?search=("  # refused after the door, so that it ends
    body = SENT.get(route.path) if route.method in {"POST", "PUT"} else None
    return await server.ask(route.method, path, token=token, headers=JSON if body else None, data=body)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_each_route_lets_in_its_role_and_better_and_nobody_else(tmp_path: Path, route: Route) -> None:
    async with serving(tmp_path) as server:
        for role in Role:
            reply = await call(
                server, route, server.make_token(role.value, role.value) if role != "admin" else server.token
            )
            if route.role is None or role.allows(route.role):
                assert reply.status not in {401, 403}, role
            else:
                assert (reply.status, reply.slug) == (403, "forbidden"), role
        nobody = await call(server, route, "")
        if route.role is None:
            assert nobody.status == 200
        else:
            assert (nobody.status, nobody.slug) == (401, "unauthenticated")
            assert nobody.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer tdg_" + "x" * 43,
        "Bearer \xe9",
        "Basic !",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic " + base64.b64encode(b"nobody:nothing").decode(),
        "Negotiate abc",
        "",
    ],
)
async def test_useless_credentials_are_refused_without_being_quoted(tmp_path: Path, authorization: str) -> None:
    async with serving(tmp_path) as server:
        reply = await server.ask("GET", "/v1/head", token="", headers={"Authorization": authorization})
        assert (reply.status, reply.slug) == (401, "unauthenticated")
        word = authorization.partition(" ")[2]
        assert len(word) < 2 or word.encode() not in reply.body


async def test_a_path_that_is_not_there_is_told_only_to_those_who_are_known(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert (await server.get("/v1/nothing", token="")).status == 401
        reply = await server.get("/v1/nothing")
        assert (reply.status, reply.slug) == (404, "not-found")


async def test_a_wrong_method_names_the_right_ones(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.ask("DELETE", "/v1/events")
        assert (reply.status, reply.slug) == (405, "method-not-allowed")
        assert reply.headers["Allow"] == "GET, HEAD, POST"
        assert (await server.ask("OPTIONS", "/v1/events")).status == 405


async def test_no_other_site_is_let_in_by_a_header(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get("/v1/head", headers={"Origin": "https://example.com"})
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]


async def test_the_servers_own_user_is_admin_on_the_unix_socket(tmp_path: Path) -> None:
    async with serving(tmp_path), Client.local(tmp_path) as client:
        made = await client.create_token("ci", "reader")
        assert made.token.startswith("tdg_")


async def test_a_token_shown_on_the_unix_socket_decides_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        connector = aiohttp.UnixConnector(str(tmp_path / "unix.socket"))
        async with aiohttp.ClientSession(connector=connector) as session:
            headers = {"Authorization": f"Bearer {server.make_token('ci', 'reader')}"}
            async with session.get("http://x/v1/tokens", headers=headers) as answer:
                assert answer.status == 403


async def test_requests_beyond_the_limit_are_told_which_it_is(tmp_path: Path) -> None:
    async with serving(tmp_path, max_requests="1") as server:
        release = asyncio.Event()

        async def body() -> object:
            yield b'{"type":"t",'
            await release.wait()
            yield b'"data":{}}'

        slow = asyncio.create_task(server.ask("POST", "/v1/events", headers=JSON, data=body()))
        await until(lambda: server.context.in_flight == 1)
        refused = await server.get("/v1/head")
        assert (refused.status, refused.slug) == (503, "busy")
        assert "max_requests" in refused.json["detail"]
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await server.get("/healthz")).status == (await server.get("/readyz")).status == 200
        release.set()
        assert (await slow).json["stored"] == 1
        assert (await server.get("/v1/head")).status == 200


async def test_a_fault_of_our_own_is_an_id_in_the_answer_and_in_the_log_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object) -> None:
        secret = "xyzzy"
        raise RuntimeError(secret)

    async with serving(tmp_path) as server:
        monkeypatch.setattr(server.context.core, "publish", broken)
        reply = await server.publish(event())
        monkeypatch.undo()
        assert (reply.status, reply.slug) == (500, "internal")
        assert b"xyzzy" not in reply.body
        assert reply.json["id"] in capsys.readouterr().out
        assert server.context.metrics.internal_errors["request",] == 1


async def test_what_is_no_http_is_answered_with_400(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        address = server.server.address
        assert address is not None
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.0 400")
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_goes_away_in_the_middle_of_its_body_hurts_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        address = server.server.address
        assert address is not None
        _, writer = await asyncio.open_connection(address.host, address.port)
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\nContent-Length: 99\r\n\r\n"
        )
        writer.write(head.encode() + b'{"type"')
        await writer.drain()
        await until(lambda: server.context.in_flight == 1)
        writer.close()
        await writer.wait_closed()
        await until(lambda: server.context.in_flight == 0)
        assert (await server.get("/v1/head")).status == 200
        assert server.context.metrics.internal_errors.total() == 0
