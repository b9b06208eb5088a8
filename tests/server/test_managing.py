"""Tokens, users and trimming over HTTP, and the events that tell of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.server.serving import Serving, serving

PASSWORD = "correct horse battery"


async def newest(server: Serving) -> dict[str, Any]:
    (found,) = (await server.get("/v1/events", max=1)).json
    assert isinstance(found, dict)
    return found


async def test_a_new_token_opens_what_its_role_may(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        made = await server.send(
            "POST", "/v1/tokens", {"name": "ci", "role": "writer", "scopes": ["a"], "expires_s": 60}
        )
        assert made.status == 201
        assert (made.json["name"], made.json["role"], made.json["scopes"]) == ("ci", "writer", ["a"])
        assert (await server.get("/v1/head", token=made.json["token"])).status == 200
        told = await newest(server)
        assert (told["type"], told["actor"], told["data"]) == (
            "tidings.token-created",
            "admin",
            {"name": "ci", "role": "writer", "scope": ["a"]},
        )


async def test_a_list_of_tokens_shows_no_secret(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.send("POST", "/v1/tokens", {"name": "ci", "role": "reader"})
        reply = await server.get("/v1/tokens")
        assert [row["name"] for row in reply.json] == ["admin", "ci"]
        assert b"tdg_" not in reply.body


async def test_a_revoked_token_is_refused_from_then_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        secret = server.make_token("ci", "reader")
        assert (await server.ask("DELETE", "/v1/tokens/ci")).status == 204
        assert (await server.get("/v1/head", token=secret)).status == 401
        assert (await newest(server))["type"] == "tidings.token-revoked"
        assert (await server.ask("DELETE", "/v1/tokens/ci")).slug == "not-found"


async def test_a_user_gets_in_with_name_and_password(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        wish = {"name": "alice", "password": PASSWORD, "role": "reader"}
        made = await server.send("POST", "/v1/users", wish)
        assert (made.status, made.json) == (201, {"name": "alice", "role": "reader"})
        basic = {"Authorization": aiohttp.encode_basic_auth("alice", PASSWORD)}
        assert (await server.ask("GET", "/v1/head", token="", headers=basic)).status == 200
        assert (await newest(server))["data"] == {"name": "alice", "role": "reader"}
        assert (await server.get("/v1/users")).json == [{"name": "alice", "role": "reader"}]


async def test_an_old_password_stops_working_when_there_is_a_new_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.send("POST", "/v1/users", {"name": "alice", "password": PASSWORD, "role": "reader"})
        changed = await server.send("PUT", "/v1/users/alice/password", {"password": "another password"})
        assert changed.status == 204
        basic = {"Authorization": aiohttp.encode_basic_auth("alice", PASSWORD)}
        assert (await server.ask("GET", "/v1/head", token="", headers=basic)).status == 401


async def test_a_removed_user_is_refused_from_then_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.send("POST", "/v1/users", {"name": "alice", "password": PASSWORD, "role": "reader"})
        assert (await server.ask("DELETE", "/v1/users/alice")).status == 204
        assert (await newest(server))["type"] == "tidings.user-removed"
        assert (await server.ask("DELETE", "/v1/users/alice")).status == 404
        assert (await server.get("/v1/users")).json == []


async def test_no_event_of_ours_holds_a_secret(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.send("POST", "/v1/users", {"name": "alice", "password": PASSWORD, "role": "reader"})
        await server.send("PUT", "/v1/users/alice/password", {"password": f"new {PASSWORD}"})
        await server.send("POST", "/v1/tokens", {"name": "ci", "role": "reader"})
        everything = (await server.get("/v1/events", export=1)).body
        assert PASSWORD.encode() not in everything
        assert b"tdg_" not in everything


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("/v1/tokens", {"name": "ci"}),
        ("/v1/tokens", {"name": "ci", "role": "god"}),
        ("/v1/tokens", {"name": "ci", "role": "reader", "colour": "red"}),
        ("/v1/tokens", {"name": "no spaces", "role": "reader"}),
        ("/v1/tokens", {"name": "admin", "role": "reader"}),
        ("/v1/tokens", {"name": "ci", "role": "admin", "scopes": ["a"]}),
        ("/v1/tokens", {"name": "ci", "role": "reader", "expires_s": -1}),
        ("/v1/tokens", [1]),
        ("/v1/users", {"name": "alice", "password": "short", "role": "reader"}),
        ("/v1/users", {"name": "alice", "password": 7, "role": "reader"}),
        ("/v1/trim", {"before": -1}),
        ("/v1/trim", {"before": "all"}),
        ("/v1/trim", {}),
    ],
)
async def test_a_wish_that_can_not_be_granted_is_a_bad_request(tmp_path: Path, path: str, wish: object) -> None:
    async with serving(tmp_path) as server:
        reply = await server.send("POST", path, wish)
        assert (reply.status, reply.slug) == (400, "bad-request")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 10_000, b'{"name":"\xff"}'])
async def test_a_body_that_is_no_json_is_a_bad_request(tmp_path: Path, body: bytes) -> None:
    async with serving(tmp_path) as server:
        reply = await server.ask("POST", "/v1/tokens", data=body)
        assert (reply.status, reply.slug, reply.json["parameter"]) == (400, "bad-request", "body")


async def test_trimming_deletes_whole_segments_and_says_so_first(tmp_path: Path) -> None:
    async with serving(tmp_path, segment_events="100", merge_events="100") as server:
        await server.fill(100)
        await server.fill(150)
        while len((await server.context.look_at_log()).segments) < 2:
            await server.fill(1)
        reply = await server.send("POST", "/v1/trim", {"before": 150})
        assert (reply.status, reply.json) == (200, {"oldest": 101})
        (told,) = (await server.get("/v1/events", search="kind = tidings.trimmed")).json
        assert told["actor"] == "admin"
        assert told["data"] == {"before": 101, "count": 100, "reason": "request"}
        expired = await server.get("/v1/stream", after=5)
        assert (expired.status, expired.json["oldest"]) == (410, 101)
        assert (await server.get("/v1/events/5")).status == 404


async def test_trimming_what_is_no_whole_segment_deletes_nothing_and_is_no_event(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(5)
        assert (await server.send("POST", "/v1/trim", {"before": head})).json == {"oldest": 1}
        assert (await server.get("/v1/count", search="kind = tidings.trimmed")).json == {"count": 0}
