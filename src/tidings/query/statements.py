"""The statements that ask a segment's tables, put together from a compiled condition and closed words only."""

from __future__ import annotations

from typing import NamedTuple

from tidings.query.ast import Column, Order, Position
from tidings.query.sql import Sql

_ROW_COLUMNS = frozenset({Column.TIME, Column.SEVERITY})
_NAMED_COLUMNS = frozenset(
    {Column.KIND, Column.SOURCE, Column.DIALECT, Column.ACTOR, Column.SUBJECT, Column.SCOPE, Column.LOCATION}
)


class Statement(NamedTuple):
    """SQL text with its named parameters."""

    text: str
    parameters: dict[str, int | str | None]


class Within(NamedTuple):
    """A condition and the indexes it is asked of."""

    condition: Sql
    low: int
    high: int


def search(within: Within, order: Order, after: Position | None, limit: int) -> Statement:
    """Rows (sort value, index) strictly past *after*, in *order*."""
    source, parameters = _source(within)
    value = _sort_value(order.column)
    direction = "DESC" if order.descending else "ASC"
    ties = "DESC" if order.newest_ties else direction
    index = _index(within)
    past, past_tie = (">" if direction == "ASC" else "<"), (">" if ties == "ASC" else "<")
    condition = ""
    if after is not None:
        parameters |= {"value": after.value, "index": after.index}
        condition = (
            f" AND {index} {past} :index"
            if order.column is Column.INDEX
            else f" AND ({value} {past} :value OR ({value} = :value AND {index} {past_tie} :index))"
        )
    by = f"{index} {direction}" if order.column is Column.INDEX else f"1 {direction}, 2 {ties}"
    return Statement(f"SELECT {value}, r.idx {source}{condition} ORDER BY {by} LIMIT {limit:d}", parameters)


def count(within: Within) -> Statement:
    """One row, one number."""
    source, parameters = _source(within)
    return Statement(f"SELECT count(*) {source}", parameters)


def histogram(within: Within, step_ns: int) -> Statement:
    """Rows (start in ns, severity, total)."""
    source, parameters = _source(within)
    return Statement(f"SELECT {_floor('r.time', step_ns)}, r.severity, count(*) {source} GROUP BY 1, 2", parameters)


def rollup(start_s: int | None, end_s: int | None, step_s: int) -> Statement:
    """The histogram of all rows; every bound and the step a multiple of a minute."""
    coarse = all(value is None or value % 3600 == 0 for value in (start_s, end_s, step_s))
    text = (
        f"SELECT {_floor('start', step_s)} * 1000000000, severity, sum(total) FROM rollup WHERE step = :step"
        " AND start >= coalesce(:start, start) AND start < coalesce(:end, start + 1) GROUP BY 1, 2"
    )
    return Statement(text, {"step": 3600 if coarse else 60, "start": start_s, "end": end_s})


def facet(within: Within, column: Column, limit: int) -> Statement:
    """Rows (text or severity, total), the most frequent first."""
    source, parameters = _source(within)
    grouped = f"SELECT r.{column.value} AS code, count(*) AS total {source} GROUP BY 1"
    if column is Column.SEVERITY:
        return Statement(grouped, parameters)
    return Statement(
        f"SELECT n.text, g.total FROM ({grouped}) AS g JOIN names AS n ON n.id = g.code"
        f" ORDER BY 2 DESC, 1 LIMIT {limit:d}",
        parameters,
    )


def vocabulary(fragment: str, limit: int, *, at_end: bool) -> Statement:
    """Rows (word): the indexed words that hold *fragment*, or end with it."""
    condition = "substr(term, -length(:fragment)) = :fragment" if at_end else "instr(term, :fragment)"
    return Statement(f"SELECT term FROM vocabulary WHERE {condition} LIMIT {limit:d}", {"fragment": fragment})


def _source(within: Within) -> tuple[str, dict[str, int | str | None]]:
    sql = within.condition
    parameters: dict[str, int | str | None] = {**sql.parameters, "low": within.low, "high": within.high}
    if sql.match is None:
        return f"FROM rows AS r WHERE r.idx BETWEEN :low AND :high AND ({sql.text})", parameters
    parameters["match"] = sql.match
    # CROSS JOIN keeps the order: the text index drives, each hit is one look-up by rowid
    return (
        "FROM terms AS t CROSS JOIN rows AS r ON r.idx = t.rowid"
        f" WHERE t.terms MATCH :match AND t.rowid BETWEEN :low AND :high AND ({sql.text})"
    ), parameters


def _index(within: Within) -> str:
    return "r.idx" if within.condition.match is None else "t.rowid"


def _sort_value(column: Column) -> str:
    if column is Column.INDEX:
        return "r.idx"
    if column is Column.RECEIVED:
        return "(SELECT received FROM commits WHERE first <= r.idx ORDER BY first DESC LIMIT 1)"
    if column in _ROW_COLUMNS:
        return f"r.{column.value}"
    if column in _NAMED_COLUMNS:
        return f"coalesce((SELECT text FROM names WHERE id = r.{column.value}), '')"
    return f"line_value(r.idx, '{column.value}')"


def _floor(column: str, step: int) -> str:
    # SQLite's division rounds towards zero, times before 1970 are negative
    return f"({column} - (({column} % {step:d}) + {step:d}) % {step:d})"
