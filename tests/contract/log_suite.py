"""What every implementation of `Log` must do. A test module subclasses `LogSuite` and says how to open one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from tidings.errors import CursorExpired
from tidings.event import Draft, Index, decode_line, set_payload
from tidings.log.base import Log
from tidings.query.ast import EVERYTHING, Column, Compare, Condition, Order, Pattern, Position, Query, Words
from tidings.severity import Severity

BASE = "2026-11-20T10:00:{:02}Z"

OpenLog = Callable[[], AbstractAsyncContextManager[Log]]


def draft(
    number: int = 0,
    *,
    id: str = "",
    source: str = "test",
    severity: str = "normal",
    actor: str = "",
) -> Draft:
    """Make an event that tells *number* in its message, its payload and the second of its time."""
    made = Draft(
        id=id, specversion="1.0", source=source, type="test.thing", time=BASE.format(number % 60), severity=severity,
        message=f"thing number{number} happened", actor=actor,
    )  # fmt: skip
    set_payload(made, json.dumps({"number": number}).encode(), "application/json")
    return made


async def lines(log: Log, after: int = 0, until: int | None = None) -> list[bytes]:
    found: list[bytes] = []
    async for batch in log.read(Index(after), None if until is None else Index(until)):
        found += batch.lines
    return found


async def numbers(log: Log, query: Query) -> list[int]:
    return [int(event.index) for event in (await log.search(query)).events]


def where_word(word: str) -> Condition:
    return Words(word)


class LogSuite:
    """Inherit from it and define the fixture ``open_log``: each call opens the same log again, the first call an empty one."""

    # --- append ---

    async def test_indexes_begin_at_one_and_have_no_holes(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            assert (log.head, log.oldest) == (0, 1)
            first = await log.append([draft(1), draft(2)])
            second = await log.append([draft(3)])
            assert list(first.indexes) == [1, 2]
            assert list(second.indexes) == [3]
            assert (first.stored, second.head, log.head) == (2, 3, 3)

    async def test_an_append_of_nothing_changes_nothing(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            assert (await log.append([])).stored == 0
            assert log.head == 0

    async def test_what_was_appended_is_there_after_opening_again(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(n) for n in range(20)])
            before = await lines(log)
        async with open_log() as log:
            assert log.head == 20
            assert before == await lines(log)
            assert (await log.append([draft(20)])).head == 21

    async def test_an_event_comes_back_with_its_payload_byte_for_byte(self, open_log: OpenLog) -> None:
        payloads = [
            b'{ "a" :\t1,\r\n"b":[ ] }',
            b'"\\u00e9\\/"',
            b"1.50",
            b"null",
            '{"名":"前"}'.encode(),
            b"\x00\xff binary",
        ]
        async with open_log() as log:
            for payload in payloads:
                made = draft()
                set_payload(made, payload, "application/json" if b"\xff" not in payload else "application/octet-stream")
                await log.append([made])
            events = [decode_line(line) for line in await lines(log)]
            assert payloads == [event.payload for event in events]

    async def test_concurrent_appends_are_each_stored_whole_and_in_a_row(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            answers = await asyncio.gather(
                *(log.append([draft(n, actor=f"client{n}") for _ in range(5)]) for n in range(40))
            )
            assert log.head == 200
            taken = sorted(index for answer in answers for index in answer.indexes)
            assert taken == list(range(1, 201))
            events = [decode_line(line) for line in await lines(log)]
            for number, answer in enumerate(answers):
                assert list(answer.indexes) == list(range(answer.indexes[0], answer.indexes[0] + 5))
                assert {events[index - 1].actor for index in answer.indexes} == {f"client{number}"}

    async def test_receive_times_never_go_back(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            for n in range(30):
                await log.append([draft(n)])
            received = [decode_line(line).received for line in await lines(log)]
            assert received == sorted(received)

    async def test_commits_are_announced_in_order_before_the_append_returns(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            seen: list[int] = []
            log.on_commit(lambda batch: seen.extend(range(batch.first, batch.last + 1)))

            async def publish(n: int) -> None:
                answer = await log.append([draft(n)])
                assert answer.indexes[0] in seen

            await asyncio.gather(*(publish(n) for n in range(100)))
            assert seen == list(range(1, 101))

    # --- idempotency ---

    async def test_the_same_source_and_id_is_stored_once(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(0), draft(1, id="a")])
            again = await log.append([draft(2, id="b"), draft(3, id="a"), draft(4), draft(5, id="b")])
            assert list(again.indexes) == [3, 2, 4, 3]
            assert (again.stored, again.duplicates) == (2, 2)
            assert (await log.append([draft(6, id="a", source="other")])).stored == 1

    async def test_a_duplicate_is_known_after_opening_again(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(n, id=f"id{n}") for n in range(300)])
        async with open_log() as log:
            answer = await log.append([draft(n, id=f"id{n}") for n in range(300)])
            assert (answer.stored, answer.duplicates, log.head) == (0, 300, 300)
            assert list(answer.indexes) == list(range(1, 301))

    async def test_events_without_an_id_are_never_duplicates(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(1), draft(1)])
            events = [decode_line(line) for line in await lines(log)]
            assert [event.id for event in events] == ["1", "2"]

    async def test_an_id_that_looks_like_an_index_is_no_duplicate_of_it(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(1)])
            assert (await log.append([draft(1, id="1")])).stored == 1

    # --- reading ---

    async def test_a_range_is_read_without_gap_or_repeat(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            for n in range(0, 3000, 100):
                await log.append([draft(n + k) for k in range(100)])
            for after, until in ((0, None), (0, 1), (1, 2), (999, 2001), (2999, 3000), (3000, None), (10, 10)):
                expected = list(range(after + 1, (3000 if until is None else until) + 1))
                assert expected == [decode_line(line).index for line in await lines(log, after, until)]

    async def test_readers_never_see_an_index_before_all_below_it(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            done = asyncio.Event()

            async def watch() -> None:
                position = 0
                while not (done.is_set() and position == log.head):
                    async for batch in log.read(Index(position)):
                        assert batch.first == position + 1
                        position = batch.last
                    await asyncio.sleep(0)

            async with asyncio.TaskGroup() as group:
                group.create_task(watch())
                await asyncio.gather(*(log.append([draft(n), draft(n)]) for n in range(200)))
                done.set()

    async def test_one_event_is_found_by_its_index(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(n) for n in range(10)])
            line = await log.get(Index(7))
            assert line is not None
            assert decode_line(line).message == "thing number6 happened"
            assert await log.get(Index(11)) is None
            assert await log.get(Index(0)) is None

    # --- searching ---

    async def test_a_search_finds_what_was_acknowledged_a_moment_ago(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            for n in range(50):
                answer = await log.append([draft(n)])
                assert [answer.head] == await numbers(log, Query(where=where_word(f"number{n}")))

    async def test_pages_follow_each_other_while_events_arrive(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(n, severity="error" if n % 3 == 0 else "normal") for n in range(100)])
            where = Compare(Column.SEVERITY, "=", int(Severity.ERROR))
            found: list[int] = []
            after: Position | None = None
            while True:
                page = await log.search(Query(where=where, limit=7, after=after))
                found += [int(event.index) for event in page.events]
                await log.append([draft(0, severity="error")])
                if page.next is None:
                    break
                after = page.next
            assert found == [n + 1 for n in range(99, -1, -3)]

    async def test_sorting_by_another_column_breaks_ties_by_index(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(n % 3) for n in range(9)])
            ascending = await numbers(log, Query(order=Order(Column.TIME, descending=False)))
            assert ascending == [1, 4, 7, 2, 5, 8, 3, 6, 9]
            newest_ties = await numbers(log, Query(order=Order(Column.TIME, descending=False, newest_ties=True)))
            assert newest_ties == [7, 4, 1, 8, 5, 2, 9, 6, 3]

    async def test_pages_by_number_count_in_steps_of_the_limit(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(n) for n in range(10)])
            assert await numbers(log, Query(limit=3, page=2)) == [7, 6, 5]
            assert await numbers(log, Query(limit=3, page=4)) == [1]
            assert await numbers(log, Query(limit=3, page=5)) == []

    async def test_counts_histograms_and_facets_cover_everything(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append(
                [draft(n, severity="error" if n % 4 == 0 else "normal", actor=f"user{n % 2}") for n in range(100)]
            )
            assert await log.count(EVERYTHING) == 100
            assert await log.count(Compare(Column.SEVERITY, ">=", int(Severity.WARNING))) == 25
            buckets = await log.histogram(EVERYTHING, None, None, 60 * 10**9)
            assert [(b.severity, b.total) for b in buckets] == [(1, 75), (3, 25)]
            facets = await log.facet(Compare(Column.SEVERITY, "=", 3), [Column.ACTOR, Column.SEVERITY], 5)
            assert facets == {Column.ACTOR: [("user0", 25)], Column.SEVERITY: [("error", 25)]}

    async def test_letter_case_matters_only_when_asked(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.append([draft(1, actor="Root"), draft(2, actor="root")])
            assert await numbers(log, Query(where=Compare(Column.ACTOR, "=", Pattern(("ROOT",))))) == [2, 1]
            assert await numbers(
                log, Query(where=Compare(Column.ACTOR, "=", Pattern(("root",), case_sensitive=True)))
            ) == [2]

    # --- trimming ---

    async def test_a_cursor_older_than_what_is_kept_is_told_so(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await self.fill_so_that_something_can_be_trimmed(log)
            oldest = await log.trim(Index(log.head))
            assert oldest > 2
            assert oldest == log.oldest
            with pytest.raises(CursorExpired) as caught:
                await lines(log, 1)
            assert caught.value.oldest == oldest
            kept = await lines(log, 0)
            assert [decode_line(line).index for line in kept] == list(range(oldest, log.head + 1))
            assert await log.get(Index(1)) is None
            assert await log.count(EVERYTHING) == log.head - oldest + 1

    async def test_indexes_go_on_after_a_trim_and_opening_again(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await self.fill_so_that_something_can_be_trimmed(log)
            oldest = await log.trim(Index(log.head))
            head = log.head
        async with open_log() as log:
            assert (log.oldest, log.head) == (oldest, head)
            assert (await log.append([draft(1)])).head == head + 1

    async def fill_so_that_something_can_be_trimmed(self, log: Log) -> None:
        """Append enough, and wait until it is stored in a way that `trim` can delete."""
        raise NotImplementedError
