"""What retention deletes, and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import serving
from tests.server.test_streaming import until
from tidings.server.retention import Rule, excess, reachable
from tidings.server.usage import Span

SECOND = 1_000_000_000
SPANS = (Span(100, 10 * SECOND, 1000), Span(200, 20 * SECOND, 1000), Span(300, 30 * SECOND, 1000))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(0, 0), None),
        (Rule(100, 0), None),
        (Rule(85, 0), (101, "age")),
        (Rule(1, 0), (301, "age")),
        (Rule(0, 5000), None),
        (Rule(0, 4000), None),
        (Rule(0, 3999), (101, "size")),
        (Rule(0, 2000), (201, "size")),
        (Rule(85, 2500), (201, "age")),
        (Rule(85, 3500), (101, "age")),
    ],
)
def test_the_oldest_parts_go_until_the_rule_is_content(rule: Rule, expected: tuple[int, str] | None) -> None:
    assert excess(SPANS, 4000, rule, 100 * SECOND) == expected


def test_a_part_that_may_stay_protects_all_after_it() -> None:
    spans = (Span(100, 99 * SECOND, 1000), Span(200, 20 * SECOND, 1000))
    assert excess(spans, 2000, Rule(50, 0), 100 * SECOND) is None


@pytest.mark.parametrize(("before", "expected"), [(0, 0), (100, 0), (101, 101), (250, 201), (9999, 301)])
def test_a_wish_reaches_to_the_end_of_a_whole_part(before: int, expected: int) -> None:
    assert reachable(SPANS, before) == expected


async def test_old_segments_are_deleted_and_the_log_says_so(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "segment_events": "100",
        "merge_events": "100",
        "retention_interval": "1s",
        "retain_size": "1KiB",
    }
    async with serving(tmp_path, **settings) as server:
        await server.fill(100)
        await server.fill(50)
        await until(lambda: server.context.core.oldest > 1, patience_s=20)
        told = (await server.get("/v1/events", search="kind = tidings.trimmed", order="oldest")).json[0]
        assert told["data"] == {"before": 101, "count": 100, "reason": "size"}
        assert server.context.core.oldest == 101
