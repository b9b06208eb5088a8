"""The oVirt search language beyond its examples: how words are recognised, what values mean, what is refused."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from tests.query.test_ovirt_examples import NOW_NS, event_of
from tidings import rfc3339
from tidings.errors import QuerySyntaxError
from tidings.query.ast import (
    EVERYTHING,
    NOTHING,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Contains,
    LinkTo,
    Not,
    Order,
    Pattern,
    Query,
)
from tidings.query.ovirt import Parsed, parse
from tidings.query.predicate import matches

ERROR = Compare(Column.SEVERITY, "=", 3)
ALERT = Compare(Column.SEVERITY, "=", 4)
VM_TEXTS = (LinkTo("vm", "any"), LinkTo("instance"), LinkTo("container"))


def where(text: str, *, case_sensitive: bool = False) -> Condition:
    return parse(text, NOW_NS, case_sensitive=case_sensitive).query.where


def message(*parts: str, case_sensitive: bool = False) -> Compare:
    return Compare(Column.MESSAGE, "=", Pattern(parts, case_sensitive))


def free_text(text: str) -> Condition:
    return where(f'"{text}"')


def fault(text: str) -> QuerySyntaxError:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text, NOW_NS)
    return caught.value


def finds(text: str, **event: object) -> bool:
    return matches(where(text), event_of({"message": "", **event}))


@pytest.mark.parametrize("text", ["", "  ", "Events:", "events : ", "\r\n"])
def test_empty_text_asks_for_everything_newest_first(text: str) -> None:
    assert parse(text, NOW_NS) == Parsed(Query(EVERYTHING), is_paged=False)


@pytest.mark.parametrize("text", ["Events: severity=error", "EVENTS:severity=error", " events : severity=error"])
def test_the_object_of_the_search_may_be_named(text: str) -> None:
    assert where(text) == ERROR


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("severity=error severity=alert or message=a", AllOf((ERROR, AnyOf((ALERT, message("a")))))),
        ("severity=error or severity=alert message=a", AllOf((AnyOf((ERROR, ALERT)), message("a")))),
        ("severity=error or severity=alert and message=a", AnyOf((ERROR, AllOf((ALERT, message("a")))))),
        ("severity=error and severity=alert or message=a", AnyOf((AllOf((ERROR, ALERT)), message("a")))),
        ("severity=error severity=alert message=a", AllOf((ERROR, ALERT, message("a")))),
        ('message="a"and severity=error', AllOf((message("a"), ERROR))),
        ('message="a"severity=error', AllOf((message("a"), ERROR))),
    ],
)
def test_said_and_binds_before_or_and_both_before_neighbourhood(text: str, condition: Condition) -> None:
    assert where(text) == condition


def test_free_text_is_looked_for_in_every_text_of_an_event() -> None:
    for key, value in {
        "message": "Xfoo",
        "correlation": "foo-1",
        "actor": "foo@internal",
        "origin": "afoo",
    }.items():
        assert finds("foo", **{key: value})
    for type_ in ("vm", "template", "host", "storage_domain", "data_center", "volume"):
        assert finds("foo", links=[[type_, "foo"]])
        assert finds("foo", links=[[type_, "", "foo-id"]])
    assert finds("foo", links=[["quota", "", "foo-id"]])
    assert finds("foo", links=[["user", "", "foo-id"]])
    assert finds("foo", links=[["instance", "foo"]])
    assert finds("foo", links=[["container", "foo"]])
    assert finds("foo", dialect="lxd", source="foo/prod")
    assert not finds("foo", links=[["cluster", "foo", "foo"]], code="FOO")


def test_wildcards_within_free_text_are_obeyed() -> None:
    assert finds("*a*c*", message="xabcx")
    assert finds("a*c", links=[["vm", "xabc"]])
    assert not finds("a*c", message="xcax")
    assert finds("a*c", origin="abc")


def test_empty_free_text_is_in_every_text() -> None:
    assert where('""') == where("*")


# --- words by their first letters ---


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("severityfoo", free_text("severityfoo")),
        ("messages", free_text("messages")),
        ("and", free_text("and")),
        ("oracle", free_text("oracle")),
        ("messageſ", free_text("messageſ")),
        ("severity=error or android", AnyOf((ERROR, *free_text("android").parts))),  # type: ignore[union-attr]
        ("severity=error and pages", AllOf((ERROR, free_text("pages")))),
        ("severity=error and sortby", AllOf((ERROR, free_text("sortby")))),
        ("severity=error origin=a", AllOf((ERROR, where("origin=a")))),
        ("severity=error and origin=a", AllOf((ERROR, where("origin=a")))),
        ("severity=error or origin=a", AnyOf((ERROR, *where("origin=a").parts))),  # type: ignore[union-attr]
        ("severity=error ormessage=a", AnyOf((ERROR, message("a")))),
        ("severity=error MESSAGE = a", AllOf((ERROR, message("a")))),
        ("message==a", message("=a")),
        ("message=>a", message(">a")),
        ("message = = a", AllOf((message("="), free_text("a")))),
    ],
)
def test_words_are_known_by_their_first_letters(text: str, condition: Condition) -> None:
    assert where(text) == condition


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        ("volumes foo", 8, "expected a relation after 'volume', found 'foo'"),
        ("username=foo", 4, "expected a relation after 'user', found 'name'"),
        ("pagerank", 4, "expected the number of a page, found 'rank'"),
        ("severity=error pager", 19, "expected the number of a page, found 'r'"),
        ("sortbyfoo", 6, "can't sort by 'foo'"),
        ("sortby", 6, "can't sort by the end"),
        ("sortby usrid", 7, "can't sort by 'usrid'"),
        ("sortby _event_vm_id", 7, "can't sort by '_event_vm_id'"),
        ("sortby time descending", 16, "expected page or the end, found 'ending'"),
        ("sortby times", 11, "expected asc, desc, page or the end, found 's'"),
        ("page", 4, "expected the number of a page, found the end"),
        ("page 0", 5, "pages count from 1 to 2147483647"),
        ("page 2147483648", 5, "pages count from 1 to 2147483647"),
        ("page 99999999999999999999", 5, "pages count from 1 to 2147483647"),
        ("page 2x", 6, "nothing may follow the number of the page"),
        ("message !a", 8, "expected a relation after 'message', found '!a'"),
        ("message=a severityfoo", 18, "expected a relation after 'severity', found 'foo'"),
        ("severity=error origins", 21, "expected a relation after 'origin', found 's'"),
        ("foo sortby time foo", 16, "expected asc, desc, page or the end, found 'foo'"),
        ('foo "bar"', 4, "a second text without a field"),
        ('"foo"bar', 5, "a second text without a field"),
        ("Events: foo bar", 12, "a second text without a field"),
        ("time >= today", 5, "'time' can't be compared with '>='"),
        ('message=a"b', 9, "a quote inside a value"),
        ('message"a"', 7, "a quote inside a value"),
        ('message="a', 8, 'the quote " is never closed'),
        ('message="a\\"', 10, "a value can't end with a backslash"),
        ("foo\\", 3, "a value can't end with a backslash"),
        ('"a;b"', 2, "the character ; can't be part of a search, not even in quotes"),
        ("vms.nam=a", 4, "unknown field 'nam' of a vm"),
        ("vms.=a", 4, "expected a field of a vm"),
        ("vms .name=a", 4, "expected a relation after 'vm', found '.name'"),
        ("vms. name=a", 4, "expected a field of a vm"),
        ("vms.name a", 9, "expected a relation after 'vm.name', found 'a'"),
        ("vms>a", 3, "'vm' can't be compared with '>'"),
        ("vms.name>a", 8, "'vm.name' can't be compared with '>'"),
        ("host.id=a", 5, "unknown field 'id' of a host"),
        ("vms=a vm=b", 6, "a second 'vm' without a field"),
        ("severity=errorand=a", 9, "unknown severity 'errorand=a'"),
        ("severity=errororigin=a", 9, "unknown severity 'errororigin=a'"),
        ("severity=*", 9, "unknown severity '*'"),
        ("severity=debug", 9, "unknown severity 'debug'"),
        ("deleted=*", 8, "deleted is true or false, found '*'"),
        ("type=3*", 5, "'3*' is not a whole number of 32 bits"),
        ("type=2147483648", 5, "'2147483648' is not a whole number of 32 bits"),
        ("custom_event_id=-2147483649", 16, "'-2147483649' is not a whole number of 32 bits"),
        ("type=" + "0" * 5000, 5, f"'{'0' * 40}…' is not a whole number of 32 bits"),
        ("type=٣", 5, "'٣' is not a whole number of 32 bits"),
        ("a\0b", 1, "unusable character U+0000"),
        ("a" * 10_001, 10_000, "the search is longer than 10000 characters"),
    ],
)
def test_what_is_refused_is_pointed_at(text: str, at: int, reason: str) -> None:
    error = fault(text)
    assert (error.at, error.reason) == (at, reason)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("vmware", 'put quotes around a text that begins so: "vmware"'),
        ("vms.nam=a", "did you mean 'name'?"),
        ("host.id=a", "known are name"),
        ("foo bar", 'put quotes around a text with spaces: "foo bar"'),
        ("vms=a vms=b", "write vm.name"),
        ("severity=fatal", "severities are normal, warning, error, alert"),
        ('message="say \\"hi\\""', "a quote can't be escaped: write * in its place"),
        ("message>a", "it takes = !="),
        ("message", None),
    ],
)
def test_a_refusal_says_what_to_write_instead(text: str, suggestion: str | None) -> None:
    assert fault(text).suggestion == suggestion


def test_wide_spaces_belong_to_a_word() -> None:
    assert where("message=ログイン\u3000失敗") == message("ログイン\u3000失敗")
    assert where("message=a\u00a0b") == message("a\u00a0b")


# --- values ---


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("severity=normal", True),
        ("severity!=normal", False),
        ("severity<normal", False),
        ("severity<=normal", True),
        ("severity>normal", False),
        ("severity>=normal", True),
        ("severity<warning", True),
        ("severity>=warning", False),
    ],
)
def test_debug_counts_as_normal(text: str, is_found: bool) -> None:
    assert finds(text, severity="debug") == finds(text, severity="normal") == is_found


@pytest.mark.parametrize("text", ["type=32", 'type="32"', "type=+32", "type=0032"])
def test_a_type_is_the_kind_of_that_number(text: str) -> None:
    assert where(text) == Compare(Column.KIND, "=", Pattern(("ovirt.USER_RUN_VM",), case_sensitive=True))


def test_a_type_that_the_catalogue_lacks_goes_by_its_number() -> None:
    assert finds("type=99999", code="99999")
    assert finds("type!=99999", code="USER_RUN_VM")


def test_whoever_searches_may_say_which_kinds_have_a_type() -> None:
    def condition(text: str, *kinds: str) -> Condition:
        return parse(text, NOW_NS, kinds_of=lambda code: kinds if code == 7 else ()).query.where

    lxd = event_of({"message": "", "type": "lxd.logging"})
    assert matches(condition("type=7", "lxd.operation", "lxd.logging"), lxd)
    assert not matches(condition("type=8", "lxd.logging"), lxd)
    assert matches(condition("type!=8", "lxd.logging"), lxd)


def test_a_custom_id_is_an_ovirt_event_s() -> None:
    assert finds("custom_event_id=007", custom_id=7)
    assert finds("custom_event_id=-7", custom_id=-7)
    assert not finds("custom_event_id=7", custom_id=7, dialect="cloudevents")
    assert not finds("custom_event_id=7", custom_id=77)


def test_without_a_custom_id_it_is_minus_one() -> None:
    assert finds("custom_event_id=-1")
    assert finds("custom_event_id=-1", custom_id=-1)
    assert finds("custom_event_id=-1", custom_id=7, dialect="cloudevents")
    assert not finds("custom_event_id=-1", custom_id=7)
    assert finds("custom_event_id!=-1", custom_id=7)


def test_the_origin_of_a_foreign_event_is_its_source() -> None:
    assert finds("origin=lxd/*", dialect="lxd", source="lxd/prod-1")
    assert not finds("origin=ovirt/*", source="ovirt/e1")


def test_letter_case_matters_in_texts_alone_and_when_asked_for() -> None:
    assert where("message=Foo", case_sensitive=True) == message("Foo", case_sensitive=True)
    assert where("vms=Web", case_sensitive=True) == Contains("Web", VM_TEXTS, case_sensitive=True)
    assert where("SEVERITY=Error", case_sensitive=True) == ERROR
    assert where("Time=TODAY", case_sensitive=True) == where("time=today")
    assert where("deleted=FALSE", case_sensitive=True) == EVERYTHING
    sensitive = where("Foo", case_sensitive=True)
    for key in ("message", "origin", "actor"):
        assert matches(sensitive, event_of({"message": "", key: "Foo"}))
        assert not matches(sensitive, event_of({"message": "", key: "foo"}))


@pytest.mark.parametrize("name", ["event_vm", "usrname", "correlation_id", "origin", "vms.name", "_event_host_id"])
def test_what_is_missing_is_no_empty_text(name: str) -> None:
    assert where(f'{name}=""') == NOTHING
    assert where(f'{name}!=""') == Not(NOTHING)


# --- linked objects ---


def test_each_object_may_be_asked_for_one_text() -> None:
    assert where("vms=a hosts!=b foo") == AllOf(
        (Contains("a", VM_TEXTS), Not(Contains("b", (LinkTo("host", "any"),))), free_text("foo"))
    )


def test_names_and_ids_of_linked_objects_are_those_of_the_event() -> None:
    assert where("Vms.ID=a*") == Compare(LinkTo("vm", "id"), "=", Pattern(("a", "")))
    assert where("hosts.name=h1") == where("host.name = h1") == where("event_host=h1")


@pytest.mark.parametrize("text", ["event_vm=web*", "vms.name=web1", "vm=web"])
def test_instances_and_containers_count_as_vms(text: str) -> None:
    assert all(finds(text, links=[[type_, "web1"]]) for type_ in ("vm", "instance", "container"))
    assert not finds(text, links=[["host", "web1"]])


@pytest.mark.parametrize("text", ["users.name=root", "user.usrname=ROOT", "users=oo"])
def test_the_actor_counts_as_a_user(text: str) -> None:
    assert finds(text, actor="root")
    assert finds(text, links=[["user", "root"]])
    assert not finds(text, actor="admin", links=[["vm", "root"]])


@pytest.mark.parametrize(
    "text", ["vms.status=up", "vm.cpu_usage>80", "volumes.replica_count <= 3", "template.creationdate>today"]
)
def test_what_only_an_inventory_knows_is_missing_and_that_is_said(text: str) -> None:
    parsed = parse(f"{text} or {text} or severity=error", NOW_NS)
    assert not finds(text, links=[["vm", "a", "b"]])
    assert parsed.query.where == ERROR
    assert len(parsed.warnings) == 1


def test_what_is_missing_is_not_equal() -> None:
    assert finds("vms.status!=up", links=[["vm", "a", "b"]])


# --- dates ---


def day(text: str, zone: tzinfo = UTC) -> str:
    """Return the midnight that *text* means."""
    condition = parse(f'time>"{text}"', NOW_NS, zone).query.where
    assert isinstance(condition, Compare)
    assert isinstance(condition.value, int)
    return rfc3339.render(condition.value)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("today", "2026-11-20"),
        ("YESTERDAY", "2026-11-19"),
        ("friday", "2026-11-13"),
        ("thursday", "2026-11-19"),  # the engine goes wrong here
        ("Wednesday", "2026-11-18"),
        ("saturday", "2026-11-14"),
        ("Jan 5, 2017", "2017-01-05"),
        ("JANUARY  5,  2017", "2017-01-05"),
        ("Monday, Jan 5, 2017", "2017-01-05"),
        ("May 5, 2017 10:30:00 PM whatever", "2017-05-05"),
        ("1/5/2017x", "2017-01-05"),
        ("01/05/17", "2017-01-05"),
        ("1/5/46", "2046-01-05"),
        ("1/5/47", "1947-01-05"),
        ("13/1/2017", "2018-01-01"),
        ("0/0/2017", "2016-11-30"),
        ("Feb 30, 2017", "2017-03-02"),
        ("2/366/2017", "2018-02-01"),
        ("2017-01-05", "2017-01-05"),
    ],
)
def test_a_date_is_its_midnight(text: str, date: str) -> None:
    assert day(text) == f"{date}T00:00:00Z"


def test_midnight_is_that_of_the_zone() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert day("today", tokyo) == "2026-11-20T15:00:00Z"
    assert day("1/5/2017", tokyo) == "2017-01-04T15:00:00Z"
    assert day("2017-01-05T00:00Z", tokyo) == "2017-01-05T00:00:00Z"


def test_a_day_with_a_clock_change_ends_at_its_midnight() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert parse("time=10/25/2026", NOW_NS, berlin).query.where == AllOf(
        (
            Compare(Column.TIME, ">=", rfc3339.parse("2026-10-25T00:00:00+02:00")),
            Compare(Column.TIME, "<=", rfc3339.parse("2026-10-26T00:00:00+01:00")),
        )
    )


def test_iso_times_have_a_clock() -> None:
    start = rfc3339.parse("2026-11-20T08:15:00Z")
    for text in ("2026-11-20T10:15+02:00", '"2026-11-20 10:15+02:00"'):
        assert where(f"time<{text}") == Compare(Column.TIME, "<", start)
        assert where(f"time={text}") == AllOf(
            (Compare(Column.TIME, ">=", start), Compare(Column.TIME, "<", start + 60 * 10**9))
        )
    assert where("time=2026-11-20T08:15:00.5Z") == Compare(Column.TIME, "=", start + 5 * 10**8)


def test_an_iso_day_is_a_day_as_the_other_dates_are() -> None:
    plus_two = timezone(timedelta(hours=2))
    by_iso, by_slashes = (parse(f"time={text}", NOW_NS, plus_two) for text in ("2017-01-05", "1/5/2017"))
    assert by_iso == by_slashes


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow", "now", "-2h", "5 Jan 2017", "Foo 5, 2017", "Fooday, Jan 5, 2017", "Jan 5 2017", "1-5-2017", "1/5",
        "*", "", "1795213107", "2017-01-05..2017-01-06", "today..today", "2017-13-01", "2017-01-05x", "1/5/117",
        "1/5/2300", "Jan 5, 17", "99999999/1/2017", "1/999999999/2017", "1/1/999999999",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    assert fault(f'time>"{text}"').at == 5


# --- order and page ---


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("severity", Column.SEVERITY),
        ("message", Column.MESSAGE),
        ("usrname", Column.ACTOR),
        ("correlation_id", Column.CORRELATION),
    ],
)
def test_fields_with_a_column_are_sorted_by(text: str, column: Column) -> None:
    parsed = parse(f"sortby {text} desc", NOW_NS)
    assert parsed.query.order == Order(column, descending=True, newest_ties=True)
    assert parsed.warnings == ()


@pytest.mark.parametrize("text", ["type", "origin", "custom_event_id", "event_vm", "event_datacenter"])
def test_where_our_order_falls_short_the_field_is_named_for_the_caller_to_sort_by(text: str) -> None:
    parsed = parse(f"sortby {text} asc page 3", NOW_NS)
    assert parsed == Parsed(Query(page=3), is_paged=True, sort_by=text)
    assert parse(f"sortby {text} desc", NOW_NS) == Parsed(Query(), sort_by=text, descending=True)


@pytest.mark.parametrize("direction", ["", "asc", "desc"])
def test_sorting_by_what_is_the_same_everywhere_leaves_the_newest_first(direction: str) -> None:
    assert parse(f"sortby deleted {direction}", NOW_NS) == Parsed(Query())


def test_spaces_between_the_words_of_the_end_are_free() -> None:
    assert parse("foo sortbytimedescpage2 ", NOW_NS) == parse("foo  sortby time desc\npage 2", NOW_NS)
