"""What a body holds, and where the first event is that can't be accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.server.serving import serving
from tidings import rfc3339
from tidings.errors import InvalidEvent
from tidings.event import Draft
from tidings.server.ingest import read_events

NDJSON = "application/x-ndjson"
NOW_NS = rfc3339.parse("2026-11-20T22:18:27.5Z")
GOOD = b'{"message":"good"}'


def read(
    body: bytes, *, media_type: str = NDJSON, format: str = "auto", headers: Sequence[tuple[str, str]] = ()
) -> Sequence[Draft]:
    return read_events(
        body, media_type, headers, format=format, default_source="", max_event_size=1 << 20, now_ns=NOW_NS
    )


def refused(
    body: bytes, *, media_type: str = NDJSON, format: str = "auto", headers: Sequence[tuple[str, str]] = ()
) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        read(body, media_type=media_type, format=format, headers=headers)
    return caught.value


@pytest.mark.parametrize("format", ["auto", "cloudevents", "lxd"])
@pytest.mark.parametrize("line", [b'{"message":"a', b"{", b'{"message":tru'])
def test_a_truncated_line_is_wrong_just_behind_its_end(format: str, line: bytes) -> None:
    assert refused(line, format=format).column == len(line) + 1


def test_a_truncated_line_is_named_with_its_number() -> None:
    fault = refused(GOOD + b'\n{"message":\n' + GOOD)
    assert (fault.line, fault.column) == (2, 12)


def test_a_truncated_array_is_wrong_just_behind_its_end() -> None:
    fault = refused(b"[" + GOOD + b",\n " + GOOD, media_type="application/json")
    assert (fault.line, fault.column) == (2, len(GOOD) + 2)


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (b'{"source":"s","message":7}', b'"message"'),
        (b'{"source":"s","type":["t"]}', b'"type"'),
        (b'{"source":"s","severity":"loud"}', b'"severity"'),
        (b'{"source":"s", "level" : "loud"}', b'"level"'),
        (b'{"severity":"","level":"loud"}', b'"level"'),
        (b'{"source":"s","time":"yesterday"}', b'"time"'),
        (b'{"source":"s","actor":"a\\u0000b"}', b'"actor"'),
        (b'{"source":"s","user":"a\\u0000b"}', b'"user"'),
        (b'{"source":"s","subject":"' + b"x" * 4097 + b'"}', b'"subject"'),
        (b'{"source":"s","msg":"' + b"x" * 65_537 + b'"}', b'"msg"'),
        (b'{"specversion":"9","id":"1","source":"s","type":"t"}', b'"specversion"'),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"t","not_ok":1}', b'"not_ok"'),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"t","ext":{}}', b'"ext"'),
        (b'{"type":"lifecycle","timestamp":"yesterday","metadata":{}}', b'"timestamp"'),
        (b'{"timestamp":"2026-11-20T22:18:27Z","type":7,"metadata":{}}', b'"type"'),
    ],
)
def test_a_member_that_is_wrong_is_pointed_at_by_its_name(line: bytes, at: bytes) -> None:
    fault = refused(GOOD + b"\n" + line)
    assert (fault.line, fault.column) == (2, line.index(at) + 1)


@pytest.mark.parametrize(
    "before", [b'"data":{"time":1}', b'"subject":"time"', b'"subject":"\\"time\\":"', b'"time":"2026-11-20T22:18:27Z"']
)
def test_the_same_name_elsewhere_is_not_pointed_at(before: bytes) -> None:
    line = b"{" + before + b',"time":"yesterday"}'
    assert refused(line).column == line.rindex(b'"time"') + 1


def test_a_member_that_is_missing_has_no_column() -> None:
    assert refused(b'{"specversion":"1.0","source":"s","type":"t"}').column == 0


@pytest.mark.parametrize("format", ["auto", "cloudevents", "lxd"])
@pytest.mark.parametrize(
    "line",
    [
        b'{"message":"\\ud800"}',
        b'{"message":"\\\\\\ud800 and more"}',
        b'{"message":"\\ud83d\\ude00 \\ud800\\u0041"}',
        b'{"data":{"a":["\\ud800"]}}',
    ],
)
def test_a_lone_surrogate_is_called_by_its_name(format: str, line: bytes) -> None:
    fault = refused(line, format=format)
    assert "\\ud800 is a lone surrogate" in fault.reason
    assert fault.column == line.index(b"\\ud800") + 1


def test_a_backslash_that_is_escaped_begins_no_surrogate() -> None:
    assert "truncated" in refused(b'{"message":"\\\\ud800"').reason


@pytest.mark.parametrize("media_type", [NDJSON, "application/json"])
def test_a_byte_order_mark_is_skipped(media_type: str) -> None:
    (draft,) = read(b"\xef\xbb\xbf" + GOOD, media_type=media_type)
    assert (draft.message, bytes(draft.data)) == ("good", GOOD)


ATTRIBUTES = {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t", "ce-source": "s"}


@pytest.mark.parametrize("name", ["ce-id", "ce-type", "ce-extra"])
def test_a_header_that_is_not_utf_8_is_named(name: str) -> None:
    headers = tuple({**ATTRIBUTES, name: "a\udcff"}.items())
    assert refused(b"", headers=headers).reason.startswith(f"header {name} is not UTF-8")


def test_a_content_type_that_is_not_utf_8_is_named() -> None:
    fault = refused(b"x", media_type="text/\udcff", headers=tuple(ATTRIBUTES.items()))
    assert fault.reason.startswith("header content-type is not UTF-8")


def test_a_header_that_is_wrong_has_no_column() -> None:
    headers = tuple({**ATTRIBUTES, "ce-time": "yesterday"}.items())
    assert refused(b"", headers=headers).column == 0


async def test_a_header_that_is_not_utf_8_is_a_bad_request(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /v1/events HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n"
            b"Authorization: Bearer " + server.token.encode() + b"\r\n"
            b"ce-specversion: 1.0\r\nce-id: a\xff\r\nce-type: t\r\nce-source: s\r\n\r\n"
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"header ce-id is not UTF-8" in answer
