"""What the server itself is busy with is told of as jobs."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.server.serving import NDJSON, Serving, event, serving
from tests.server.test_streaming import until
from tidings.auth import Principal
from tidings.errors import StorageError
from tidings.event import Index
from tidings.jobs import Job, Jobs, JobStatus
from tidings.log.base import Batch
from tidings.log.segments import Work
from tidings.query.ast import Query
from tidings.server.log_jobs import log_jobs

LARGE = 4 * 1024 * 1024


async def ended(server: Serving, description: str) -> list[dict[str, Any]]:
    """Return the events of the job that began with *description*, oldest first, once its end is among them."""
    query: dict[str, Any] = {"search": "kind = tidings.job", "order": "oldest", "max": 1000}
    async with asyncio.timeout(20):
        while True:
            found: list[dict[str, Any]] = [
                told
                for told in (await server.get("/v1/events", **query)).json
                if told["data"]["description"].startswith(description)
            ]
            if found and JobStatus(found[-1]["data"]["status"]).is_final:
                return found
            await asyncio.sleep(0.005)


def statuses(found: list[dict[str, Any]]) -> list[str]:
    return [told["data"]["status"] for told in found]


def running(server: Serving) -> list[Job]:
    return [job for job in server.context.jobs.list() if not job.status.is_final]


async def test_an_export_is_a_job_with_progress(tmp_path: Path) -> None:
    async with serving(tmp_path, job_after="0s") as server:
        head = await server.fill(5000)
        reply = await server.get("/v1/events", export=1, format_="ndjson")
        assert len(reply.body.splitlines()) == head
        found = await ended(server, "Exporting events")
        assert statuses(found) == ["Pending", "Running", "Success"]
        assert found[-1]["data"]["progress"] == {"events": head}
        assert {told["actor"] for told in found} == {"admin"}
        assert len({told["correlation"] for told in found}) == 1


async def test_an_export_that_ends_soon_is_no_event(tmp_path: Path) -> None:
    async with serving(tmp_path, job_after="1h") as server:
        await server.fill(10)
        await server.get("/v1/events", export=1)
        assert [job.status for job in server.context.jobs.list()] == ["Success"]
        assert (await server.get("/v1/count", search="kind = tidings.job")).json == {"count": 0}


async def test_a_search_or_an_export_that_is_refused_is_no_job(tmp_path: Path) -> None:
    async with serving(tmp_path, job_after="0s") as server:
        await server.get("/v1/events")
        assert (await server.get("/v1/events", export=1, search="severity = nonsense")).status == 400
        assert (await server.ask("HEAD", "/v1/events?export=1")).status == 200
        assert server.context.jobs.list() == []


async def test_a_cancelled_export_is_cut_and_has_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, job_after="0s") as server:
        go_on = asyncio.Event()

        async def slow(query: Query, who: Principal, after: Index) -> AsyncIterator[Batch | list[bytes]]:
            yield [b"{}"]
            await go_on.wait()
            yield [b"{}"]

        monkeypatch.setattr(server.context.core, "export", slow)
        reading = asyncio.create_task(server.get("/v1/events", export=1))
        await until(lambda: running(server))
        (job,) = running(server)
        assert job.may_cancel
        server.context.jobs.cancel(job.id)
        go_on.set()
        with pytest.raises(aiohttp.ClientPayloadError):
            await reading
        found = await ended(server, "Exporting events")
        assert statuses(found) == ["Pending", "Running", "Cancelled"]
        assert found[-1]["severity"] == "warning"


async def test_an_export_that_breaks_off_is_a_failure_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(query: Query, who: Principal, after: Index) -> AsyncIterator[Batch | list[bytes]]:
        yield [b"{}"]
        raise StorageError("the disk failed")

    async with serving(tmp_path, job_after="0s") as server:
        monkeypatch.setattr(server.context.core, "export", broken)
        with pytest.raises(aiohttp.ClientPayloadError):
            await server.get("/v1/events", export=1)
        last = (await ended(server, "Exporting events"))[-1]
        assert (last["severity"], last["data"]["error"]) == ("error", "the disk failed")
        assert last["message"] == "Exporting events: Failure, 1 events, the disk failed"


async def test_a_client_that_leaves_an_export_has_cancelled_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, job_after="0s") as server:

        async def endless(query: Query, who: Principal, after: Index) -> AsyncIterator[Batch | list[bytes]]:
            while True:
                yield [b"{}" * 10_000]
                await asyncio.sleep(0)

        monkeypatch.setattr(server.context.core, "export", endless)
        headers = {"Authorization": f"Bearer {server.token}"}
        async with server.session.get(f"{server.url}/v1/events?export=1", headers=headers) as answer:
            await answer.content.readany()
        last = (await ended(server, "Exporting events"))[-1]
        assert (last["data"]["status"], last["data"]["error"]) == ("Cancelled", "the client went away")


async def test_a_large_import_is_a_job_and_a_smaller_one_is_not(tmp_path: Path) -> None:
    async with serving(tmp_path, job_after="0s") as server:
        line = msgspec.json.encode(event(message="x" * 1000)) + b"\n"
        many = LARGE // len(line) + 1
        reply = await server.ask("POST", "/v1/events", headers=NDJSON, data=io.BytesIO(line * (many - 2)))
        assert (reply.status, server.context.jobs.list()) == (200, [])
        reply = await server.ask("POST", "/v1/events", headers=NDJSON, data=io.BytesIO(line * many))
        assert reply.json["stored"] == many
        found = await ended(server, "Importing events")
        assert statuses(found) == ["Pending", "Running", "Success"]
        assert found[-1]["data"]["progress"] == {"events": many, "bytes": many * len(line)}
        assert {(told["actor"], told["data"]["may_cancel"]) for told in found} == {("admin", False)}


async def test_a_large_import_that_can_not_be_read_is_a_failure(tmp_path: Path) -> None:
    async with serving(tmp_path, job_after="0s") as server:
        line = msgspec.json.encode(event(message="x" * 1000)) + b"\n"
        body = line * (LARGE // len(line) + 1) + b"{\n"
        reply = await server.ask("POST", "/v1/events", headers=NDJSON, data=io.BytesIO(body))
        assert (reply.status, reply.slug) == (400, "invalid-event")
        last = (await ended(server, "Importing events"))[-1]
        assert (last["data"]["status"], last["data"]["error"]) == ("Failure", reply.json["detail"])


async def test_sealing_a_full_journal_and_trimming_are_jobs(tmp_path: Path) -> None:
    async with serving(tmp_path, job_after="0s", segment_events="100", merge_events="100") as server:
        await server.fill(100)
        await server.fill(50)
        assert statuses(await ended(server, "Sealing events 1 to 100")) == ["Pending", "Running", "Success"]
        assert (await server.send("POST", "/v1/trim", {"before": 120})).json == {"oldest": 101}
        found = await ended(server, "Deleting events 1 to 100")
        assert statuses(found) == ["Pending", "Running", "Success"]
        assert {told["actor"] for told in found} == {"admin"}


async def test_sealing_what_was_told_of_jobs_is_no_job(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"job_after": "0s", "seal_idle": "0s", "segment_events": "10", "merge_events": "10"}
    async with serving(tmp_path, **settings) as server:
        await server.fill(60)
        await server.get("/v1/events", export=1)
        await ended(server, "Exporting events")
        await until(lambda: server.context.core.head == 63 and not running(server), patience_s=20)
        while (await server.context.look_at_log()).journals:  # noqa: ASYNC110 (somebody else's state)
            await asyncio.sleep(0.005)
        assert server.context.core.head == 63


@pytest.mark.parametrize(
    ("work", "description"),
    [
        (Work("seal", 1, 1000), "Sealing events 1 to 1000"),
        (Work("seal", 1, 999), None),
        (Work("merge", 1, 9), "Merging events 1 to 9"),
    ],
)
async def test_full_journals_and_mergings_are_worth_a_job(work: Work, description: str | None, tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        jobs = Jobs(server.context.core, server.context.clock, 0)
        with log_jobs(jobs, 1000)(work):
            assert [job.description for job in jobs.list()] == ([description] if description else [])
