import pytest

from tests.docs.documents import codes, page, rows, sections
from tests.docs.recording import recorded
from tidings.query.parser import parse
from tidings.query.predicate import matches

NOW_NS = 1_795_222_800_000_000_000
COOKBOOK = [
    (codes(query)[0], events) for query, _, events in list(rows(sections(page("search-language.md"))["Cookbook"]))[1:]
]


def test_the_cookbook_has_at_least_25_queries() -> None:
    assert len(COOKBOOK) >= 25


@pytest.mark.parametrize(("query", "events"), COOKBOOK, ids=[query for query, _ in COOKBOOK])
def test_a_query_of_the_cookbook_finds_what_it_says(query: str, events: str) -> None:
    where = parse(query, NOW_NS).where

    found = sum(matches(where, event) for event in recorded())

    assert events in ("–", str(found))


@pytest.mark.parametrize("row", list(rows(sections(page("search-language.md"))["Times"]))[1:], ids=lambda row: row[0])
def test_every_time_that_the_page_shows_is_read(row: list[str]) -> None:
    for written in codes(row[0]):
        if written != "FROM..TO":
            parse(f"time = {written}", NOW_NS)


def test_every_line_of_the_one_minute_tour_is_read() -> None:
    tour = sections(page("search-language.md"))["In one minute"].split("```")[1].splitlines()[1:]

    for line in tour:
        parse(line.partition("    ")[0], NOW_NS)
