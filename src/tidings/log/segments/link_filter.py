"""Which stored links may match a condition, as a pattern for SQL: a sieve before they are taken apart one by one."""

from __future__ import annotations

from urllib.parse import quote_plus

from tidings.query.ast import Compare, Contains, LinkTo, Pattern
from tidings.query.pattern import to_like

_ALL = "%"


def link_filter(test: Compare | Contains) -> str:
    r"""Return a pattern for ``LIKE … ESCAPE '\'`` that every text of `event.encode_links` matches which fulfils *test*.

    The longest literal part stands in the text just as it is written in a URL, behind the type where one is named; but text
    beyond ASCII is written as bytes, where letter case can't be ignored, and a missing value isn't written at all.
    """
    match test:
        case Compare(LinkTo(type), _, Pattern(parts)):
            literal, key = max(parts, key=len), quote_plus(type)
        case Contains(text):
            literal, key = text, ""
        case _:
            return _ALL
    if not literal or not literal.isascii():
        return _ALL
    return to_like(Pattern(("", key, quote_plus(literal), "")))
