"""``POST /v1/events``."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import msgspec
import pytest

from tests.server.serving import JSON, NDJSON, event, serving


async def test_an_answer_says_what_was_stored_and_where_the_log_ends(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = (await server.get("/v1/head")).json["head"]
        reply = await server.publish(event(id="a"), event(id="b"))
        assert reply.status == 200
        assert reply.json == {"stored": 2, "duplicates": 0, "head": head + 2}


async def test_an_event_published_again_is_a_duplicate(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(event(id="a"))
        reply = await server.publish(event(id="a"), event(id="b"))
        assert (reply.json["stored"], reply.json["duplicates"]) == (1, 1)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON, b'{"specversion":"1.0","id":"1","type":"t","source":"s"}'),
        (NDJSON, b'{"specversion":"1.0","id":"1","type":"t","source":"s"}\n'),
        ({"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t", "ce-source": "s"}, b""),
    ],
    ids=["structured", "lines", "binary"],
)
async def test_an_event_without_data_is_stored_and_read_back(
    tmp_path: Path, headers: dict[str, str], body: bytes
) -> None:
    async with serving(tmp_path) as server:
        assert (await server.ask("POST", "/v1/events", headers=headers, data=body)).json["stored"] == 1
        assert (await server.ask("POST", "/v1/events", headers=headers, data=body)).json["duplicates"] == 1
        (found,) = (await server.get("/v1/events", max=1)).json
        assert (found["type"], "data" in found) == ("t", False)


async def test_a_body_with_a_bad_line_is_refused_as_a_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = (await server.get("/v1/head")).json["head"]
        body = msgspec.json.encode(event()) + b'\n{"specversion": 7\n' + msgspec.json.encode(event())
        reply = await server.ask("POST", "/v1/events", headers=NDJSON, data=body)
        assert (reply.status, reply.slug) == (400, "invalid-event")
        assert reply.json["line"] == 2
        assert (await server.get("/v1/head")).json["head"] == head


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 10_000,
        b'{"a":' * 10_000,
        b"\xff\xfe",
        b"\x00",
        b"7",
        b'"text"',
        b'{"specversion":"1.0","type":"t","source":"s","time":"0000-01-01T00:00:00Z"}',
        b'{"specversion":"1.0","type":"t","source":"s","time":"9999-12-31T23:59:59.999999999999Z"}',
        b'{"specversion":"1.0","type":7,"source":"s"}',
        b'{"specversion":"1.0","type":"t","source":"s","data_base64":"*"}',
    ],
)
async def test_what_is_no_event_is_answered_with_its_place_and_reason(tmp_path: Path, body: bytes) -> None:
    async with serving(tmp_path) as server:
        reply = await server.ask("POST", "/v1/events", headers=JSON, data=body)
        assert (reply.status, reply.slug) == (400, "invalid-event")
        assert {"line", "column"} <= reply.json.keys()


async def test_a_body_over_the_limit_names_limit_and_setting(tmp_path: Path) -> None:
    async with serving(tmp_path, max_body_size="4KiB", max_event_size="2KiB") as server:
        reply = await server.ask("POST", "/v1/events", headers=NDJSON, data=b"x" * 5000)
        assert (reply.status, reply.slug) == (413, "too-large")
        assert (reply.json["limit"], reply.json["setting"]) == (4096, "max_body_size")


async def test_a_body_of_unknown_length_over_the_limit_is_refused_while_it_comes(tmp_path: Path) -> None:
    async def body() -> object:
        for _ in range(10):
            yield b"x" * 1000

    async with serving(tmp_path, max_body_size="4KiB", max_event_size="2KiB") as server:
        reply = await server.ask("POST", "/v1/events", headers=NDJSON, data=body())
        assert (reply.status, reply.slug, reply.json["setting"]) == (413, "too-large", "max_body_size")


async def test_an_event_over_the_limit_names_limit_and_setting(tmp_path: Path) -> None:
    async with serving(tmp_path, max_event_size="2KiB") as server:
        reply = await server.publish(event(message="x" * 3000))
        assert (reply.status, reply.slug) == (413, "too-large")
        assert (reply.json["limit"], reply.json["setting"]) == (2048, "max_event_size")


async def test_a_media_type_that_is_not_read_is_named(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.ask("POST", "/v1/events", headers={"Content-Type": "image/png"}, data=b"\x89PNG")
        assert reply.status in {400, 415}
        reply = await server.ask("POST", "/v1/events", headers={"Content-Type": "image/png"}, data=b"text")
        assert (reply.status, reply.slug) == (415, "unsupported-media-type")


async def test_a_format_that_is_not_known_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.ask("POST", "/v1/events?format=morse", headers=NDJSON, data=b"{}")
        assert (reply.status, reply.slug, reply.json["parameter"]) == (400, "bad-request", "format")


async def test_the_default_source_is_for_events_without_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.ask("POST", "/v1/events?source=lxd/prod-1", headers=JSON, data=b'{"message":"hello"}')
        found = await server.get("/v1/events", search="source = lxd/prod-1")
        assert [one["message"] for one in found.json] == ["hello"]


async def test_a_compressed_body_is_read(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        body = gzip.compress(msgspec.json.encode(event()))
        reply = await server.ask("POST", "/v1/events", headers={**JSON, "Content-Encoding": "gzip"}, data=body)
        assert reply.json["stored"] == 1


async def test_a_body_that_is_not_compressed_as_it_says_is_a_bad_request(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.ask("POST", "/v1/events", headers={**JSON, "Content-Encoding": "gzip"}, data=b"plain")
        assert (reply.status, reply.slug) == (400, "bad-request")


async def test_a_large_batch_is_stored_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.publish(*(event(message="x" * 500) for _ in range(3000)))
        assert reply.json["stored"] == 3000


async def test_many_publishers_at_once_get_different_indexes(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        before = (await server.get("/v1/head")).json["head"]
        replies = await asyncio.gather(*(server.publish(event()) for _ in range(50)))
        assert {reply.json["head"] for reply in replies} <= set(range(before + 1, before + 51))
        assert (await server.get("/v1/head")).json["head"] == before + 50


async def test_a_scoped_writer_publishes_only_into_its_scopes(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        token = server.make_token("finance", "writer", ["finance"])
        assert (await server.publish(event(scope="finance"), token=token)).status == 200
        refused = await server.publish(event(scope="sales"), token=token)
        assert (refused.status, refused.slug) == (403, "forbidden")
        assert (await server.publish(event(), token=token)).status == 403
