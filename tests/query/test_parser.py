"""The tidings search language: what each form means, and what is said about what isn't it."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.query.strategies import query_texts
from tidings import rfc3339
from tidings.errors import QuerySyntaxError
from tidings.query.ast import (
    EVERYTHING,
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
    Payload,
    Query,
    Words,
)
from tidings.query.parser import parse
from tidings.query.predicate import compile_predicate

NOW_NS = rfc3339.parse("2026-11-20T22:18:27.5Z")
TODAY_NS = rfc3339.parse("2026-11-20T00:00:00Z")
DAY_NS = 86_400_000_000_000

A, B, C = Words("a"), Words("b"), Words("c")


def where(text: str) -> Condition:
    return parse(text, NOW_NS).where


def text_is(column: Column, *parts: str) -> Compare:
    return Compare(column, "=", Pattern(parts))


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_empty_text_asks_for_everything(text: str) -> None:
    assert parse(text, NOW_NS) == Query(EVERYTHING)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("a b", AllOf((A, B))),
        ("a and b AND c", AllOf((A, B, C))),
        ("a or b or c", AnyOf((A, B, C))),
        ("a b or c", AnyOf((AllOf((A, B)), C))),
        ("a or b c", AnyOf((A, AllOf((B, C))))),
        ("a or b and c", AnyOf((A, AllOf((B, C))))),
        ("(a or b) c", AllOf((AnyOf((A, B)), C))),
        ("(a)(b)", AllOf((A, B))),
        ("a (b c)", AllOf((A, B, C))),
        ("a or (b or c)", AnyOf((A, B, C))),
        ("not a b", AllOf((Not(A), B))),
        ("not(a b)", Not(AllOf((A, B)))),
        ("NOT not a", Not(Not(A))),
        ("a has time", A),
        ("has time", EVERYTHING),
        ("not has index", Not(EVERYTHING)),
    ],
)
def test_not_binds_before_and_and_before_or(text: str, condition: Condition) -> None:
    assert where(text) == condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("actor=root", text_is(Column.ACTOR, "root")),
        ("ACTOR = Root", text_is(Column.ACTOR, "Root")),
        ("user = root", text_is(Column.ACTOR, "root")),
        ("type = lxd.*", text_is(Column.KIND, "lxd.", "")),
        ("kind = a**b*", text_is(Column.KIND, "a", "b", "")),
        ("actor != root", Not(text_is(Column.ACTOR, "root"))),
        ('actor = ""', text_is(Column.ACTOR, "")),
        ("actor = and", text_is(Column.ACTOR, "and")),
        ("source = https://x/y?a=b#c", text_is(Column.SOURCE, "https://x/y?a=b#c")),
        ("actor = it's", text_is(Column.ACTOR, "it's")),
        ("actor = a,b", text_is(Column.ACTOR, "a,b")),
        (r"actor = DOM\user", text_is(Column.ACTOR, r"DOM\user")),
        ('message = "a b*c"', text_is(Column.MESSAGE, "a b", "c")),
        (r'message = "a\*b\"c\\d\n"', text_is(Column.MESSAGE, 'a*b"c\\d\n')),
        (r"message = 'say \'hi\' \"'", text_is(Column.MESSAGE, "say 'hi' \"")),
        ('message = "a"severity = error', AllOf((text_is(Column.MESSAGE, "a"), Compare(Column.SEVERITY, "=", 3)))),
        ("message ~ foo", Contains("foo", (Column.MESSAGE,))),
        ('message ~ "a*b"', text_is(Column.MESSAGE, "", "a", "b", "")),
        ("message ~ *", text_is(Column.MESSAGE, "", "")),
        ("has actor", text_is(Column.ACTOR, "", "")),
    ],
)
def test_text_fields_take_patterns(text: str, condition: Condition) -> None:
    assert where(text) == condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("index > 1000", Compare(Column.INDEX, ">", 1000)),
        ("sequence <= -1", Compare(Column.INDEX, "<=", -1)),
        ("index != 0", Not(Compare(Column.INDEX, "=", 0))),
        ("index = 9223372036854775807", Compare(Column.INDEX, "=", 2**63 - 1)),
        ("index = 000000000000000000000001", Compare(Column.INDEX, "=", 1)),
        ("severity >= warning", Compare(Column.SEVERITY, ">=", 2)),
        ("level<'CRIT'", Compare(Column.SEVERITY, "<", 4)),
    ],
)
def test_number_fields_are_ordered(text: str, condition: Condition) -> None:
    assert where(text) == condition


def today(operator: str, bound_ns: int) -> Compare:
    return Compare(Column.TIME, operator, bound_ns)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("time > -2h", today(">", NOW_NS - 7_200_000_000_000)),
        ("time = now", today("=", NOW_NS)),
        ("time = today", AllOf((today(">=", TODAY_NS), today("<", TODAY_NS + DAY_NS)))),
        ("time != today", Not(AllOf((today(">=", TODAY_NS), today("<", TODAY_NS + DAY_NS))))),
        ("time > 2026-11-20", today(">=", TODAY_NS)),
        ("time >= 2026-11-20", today(">=", TODAY_NS)),
        ("time < 2026-11-20", today("<", TODAY_NS)),
        ("time <= 2026-11-20", today("<", TODAY_NS + DAY_NS)),
        ('time > "2026-11-20 00:00:00"', today(">", TODAY_NS)),
        ("time = yesterday..today", AllOf((today(">=", TODAY_NS - DAY_NS), today("<", TODAY_NS + DAY_NS)))),
        ('time > -2h "10:15"', AllOf((today(">", NOW_NS - 7_200_000_000_000), Words("10:15")))),
        ("received < now", Compare(Column.RECEIVED, "<", NOW_NS)),
    ],
)
def test_times_are_compared_with_spans_and_instants(text: str, condition: Condition) -> None:
    assert where(text) == condition


def test_a_time_without_zone_is_meant_in_the_given_one() -> None:
    query = parse("time >= 2026-11-20T02:00:00", NOW_NS, timezone(timedelta(hours=2)))

    assert query.where == Compare(Column.TIME, ">=", TODAY_NS)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("actor in (root)", text_is(Column.ACTOR, "root")),
        ('actor IN (root,"a, b" , c*)', AnyOf((text_is(Column.ACTOR, "root"), text_is(Column.ACTOR, "a, b"), text_is(Column.ACTOR, "c", "")))),
        ("actor not in (a,b)", Not(AnyOf((text_is(Column.ACTOR, "a"), text_is(Column.ACTOR, "b"))))),
        ("severity in(error, alert)", AnyOf((Compare(Column.SEVERITY, "=", 3), Compare(Column.SEVERITY, "=", 4)))),
        ("vm in (a) b", AllOf((Compare(LinkTo("vm"), "=", Pattern(("a",))), B))),
    ],
)  # fmt: skip
def test_a_list_asks_for_one_of_its_values(text: str, condition: Condition) -> None:
    assert where(text) == condition


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("vm = x", LinkTo("vm")),
        ("VM.ID = x", LinkTo("vm", "id")),
        ("vm.name = x", LinkTo("vm")),
        ("vm.any = x", LinkTo("vm", "any")),
        ("link.odd-type = x", LinkTo("odd-type")),
        ("link.Odd.id = x", LinkTo("Odd", "id")),
        ("link.VM = x", LinkTo("vm")),
        ('link."VM" = x', LinkTo("VM")),
        ('link."a.b".id = x', LinkTo("a.b", "id")),
        ("data.request.Action = x", Payload(("request", "Action"))),
        ('Data."a b"."q\\"".0 = x', Payload(("a b", 'q"', "0"))),
        ("attr.dataschema = x", Payload(("dataschema",), attribute=True)),
        ("attr.a.b = x", Payload(("a", "b"), attribute=True)),
        ("Action = x", Payload(("action",), attribute=True)),
        ("category = x", Payload(("category",), attribute=True)),
    ],
)
def test_links_payload_and_attributes_are_fields(text: str, target: LinkTo | Payload) -> None:
    assert where(text) == Compare(target, "=", Pattern(("x",)))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("data.x = 42", Compare(Payload(("x",)), "=", Pattern(("42",)))),
        ("data.x != null", Not(Compare(Payload(("x",)), "=", Pattern(("null",))))),
        ("data.x > 4.5e1", Compare(Payload(("x",)), ">", 45.0)),
        ("data.x <= -.5", Compare(Payload(("x",)), "<=", -0.5)),
        ("data.x ~ foo", Compare(Payload(("x",)), "=", Pattern(("", "foo", "")))),
        ("has data.x", Compare(Payload(("x",)), "=", Pattern(("", "")))),
        ('has data."a b"', Compare(Payload(("a b",)), "=", Pattern(("", "")))),
        ("has vm", Compare(LinkTo("vm", "any"), "=", Pattern(("", "")))),
        ("has vm.id", Compare(LinkTo("vm", "id"), "=", Pattern(("", "")))),
        ("vm ~ web", Contains("web", (LinkTo("vm"),))),
    ],
)
def test_values_of_links_and_payload_are_compared(text: str, condition: Condition) -> None:
    assert where(text) == condition


def in_any_text(*parts: str) -> AnyOf:
    return AnyOf(tuple(text_is(column, *parts) for column in (Column.MESSAGE, Column.SUBJECT, Column.ACTOR)))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("started", Words("started")),
        ("web-1", Words("web-1")),
        ("10.0.0.1:8443", Words("10.0.0.1:8443")),
        ("data.x", Words("data.x")),
        ("hello!", Words("hello!")),
        ("don't", Words("don't")),
        ("page", Words("page")),
        ("日本", Words("日本")),
        ('"disk full"', Words("disk full")),
        ('"and"', Words("and")),
        ("start*", Words("start", prefix=True)),
        ('"disk fu*"', Words("disk fu", prefix=True)),
        ("web-*", Words("web-")),
        ("*", in_any_text("", "")),
        ("*art", in_any_text("", "art", "")),
        ("st*ed", in_any_text("", "st", "ed", "")),
        ("--*", in_any_text("", "--", "")),
        ("--", Contains("--", (Column.MESSAGE, Column.SUBJECT, Column.ACTOR))),
        (r'"\*"', Contains("*", (Column.MESSAGE, Column.SUBJECT, Column.ACTOR))),
    ],
)
def test_free_text_is_looked_for_in_the_text_of_the_event(text: str, condition: Condition) -> None:
    assert where(text) == condition


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("sortby time", Query(order=Order(Column.TIME, descending=False))),
        ("SORTBY level DESC", Query(order=Order(Column.SEVERITY, descending=True))),
        ("page 3", Query(page=3)),
        ("a sortby user asc page 2", Query(A, Order(Column.ACTOR, descending=False), page=2)),
        ("a page 2", Query(A, page=2)),
        ("page page 2", Query(Words("page"), page=2)),
    ],
)
def test_order_and_page_come_last(text: str, query: Query) -> None:
    assert parse(text, NOW_NS) == query


def refused(text: str) -> QuerySyntaxError:
    with pytest.raises(QuerySyntaxError) as error:
        parse(text, NOW_NS)
    return error.value


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        ("sevrity = error", 0, "unknown field 'sevrity'"),
        ("a (nme in (b))", 3, "unknown field 'nme'"),
        ("has sevrity", 4, "unknown field 'sevrity'"),
        ("data = 1", 0, "unknown field 'data'"),
        ("data. = 1", 0, "unknown field 'data.'"),
        ("data.a..b = 1", 0, "unknown field 'data.a..b'"),
        ("link = 1", 0, "unknown field 'link'"),
        ("link.vm.x = 1", 0, "unknown field 'link.vm.x'"),
        ("vm.x = 1", 0, "unknown field 'vm.x'"),
        ("foo.x = 1", 0, "unknown field 'foo.x'"),
        ("x" * 50 + " = 1", 0, "unknown field '" + "x" * 40 + "…'"),
        ("severity = eror", 11, "unknown severity 'eror'"),
        ("severity = e*", 11, "unknown severity 'e*'"),
        ("severity ~ e", 9, "'severity' can't be compared with '~'"),
        ("message > a", 8, "'message' can't be compared with '>'"),
        ("vm < a", 3, "'vm' can't be compared with '<'"),
        ("actor == root", 6, "unknown operator '=='"),
        ("actor =~ root", 6, "unknown operator '=~'"),
        ("actor !~ root", 6, "unknown operator '!~'"),
        ("actor =<x>", 6, "unknown operator '=<'"),
        ("index = 1x", 8, "index is a whole number, found '1x'"),
        ("index = 1.5", 8, "index is a whole number, found '1.5'"),
        ("index = 9223372036854775808", 8, "'9223372036854775808' is larger than any index"),
        ("index = " + "9" * 5000, 8, "'" + "9" * 40 + "…' is larger than any index"),
        ("data.x > abc", 9, "'data.x' is ordered by number, found 'abc'"),
        ("data.x > 1e999", 9, "'1e999' is too large a number"),
        ("time > soon", 7, "'soon' is not a time"),
        ("time > today..now", 7, "a range of times can't be compared with '>'"),
        ("time > 2026-11-20 10:15", 18, "a time of day apart from its date"),
        ("actor =", 7, "expected a value after '=', found the end"),
        ("(actor = )", 9, "expected a value after '=', found ')'"),
        ("actor = (a, b)", 8, "expected a value after '=', found '('"),
        ("actor in (", 10, "expected a value after '(', found the end"),
        ("actor in ()", 10, "expected a value after '(', found ')'"),
        ("actor in (a, )", 13, "expected a value after ',', found ')'"),
        ("actor in (a", 9, "'(' is never closed"),
        ("actor in (a b)", 12, "expected ',' or ')', found 'b'"),
        ("in (a)", 0, "expected a field before 'in'"),
        ("= a", 0, "expected a condition, found '='"),
        ('"a" = b', 4, "expected a condition, found '='"),
        ("a and", 5, "expected a condition, found the end"),
        ("a or or b", 5, "expected a condition before 'or'"),
        ("and a", 0, "expected a condition before 'and'"),
        ("a and sortby time", 6, "expected a condition before 'sortby'"),
        ("not", 3, "expected a condition, found the end"),
        ("has", 3, "expected a field after 'has', found the end"),
        ("()", 1, "expected a condition, found ')'"),
        ("(a", 0, "'(' is never closed"),
        ("a)", 1, "')' without '(' before it"),
        ("!a", 0, "unexpected '!a'"),
        ("a || b", 2, "unexpected '||'"),
        ('a "b', 2, 'the quote " is never closed'),
        ('a "b\\', 2, "the quote is never closed"),
        (r'"a\xb"', 2, r"unknown escape '\x'"),
        ('actor = a"b"', 9, "a quote inside a value"),
        ('""', 0, "nothing between the quotes"),
        ("sortby", 6, "expected a field after 'sortby', found the end"),
        ("sortby sevrity", 7, "unknown field 'sevrity'"),
        ("sortby vm", 7, "can't sort by 'vm'"),
        ("sortby time up", 12, "expected the end, found 'up'"),
        ("sortby time = 1", 12, "expected the end, found '='"),
        ("page 2 a", 7, "expected the end, found 'a'"),
        ("page 2 sortby time", 7, "expected the end, found 'sortby'"),
        ("a page 0", 2, "pages count from 1"),
        ("page -1", 0, "pages count from 1"),
        ("page 99999999999", 0, "pages count from 1"),
        ("(" * 51, 50, "nested more than 50 deep"),
        ("not " * 10_000, 10_000, "the search is longer than 10000 characters"),
        ("not " * 2_000 + "a", 200, "nested more than 50 deep"),
        ("a\0b", 1, "unusable character U+0000"),
        ("a \ud800", 2, "unusable character U+D800"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, at: int, reason: str) -> None:
    error = refused(text)

    assert (error.reason, error.at) == (reason, at)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("sevrity = error", "did you mean 'severity'?"),
        ("foo = bar", "put quotes around text"),
        ("data = 1", "data.request.action"),
        ("vm.x = 1", "vm.id"),
        ("severity = eror", "did you mean 'error'? severities are debug, normal, warning, error, alert"),
        ("severity = zzz", "severities are debug, normal, warning, error, alert"),
        ("message > a", "it takes = != ~ and in"),
        ("actor == root", "use '=' for equal"),
        ("time > 2h", "did you mean '-2h'"),
        ("actor = (a, b)", "actor in (…)"),
        ("!a", "not"),
    ],
)
def test_a_fault_comes_with_what_to_write_instead(text: str, part: str) -> None:
    assert part in (refused(text).suggestion or "")


def test_fifty_levels_are_not_too_many() -> None:
    assert where("(" * 50 + "a" + ")" * 50) == A


_TOKENS = st.sampled_from(
    ["(", ")", '"', "'", "\\", "*", ",", "=", "!=", "~", ">", "!", " ", "\n", "in (", "not ", " in", "has ", " and ", " or ",
     "sortby ", "page ", "2", "time", "severity", "index", "data.", "data.x", 'link."', "vm", "actor", "error", "-2h",
     "2026-11-20", "..", "today", "a", "É", "K", "\u212a", "İ", "日本", "\u2028", "٣", "10:15", "1e5", "\0", "\ud800", "~*"]
)  # fmt: skip


def fault_at(text: str) -> int:
    """Return where *text* is refused; 0 when it is a query, which must then be one that can be evaluated."""
    try:
        compile_predicate(where(text))
    except QuerySyntaxError as error:
        return error.at
    return 0


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(_TOKENS, max_size=30).map("".join), st.lists(_TOKENS, max_size=30).map(" ".join)))
@example("(" * 10_000)
@example("actor in (" * 900)
@example('data."' * 1_500)
@example("page " * 2_000)
@example("-1h" * 3_000)
@example("time > " + "1h" * 3_000)
@example("x" * 9_990 + " = 1")
def test_any_text_is_a_query_or_refused_at_a_place_within_it(text: str) -> None:
    assert 0 <= fault_at(text) <= len(text)


@given(query_texts)
def test_every_text_of_the_grammar_is_a_query_that_can_be_evaluated(text: str) -> None:
    compile_predicate(where(text))


@pytest.mark.parametrize("head", ["data", "attr"])
@pytest.mark.parametrize("form", ["a and {} = 1", "a and has {}", "a and {} in (1)"])
def test_a_path_of_more_than_32_steps_is_refused_where_it_begins(head: str, form: str) -> None:
    parse(form.format(head + ".a" * 32), NOW_NS)
    with pytest.raises(QuerySyntaxError, match="a path has at most 32 steps") as caught:
        parse(text := form.format(head + ".a" * 33), NOW_NS)
    assert caught.value.at == text.index(head)
