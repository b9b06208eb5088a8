"""The tidings search language: text in, `Query` out.

::

    query = [ either ] [ "sortby" field [ "asc" | "desc" ] ] [ "page" number ]
    either = every { "or" every }
    every = term { [ "and" ] term }
    term = "not" term | "(" either ")" | "has" field | field operator value
         | field [ "not" ] "in" "(" value { "," value } ")" | text

``not`` binds closest, then ``and``, said or unsaid, then ``or``. Operators are ``= != < <= > >=`` and ``~`` (contains).
Words of the language and field names are taken in any letter case; in quotes they are text.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import NoReturn, cast

from tidings.query import _names
from tidings.query._scanner import Scanner, Value, shown
from tidings.query._values import WRITTEN_OPERATORS, Now, Refusal, WrittenOperator, compare, disjoin, free_text, has
from tidings.query.ast import EVERYTHING, Column, Condition, Not, Order, Payload, Query, Target, conjoin

MAX_NESTING = 50
MAX_STEPS = 32
_MAX_PAGE = 2**31 - 1

_HINTS = {
    "==": "use '=' for equal",
    "<>": "use '!=' for not equal",
    "=>": "did you mean '>='?",
    "=<": "did you mean '<='?",
    "=~": "use '~' for contains; * is the wildcard",
    "~=": "use '~' for contains; * is the wildcard",
    "!~": "write not FIELD ~ VALUE",
}


def parse(text: str, now_ns: int, zone: tzinfo = UTC) -> Query:
    """Return the query that *text* asks for; empty text asks for everything, newest first.

    *now_ns* is what relative times are counted from, *zone* where dates and times without a zone are meant.
    Raises QuerySyntaxError and nothing else, whatever the text.
    """
    return _Parser(text, Now(now_ns, zone)).query()


class _Parser:
    def __init__(self, text: str, now: Now) -> None:
        self._scan = Scanner(text)
        self._now = now
        self._depth = 0

    def query(self) -> Query:
        where = EVERYTHING if self._at_clause() or self._scan.at_end() else self._either()
        order = self._order()
        page = self._page()
        if not self._scan.at_end():
            self._unexpected()
        return Query(where, order, page=page)

    def _unexpected(self) -> NoReturn:
        if self._scan.take(")"):
            self._scan.fail(self._scan.at - 1, "')' without '(' before it", 'put quotes around text: ")"')
        self._scan.fail(
            self._scan.at,
            f"expected the end, found {self._scan.found()}",
            "sortby and page come last, in this order; in quotes they are text",
        )

    def _at_clause(self) -> bool:
        return self._scan.peek_word() == "sortby" or self._scan.is_at_page()

    def _order(self) -> Order:
        if self._scan.peek_word() != "sortby":
            return Order()
        self._scan.word()
        column = self._sort_column()
        direction = self._scan.peek_word()
        if direction in ("asc", "desc"):
            self._scan.word()
        return Order(column, descending=direction == "desc")

    def _sort_column(self) -> Column:
        at = self._scan.skip_space()
        name = self._scan.name()
        if name is None:
            self._scan.fail(at, f"expected a field after 'sortby', found {self._scan.found()}")
        target = self._resolve(name, at)
        if not isinstance(target, Column):
            self._scan.fail(at, f"can't sort by {shown(name)}", "sort by a field such as time or severity")
        return target

    def _page(self) -> int:
        at = self._scan.skip_space()
        page = self._scan.page()
        if page is not None and not 1 <= page <= _MAX_PAGE:
            self._scan.fail(at, "pages count from 1", "write page 1 for the first")
        return page or 1

    def _either(self) -> Condition:
        parts = [self._every()]
        while self._scan.peek_word() == "or":
            self._scan.word()
            parts.append(self._every())
        return disjoin(parts)

    def _every(self) -> Condition:
        parts = [self._term()]
        while True:
            word = self._scan.peek_word()
            if word == "and":
                self._scan.word()
            elif word == "or" or self._at_clause() or self._scan.at_end() or self._scan.text[self._scan.at] == ")":
                return conjoin(*parts)
            parts.append(self._term())

    def _term(self) -> Condition:
        at = self._scan.skip_space()
        if self._scan.take("("):
            return self._group(at)
        if value := self._scan.quoted():
            return self._made(None, "=", value)
        match self._scan.peek_word():
            case "":
                hint = None if self._scan.at_end() else "put quotes around text that holds = < > ~ or parentheses"
                self._scan.fail(at, f"expected a condition, found {self._scan.found()}", hint)
            case "and" | "or" | "sortby" as word:
                self._scan.fail(at, f"expected a condition before '{word}'", f'put quotes around text: "{word}"')
            case "not":
                return self._negation(at)
            case "has":
                return self._has()
        return self._named_or_text(at)

    def _descend(self, at: int) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._scan.fail(at, f"nested more than {MAX_NESTING} deep")

    def _group(self, at: int) -> Condition:
        self._descend(at)
        inner = self._either()
        if not self._scan.take(")"):
            self._scan.fail(at, "'(' is never closed", "add ')' after the group")
        self._depth -= 1
        return inner

    def _negation(self, at: int) -> Condition:
        self._descend(at)
        self._scan.word()
        inner = self._term()
        self._depth -= 1
        return Not(inner)

    def _has(self) -> Condition:
        self._scan.word()
        at = self._scan.skip_space()
        name = self._scan.name()
        if name is None:
            self._scan.fail(
                at, f"expected a field after 'has', found {self._scan.found()}", 'put quotes around text: "has"'
            )
        return has(self._resolve(name, at))

    def _named_or_text(self, at: int) -> Condition:
        name = self._scan.name()
        assert name is not None  # a word was seen here
        if self._scan.is_at_operator():
            return self._comparison(self._resolve(name, at))
        if (wanted := self._scan.in_list()) is not None:
            return self._one_of(self._resolve(name, at), wanted=wanted)
        self._scan.at = at
        if name.startswith("!") or name in ("&&", "||"):
            self._scan.fail(at, f"unexpected {shown(name)}", "write and, or, not; put quotes around text")
        if name.lower() == "in" and self._opens_list(name):
            self._scan.fail(at, "expected a field before 'in'", 'put quotes around text: "in"')
        word = self._scan.word()
        assert word is not None
        return self._made(None, "=", word)

    def _opens_list(self, name: str) -> bool:
        return self._scan.text[self._scan.at + len(name) :].lstrip().startswith("(")

    def _resolve(self, name: str, at: int) -> Target:
        target = _names.resolve(name)
        if target is None:
            self._scan.fail(at, f"unknown field {shown(name)}", _names.suggest(name))
        if isinstance(target, Payload) and len(target.path) > MAX_STEPS:
            self._scan.fail(at, f"a path has at most {MAX_STEPS} steps")
        return target

    def _comparison(self, target: Target) -> Condition:
        at = self._scan.skip_space()
        operator = self._operator(target, at)
        value = self._value(f"'{operator}'", target)
        condition = self._made(target, operator, value)
        self._refuse_loose_clock(target, value)
        return condition

    def _operator(self, target: Target, at: int) -> WrittenOperator:
        operator = self._scan.operator() or ""
        if operator not in WRITTEN_OPERATORS:
            hint = _HINTS.get(operator, "put quotes around a value that begins so")
            self._scan.fail(at, f"unknown operator {shown(operator)}", hint)
        known = _names.operators_of(target)
        if operator not in known:
            name = shown(_names.name_of(target))
            self._scan.fail(at, f"{name} can't be compared with '{operator}'", f"it takes {' '.join(known)} and in")
        return cast(WrittenOperator, operator)

    def _value(self, after: str, target: Target, *, in_list: bool = False) -> Value:
        at = self._scan.skip_space()
        if self._scan.text.startswith("(", at):
            hint = f"write {_names.name_of(target)} in (…) for several values, or quotes around the value"
            self._scan.fail(at, f"expected a value after {after}, found '('", hint)
        value = self._scan.value(in_list=in_list)
        if value is None:
            self._scan.fail(
                at, f"expected a value after {after}, found {self._scan.found()}", 'an empty value is written ""'
            )
        return value

    def _one_of(self, target: Target, *, wanted: bool) -> Condition:
        conditions: list[Condition] = []
        opened = self._scan.at - 1
        after = "'('"
        while True:
            conditions.append(self._made(target, "=", self._value(after, target, in_list=True)))
            if self._scan.take(")"):
                break
            if not self._scan.take(","):
                if self._scan.at_end():
                    self._scan.fail(opened, "'(' is never closed", "add ')' after the values")
                self._scan.fail(self._scan.at, f"expected ',' or ')', found {self._scan.found()}")
            after = "','"
        condition = disjoin(conditions)
        return condition if wanted else Not(condition)

    def _made(self, target: Target | None, operator: WrittenOperator, value: Value) -> Condition:
        """Make the condition for a value of *target*, or without one for free text."""
        try:
            return free_text(value) if target is None else compare(target, operator, value, self._now)
        except Refusal as refusal:
            self._scan.fail(value.at, refusal.reason, refusal.suggestion)

    def _refuse_loose_clock(self, target: Target, value: Value) -> None:
        """Refuse ``time > 2026-11-20 10:15``: it would quietly search for the text 10:15."""
        is_day = target in (Column.TIME, Column.RECEIVED) and not value.quoted and ":" not in value.text
        if is_day and self._scan.is_at_clock():
            hint = "write 2026-11-20T10:15, or quotes around a time that has spaces"
            self._scan.fail(self._scan.at, "a time of day apart from its date", hint)
