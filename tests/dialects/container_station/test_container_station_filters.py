"""What the parameters of the log select: what its rows show, whoever made the event."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.dialects.container_station.stored import EXPORT, foreign, published, row, stored
from tests.query.strategies import events
from tidings.dialects.container_station.categories import category_condition, category_of, kind_of
from tidings.dialects.container_station.codec import decode
from tidings.dialects.container_station.filters import LogFilter, condition_of
from tidings.dialects.container_station.log_rows import log_row
from tidings.event import Event
from tidings.kinds import catalogue
from tidings.query.ast import EVERYTHING
from tidings.query.parser import parse
from tidings.query.predicate import compile_predicate
from tidings.query.render import render

ROWS = published(EXPORT)


def ids(**wanted: object) -> list[int]:
    """Return the ids of the document's rows that a filter selects."""
    selects = compile_predicate(condition_of(LogFilter(**wanted)))  # type: ignore[arg-type]
    return [event.index for event in ROWS if selects(event)]


def selects(event: Event, **wanted: object) -> bool:
    """Whether a filter selects *event*."""
    return compile_predicate(condition_of(LogFilter(**wanted)))(event)  # type: ignore[arg-type]


def test_nothing_asked_is_everything() -> None:
    assert condition_of(LogFilter()) == EVERYTHING


def test_the_one_error_of_the_document_is_found() -> None:
    assert ids(levels=("ERROR",)) == ids(text="METADATA") == ids(levels=("error", "Error"), text="[[Errno 2]") == [5]


def test_a_time_range_includes_both_of_its_seconds() -> None:
    assert ids(start=1426613400.0, end=1426613408.0) == [49, 50, 51]
    assert ids(start=1426613400.5, end=1426613407.9) == [50]


def test_nought_is_no_bound() -> None:
    assert ids(start=1426613408.0, end=0.0) == [51, 52]
    assert ids(start=0.0, end=1426613226.0) == [1, 2, 3]


@pytest.mark.parametrize("huge", [1e15, 99_999_999_999.5])
def test_a_time_that_no_event_can_have_is_not_an_error(huge: float) -> None:
    assert ids(start=huge) == []
    assert len(ids(end=huge)) == 52


def test_categories_are_alternatives() -> None:
    shown = [event.index for event in ROWS if log_row(event)["category"] in ("image", "export")]
    assert ids(categories=("image", "export")) == shown
    assert len(shown) == 9


def test_what_does_not_exist_matches_nothing() -> None:
    assert ids(levels=("FATAL",)) == ids(categories=("background",)) == ids(user="nobody") == []
    assert ids(levels=("FATAL", "ERROR")) == [5]


def test_a_user_is_matched_exactly() -> None:
    assert len(ids(user="Anonymous")) == 45
    assert ids(user="anonymous") == []


def test_the_system_is_also_who_did_what_nobody_did() -> None:
    assert len(ids(user="system")) == 7
    assert selects(foreign(), user="system")
    assert not selects(foreign(actor="root"), user="system")


@pytest.mark.parametrize("level", ["WARN", "WARNING", "warning"])
def test_a_warning_goes_by_two_names(level: str) -> None:
    assert selects(stored(decode(row(level="WARN"))), levels=(level,))
    assert not selects(stored(decode(row(level="INFO"))), levels=(level,))


def test_all_that_is_asked_must_hold() -> None:
    assert ids(categories=("backup",), levels=("INFO",), text="finished") == [6, 8]


@given(events(), st.sampled_from(["INFO", "WARN", "ERROR"]), st.sampled_from(["system", "root", "Root", "é"]))
def test_level_and_user_select_what_the_rows_show(event: Event, level: str, user: str) -> None:
    assert selects(event, levels=(level,)) == (log_row(event)["level"] == level)
    assert selects(event, user=user) == (log_row(event)["user"] == user)


_words = st.text(alphabet=".%2Ea ~é-", max_size=4) | st.sampled_from(["container", "image", "system", "backup", "log"])
_kinds = (
    st.sampled_from([*catalogue(), "lxd.lifecycle.instance-backup-odd", "ovirt.VM_BACKUP_VM", "ovirt._VM", "x", "a_VM"])
    | st.builds("container-station.{}.{}".format, _words, _words)
    | st.builds("container-station.{}".format, _words)
    | st.builds(kind_of, _words, _words)
    | st.text(max_size=5)
)
_categories = st.sampled_from(["container", "image", "export", "import", "backup", "system", "background"]) | _words


@settings(max_examples=500, deadline=None)
@given(_kinds, _categories)
@example("container-station.%41.log", "A")
@example("container-station.%41.log", "%41")
@example("container-station..log", "system")
@example("container-station.", "system")
@example("container-station", "system")
@example("container-station.a.b.log", "a.b")
def test_a_category_selects_what_the_rows_show(kind: str, category: str) -> None:
    event = foreign(type=kind)
    assert selects(event, categories=(category,)) == (log_row(event)["category"] == category)


@given(_kinds)
def test_every_kind_is_found_by_the_category_it_is_shown_with(kind: str) -> None:
    assert selects(foreign(type=kind), categories=(category_of(kind),))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100), _words)
def test_a_category_comes_back_from_the_kind_as_it_was(category: str, what: str) -> None:
    assert category_of(kind_of(category, what)) == category


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("lxd.lifecycle.instance-started", "container"),
        ("lxd.lifecycle.instance-backup-created", "backup"),
        ("lxd.lifecycle.image-created", "image"),
        ("lxd.lifecycle.network-created", "system"),
        ("ovirt.USER_RUN_VM", "container"),
        ("ovirt.VM_DOWN", "container"),
        ("ovirt.VM_BACKUP_STARTED", "backup"),
        ("ovirt.USER_REMOVE_VM_FINISHED", "container"),
        ("ovirt.USER_REMOVE_VM_POOL", "system"),
        ("ovirt.USER_VDC_LOGIN", "system"),
        ("com.oraclecloud.computeapi.launchinstance.begin", "system"),
        ("tidings.job", "system"),
        ("container-station.background.running", "background"),
    ],
)
def test_kinds_of_other_systems_have_the_category_that_fits_them(kind: str, category: str) -> None:
    assert category_of(kind) == category


@pytest.mark.parametrize("category", ["container", "system", "image"])
def test_a_condition_can_be_said_in_the_search_language(category: str) -> None:
    wanted = category_condition(category)
    said, meant = compile_predicate(parse(render(wanted), 0).where), compile_predicate(wanted)
    assert all(
        said(event) == meant(event) for event in [*ROWS, foreign(), foreign(type="ovirt.VM_DOWN"), foreign(type="x")]
    )


def test_a_category_of_bytes_that_are_no_text_matches_nothing() -> None:
    assert not selects(foreign(), categories=("\udcff",))
