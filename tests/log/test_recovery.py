"""A log directory is opened after a crash at any moment, and after damage."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import apsw
import pytest

from tests.contract.log_suite import draft, lines
from tests.log.conftest import SMALL, until
from tidings.clock import ManualClock, SystemClock
from tidings.errors import Busy, DataDirectoryBusy, StorageError
from tidings.event import Index, decode_line
from tidings.log.segments import SegmentLog, SegmentOptions, verify
from tidings.log.segments.journal import Journal
from tidings.query.ast import EVERYTHING, Query, Words

OpenLog = Callable[..., AbstractAsyncContextManager[SegmentLog]]


async def fill(log: SegmentLog, events: int) -> None:
    for start in range(0, events, 32):
        await log.append([draft(start + n, id=f"id{start + n}") for n in range(min(32, events - start))])


async def assert_complete(log: SegmentLog, events: int) -> None:
    indexes = [decode_line(line).index for line in await lines(log)]
    assert indexes == list(range(1, events + 1))
    assert await log.count(Words("happened")) == events


async def test_a_second_server_is_refused_with_the_first_ones_pid(open_log: OpenLog) -> None:
    async with open_log():
        with pytest.raises(DataDirectoryBusy, match="pid"):
            async with open_log():
                pass


async def test_what_a_crash_left_half_made_is_swept_away(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log() as log:
        await fill(log, 200)
        await until(lambda: len(log.maintenance.state.manifest.segments) == 3)
    listed = next(tmp_path.glob("segment-*.db"))
    shutil.copy(listed, tmp_path / "segment-00000000000000000001-00000000000000000128.db")
    (tmp_path / "segment-00000000000000000065-00000000000000000128.db.tmp").write_bytes(b"half")
    (tmp_path / "manifest.json.tmp").write_bytes(b"{")
    (tmp_path / "index-00000000000000000193.db").write_bytes(b"not a database")
    async with open_log() as log:
        await assert_complete(log, 200)
    assert not list(tmp_path.glob("*.tmp"))
    assert not (tmp_path / "segment-00000000000000000001-00000000000000000128.db").exists()


async def test_a_journal_whose_segment_is_in_place_is_not_read_twice(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log(SegmentOptions(durable=False, segment_events=10_000, seal_idle_s=30)) as log:
        await fill(log, 100)
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("journal-*")}
    async with open_log(SegmentOptions(durable=False, segment_events=1000, seal_idle_s=0.01)) as log:
        await until(lambda: len(log.maintenance.state.manifest.segments) == 1)
    for name, data in kept.items():  # as if the crash had come before the journal was deleted
        (tmp_path / name).write_bytes(data)
    async with open_log() as log:
        await assert_complete(log, 100)


async def test_a_missing_journal_is_an_error_and_not_a_silent_gap(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log(SegmentOptions(durable=False, segment_events=50, seal_idle_s=30)) as log:
        await log.maintenance.stop()
        await fill(log, 200)
    next(iter(sorted(tmp_path.glob("journal-*.db")))).unlink()
    with pytest.raises(StorageError, match="events 1 to 64 are missing"):
        async with open_log():
            pass


async def test_a_damaged_segment_is_named_and_set_aside_and_the_rest_is_served(
    open_log: OpenLog, tmp_path: Path
) -> None:
    async with open_log() as log:
        await fill(log, 200)
        await until(lambda: len(log.maintenance.state.manifest.segments) == 3)
    victim = sorted(tmp_path.glob("segment-*.db"))[1]
    victim.chmod(0o640)
    size = victim.stat().st_size
    victim.write_bytes(victim.read_bytes()[:100] + b"\xff" * (size - 100))
    report = verify(tmp_path)
    assert not report.ok
    assert [check.fault != "" for check in report.checks] == [False, True, False, False]
    async with open_log() as log:
        found = [e.index for e in (await log.search(Query(limit=1000))).events]
        assert sorted(found) == [*range(1, 65), *range(129, 201)]
        await until(lambda: len(log.maintenance.state.manifest.quarantined) == 1)
        entry = log.maintenance.state.manifest.quarantined[0]
        assert (entry.file, entry.first, entry.last) == (victim.name, 65, 128)
        read = [decode_line(line).index for line in await lines(log)]
        assert read == [*range(1, 65), *range(129, 201)]
        assert (await log.append([draft(1)])).head == 201
    assert victim.exists()


async def test_a_segment_that_vanished_is_quarantined_at_the_start(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log() as log:
        await fill(log, 200)
        await until(lambda: len(log.maintenance.state.manifest.segments) == 3)
    next(iter(sorted(tmp_path.glob("segment-*.db")))).unlink()
    async with open_log() as log:
        assert log.maintenance.state.manifest.quarantined[0].first == 1
        assert await log.get(Index(1)) is None
        assert await log.get(Index(100)) is not None


async def test_a_damaged_growing_index_is_built_again(open_log: OpenLog) -> None:
    async with open_log(SegmentOptions(durable=False, seal_idle_s=30)) as log:
        await fill(log, 100)
        state = log.maintenance.state
        await until(lambda: state.indexed_to == 100)
        path = state.index_path
        path.with_name(path.name + "-wal").write_bytes(b"")
        path.write_bytes(b"\xff" * 4096)
        await assert_complete(log, 100)
        await until(lambda: state.indexed_to == 100)
        await assert_complete(log, 100)


async def test_an_unreadable_manifest_stops_the_start(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log() as log:
        await fill(log, 1)
    (tmp_path / "manifest.json").write_text("{}garbage")
    with pytest.raises(StorageError, match=r"manifest\.json is damaged"):
        async with open_log():
            pass
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(StorageError, match="format 99"):
        async with open_log():
            pass


async def test_the_indexing_worker_is_replaced_when_it_is_killed(open_log: OpenLog) -> None:
    async with open_log(SegmentOptions(durable=False, seal_idle_s=30)) as log:
        await fill(log, 64)
        await until(lambda: log.maintenance.state.indexed_to == 64)
        process = log.maintenance.foreman.process
        assert process is not None
        process.kill()
        await fill(log, 64 + 32)
        assert await log.count(EVERYTHING) == 96
        await until(lambda: log.maintenance.state.indexed_to == 96)
        await assert_complete(log, 96)


async def test_small_segments_are_merged_and_nothing_changes_for_readers(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log() as log:
        await fill(log, 64 * 6)
        before = await lines(log)
    options = SegmentOptions(durable=False, segment_events=64, merge_events=10_000, seal_idle_s=0.01)
    async with open_log(options) as log:
        await until(lambda: [s.total for s in log.maintenance.state.manifest.segments] == [64 * 6])
        assert before == await lines(log)
        await assert_complete(log, 64 * 6)
        again = await log.append([draft(n, id=f"id{n}") for n in range(64 * 6)])
        assert (again.stored, again.duplicates) == (0, 64 * 6)
    assert verify(tmp_path).ok
    assert len(list(tmp_path.glob("segment-*.db"))) == 1


async def test_a_duplicate_beyond_the_window_is_stored_again(open_log: OpenLog) -> None:
    options = SegmentOptions(durable=False, segment_events=64, merge_events=64, dedupe_window=100, seal_idle_s=30)
    async with open_log(options) as log:
        await fill(log, 64 * 5)
        await until(lambda: len(log.maintenance.state.manifest.segments) >= 4)
        await log.append([draft(1)])
    async with open_log(options) as log:
        assert (await log.append([draft(0, id="id0")])).stored == 1
        assert (await log.append([draft(0, id="id310")])).stored == 0


async def test_a_full_disk_refuses_and_loses_nothing(open_log: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_log() as log:
        await fill(log, 10)
        real = Journal._write_together

        def with_no_room_left(journal: Journal, rows: Sequence[tuple[int | bytes, ...]]) -> None:
            journal._db.pragma("max_page_count", 1)  # which SQLite takes for: as many as there are
            try:
                real(journal, rows)
            finally:
                journal._db.pragma("max_page_count", 1 << 30)

        with monkeypatch.context() as patch:
            patch.setattr(Journal, "_write_together", with_no_room_left)
            with pytest.raises(StorageError, match="disk full") as refused:
                await log.append([draft(n, id=f"after{n}") for n in range(1000)])
            assert isinstance(refused.value.__cause__, apsw.FullError)
            assert log.head == 10
        answer = await log.append([draft(n, id=f"after{n}") for n in range(1000)])
        assert (answer.stored, answer.head) == (1000, 1010)
    async with open_log() as log:
        await assert_complete(log, 1010)


async def test_appends_that_wait_are_bounded(tmp_path: Path) -> None:
    options = SegmentOptions(durable=False, pending_bytes=3000)
    async with SegmentLog(tmp_path, SystemClock(), options) as log:
        answers = await asyncio.gather(
            *(log.append([draft(n) for _ in range(5)]) for n in range(20)), return_exceptions=True
        )
        refused = [answer for answer in answers if isinstance(answer, Busy)]
        assert refused
        assert "max_pending_bytes" in str(refused[0])
        assert log.head == 5 * (20 - len(refused))


async def test_a_read_only_directory_is_a_clear_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StorageError, match="can't be written"):
        async with SegmentLog(blocked / "data", SystemClock(), SMALL):
            pass


async def test_publishing_goes_on_when_the_keys_of_a_segment_are_damaged(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log() as log:
        await fill(log, 200)
        await until(lambda: len(log.maintenance.state.manifest.segments) == 3)
    victim = min(tmp_path.glob("segment-*.db"))
    victim.chmod(0o640)
    victim.write_bytes(victim.read_bytes()[:100] + b"\xff" * (victim.stat().st_size - 100))
    async with open_log() as log:
        answer = await log.append([draft(n, id=f"id{n}") for n in range(60, 80)])
        assert answer.duplicates == 16  # those of the sound segments; what can't be read can't be told
        seen: list[str] = []
        log.on_quarantine(lambda entry: seen.append(entry.file))
        assert await log.count(Words("happened")) == 200 - 64 + 4
        await until(lambda: seen == [victim.name])
        assert await log.count(EVERYTHING) == 200 - 64 + 4


async def test_an_old_journal_is_sealed_however_few_events_are_in_it(tmp_path: Path) -> None:
    clock = ManualClock()
    async with SegmentLog(tmp_path, clock, SegmentOptions(durable=False, seal_idle_s=0.01)) as log:
        await fill(log, 3)
        await until(lambda: log.maintenance.state.indexed_to == 3)
        assert not log.maintenance.state.manifest.segments
        clock.advance(90_000)
        await until(lambda: [s.total for s in log.maintenance.state.manifest.segments] == [3])
        await assert_complete(log, 3)


async def test_segments_are_not_merged_over_more_time_than_retention_wants(tmp_path: Path) -> None:
    clock = ManualClock()
    options = SegmentOptions(durable=False, segment_events=64, merge_events=10_000, seal_idle_s=0.01, merge_span_s=3600)
    async with SegmentLog(tmp_path, clock, options) as log:
        for number in range(8):
            await log.append([draft(n) for n in range(64)])
            await until(lambda: not log.maintenance.state.journals)
            clock.advance(7200 if number == 3 else 60)
        await until(lambda: [s.total for s in log.maintenance.state.manifest.segments] == [256, 256])


@pytest.mark.parametrize("manifest", [None, "{}", ""])
async def test_a_log_that_lost_its_manifest_is_refused_and_nothing_is_deleted(
    open_log: OpenLog, tmp_path: Path, manifest: str | None
) -> None:
    async with open_log() as log:
        await fill(log, 200)
        await until(lambda: len(log.maintenance.state.manifest.segments) == 3)
    path = tmp_path / "manifest.json"
    kept = path.read_bytes()
    if manifest is None:
        path.unlink()
    else:
        path.write_text(manifest)
    before = sorted(file.name for file in tmp_path.glob("[sj]*.db"))
    with pytest.raises(StorageError, match=r"manifest\.json"):
        async with open_log():
            pass
    with pytest.raises(StorageError, match=r"manifest\.json"):
        verify(tmp_path)
    assert sorted(file.name for file in tmp_path.glob("[sj]*.db")) == before
    path.write_bytes(kept)
    async with open_log() as log:
        await assert_complete(log, 200)


async def test_a_log_killed_before_its_first_segment_was_listed_starts_again(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log(SegmentOptions(durable=False)) as log:
        await fill(log, 200)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    async with open_log() as log:
        await until(lambda: len(log.maintenance.state.manifest.segments) >= 1)
    made = next(tmp_path.glob("segment-*-00000000000000000200.db"))
    # as a kill leaves it behind: the segment is there, everything else is as it was before
    (tmp_path / "aside").mkdir()
    made.rename(tmp_path / "aside" / made.name)
    for file in tmp_path.glob("[sjim]*.*"):
        file.unlink()
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "aside" / made.name).rename(made)
    async with open_log() as log:
        await assert_complete(log, 200)


async def test_a_segment_that_nobody_knows_is_neither_deleted_nor_ignored(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log() as log:
        await fill(log, 200)
        await until(lambda: len(log.maintenance.state.manifest.segments) == 3)
    stranger = tmp_path / "segment-00000000000000009001-00000000000000009064.db"
    shutil.copy(next(tmp_path.glob("segment-*.db")), stranger)
    with pytest.raises(StorageError, match="the manifest doesn't know it"):
        async with open_log():
            pass
    assert stranger.exists()
    assert not verify(tmp_path).ok
    stranger.unlink()
    assert verify(tmp_path).ok


async def test_a_segment_that_is_back_as_it_was_is_served_again(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log() as log:
        await fill(log, 200)
        await until(lambda: len(log.maintenance.state.manifest.segments) == 3)
    lost = min(tmp_path.glob("segment-*.db"))
    data = lost.read_bytes()
    lost.unlink()
    seen: list[str] = []
    async with open_log() as log:
        log.on_quarantine(lambda entry: seen.append(entry.file))
        assert seen == [lost.name]
        assert await log.count(EVERYTHING) == 200 - 64
    lost.write_bytes(data[:-1] + b"x")
    async with open_log() as log:
        assert await log.count(EVERYTHING) == 200 - 64
    lost.write_bytes(data)
    async with open_log() as log:
        await assert_complete(log, 200)
        assert log.maintenance.state.manifest.quarantined == ()


async def test_a_journal_that_cannot_be_read_is_not_called_sound(open_log: OpenLog, tmp_path: Path) -> None:
    async with open_log() as log:
        await fill(log, 10)
    journal = next(tmp_path.glob("journal-*.db"))
    data = journal.read_bytes()
    journal.write_bytes(b"\xff" * 100)
    assert not verify(tmp_path).ok
    journal.write_bytes(data)
    assert verify(tmp_path).ok
    assert "10" in verify(tmp_path).lines()[-2]
