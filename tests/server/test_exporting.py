"""``GET /v1/events?export=1``."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.serving import event, serving
from tidings.answers import COUNT_HINT
from tidings.auth import Principal
from tidings.errors import StorageError
from tidings.event import Index
from tidings.log.base import Batch
from tidings.query.ast import Query
from tidings.server.export import COLUMNS, CsvWriter, JsonWriter

RISKY = ["=1+1", "+1", "-1", "@x", "\tx", "\rx"]


async def test_an_export_holds_every_event_once_oldest_first(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(5000)
        reply = await server.get("/v1/events", export=1, format_="ndjson")
        assert [int(msgspec.json.decode(line)["sequence"]) for line in reply.body.splitlines()] == list(
            range(1, head + 1)
        )
        assert reply.headers[COUNT_HINT] == str(head)


async def test_a_narrowed_export_holds_what_matches(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.fill(3000, actor="alice")
        await server.fill(10, actor="bob")
        reply = await server.get("/v1/events", export=1, format_="ndjson", search="actor = alice")
        assert len(reply.body.splitlines()) == 3000
        assert reply.headers[COUNT_HINT] == "3000"


@pytest.mark.parametrize("search", ["", "kind = test.thing"])
async def test_an_export_can_begin_behind_an_index_and_end_after_a_number(tmp_path: Path, search: str) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(100)
        reply = await server.get("/v1/events", export=1, format_="ndjson", after=head - 50, max=7, search=search)
        found = [int(msgspec.json.decode(line)["sequence"]) for line in reply.body.splitlines()]
        assert found == list(range(head - 49, head - 42))
        assert reply.headers[COUNT_HINT] == "7"


async def test_an_export_can_be_newest_first(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(10)
        reply = await server.get("/v1/events", export=1, format_="ndjson", order="newest")
        assert [int(msgspec.json.decode(line)["sequence"]) for line in reply.body.splitlines()] == list(
            range(head, 0, -1)
        )


@pytest.mark.parametrize("search", ["", "kind = test.thing"])
async def test_an_export_as_json_is_one_array(tmp_path: Path, search: str) -> None:
    async with serving(tmp_path) as server:
        await server.fill(4500)
        reply = await server.get("/v1/events", export=1, search=search)
        assert len(reply.json) == int(reply.headers[COUNT_HINT])


async def test_an_export_of_nothing_is_still_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert (await server.get("/v1/events", export=1, search="kind = none")).json == []
        rows = await server.get("/v1/events", export=1, search="kind = none", format_="csv")
        assert rows.body.decode().strip().split(",") == list(COLUMNS)


async def test_csv_has_a_head_and_eleven_columns(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(event(actor="al,ice", message='say "hi"', severity="error", scope="s", subject="/x"))
        reply = await server.get("/v1/events", export=1, format_="csv", search="kind = test.thing")
        head, row = csv.reader(io.StringIO(reply.body.decode()))
        assert tuple(head) == COLUMNS
        named = dict(zip(head, row, strict=True))
        assert (named["actor"], named["message"], named["severity"]) == ("al,ice", 'say "hi"', "error")


@pytest.mark.parametrize("cell", RISKY)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    line = msgspec.json.encode({"sequence": "1", "actor": cell, "message": "x"})
    (row,) = csv.reader(io.StringIO(CsvWriter(is_raw=False).lines([line]).decode(), newline=""))
    assert row[5] == f"'{cell}"
    (row,) = csv.reader(io.StringIO(CsvWriter(is_raw=True).lines([line]).decode(), newline=""))
    assert row[5] == cell


def test_other_cells_stay_as_they_are() -> None:
    line = msgspec.json.encode({"sequence": "1", "actor": "a,=b", "message": "x\n=y, -z"})
    (row,) = csv.reader(io.StringIO(CsvWriter(is_raw=False).lines([line]).decode(), newline=""))
    assert (row[5], row[10]) == ("a,=b", "x\n=y, -z")


def test_lines_and_blobs_make_the_same_array() -> None:
    writer = JsonWriter()
    assert writer.lines([b"{}", b"{}"]) == writer.blob(b"{}\n{}\n") == b"{},{}"


_CELLS = st.one_of(st.text(), st.text(alphabet=',"\n\ra =-'))


@given(st.lists(st.tuples(st.just("42"), *[_CELLS] * (len(COLUMNS) - 1)), max_size=4), st.booleans())
def test_every_text_comes_back_from_csv_and_none_as_a_formula(rows: list[tuple[str, ...]], is_raw: bool) -> None:
    names = ("sequence", "time", "severity", "type", *COLUMNS[4:])
    lines = [msgspec.json.encode(dict(zip(names, row, strict=True))) for row in rows]
    read = list(csv.reader(io.StringIO(CsvWriter(is_raw=is_raw).lines(lines).decode(), newline="")))
    expected = [
        [f"'{cell}" if cell[:1] in set("=+-@\t\r") and cell and not is_raw else cell for cell in row] for row in rows
    ]
    assert read == expected


async def test_csv_is_raw_when_asked(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(event(message="=1+1"))
        asked: dict[str, Any] = {"format_": "csv", "search": "kind = test.thing"}
        assert b"'=1+1" in (await server.get("/v1/events", **asked)).body
        assert b"'=1+1" not in (await server.get("/v1/events", **asked, raw=1)).body


async def test_an_export_that_breaks_off_has_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(query: Query, who: Principal, after: Index) -> AsyncIterator[Batch | list[bytes]]:
        yield [b"{}"]
        raise StorageError("the disk failed")

    async with serving(tmp_path) as server:
        monkeypatch.setattr(server.context.core, "export", broken)
        with pytest.raises(aiohttp.ClientPayloadError):
            await server.get("/v1/events", export=1)


async def test_an_export_that_can_not_begin_is_refused_with_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(query: Query, who: Principal, after: Index) -> AsyncIterator[Batch | list[bytes]]:
        if after == 0:
            raise StorageError("the disk failed")
        yield []

    async with serving(tmp_path) as server:
        monkeypatch.setattr(server.context.core, "export", broken)
        reply = await server.get("/v1/events", export=1)
        assert (reply.status, reply.slug) == (507, "storage")
