"""The category that an event is shown with, and the condition that finds a category: one table makes both.

Container Station's own kinds are ``container-station.<category>.<what>``; the category is percent-encoded there where it
holds anything but letters, digits, ``-``, ``_`` and ``~``, so that each one comes back as it was. Other kinds have the
category of the first pattern that fits, else ``system``.
"""

from __future__ import annotations

import functools
import urllib.parse

from tidings.query.ast import AnyOf, Column, Compare, Condition, Not, Pattern, conjoin
from tidings.query.pattern import compile_pattern

NAME = "container-station"
SYSTEM = "system"
MAX_WORD = 100
"""Characters of a category, and of what happened, in a kind."""

_OWN = f"{NAME}."


def _pattern(*parts: str) -> Pattern:
    return Pattern(parts, case_sensitive=True)


_RULES: tuple[tuple[Pattern, str], ...] = (
    (_pattern("lxd.lifecycle.instance-backup-", ""), "backup"),
    (_pattern("lxd.lifecycle.instance-", ""), "container"),
    (_pattern("lxd.lifecycle.image-", ""), "image"),
    (_pattern("ovirt.VM_BACKUP_", ""), "backup"),
    (_pattern("ovirt.VM_", ""), "container"),
    (_pattern("ovirt.", "_VM"), "container"),
    # those that don't end so, and aren't about templates and pools
    (_pattern("ovirt.USER_ADD_VM_FINISHED_", ""), "container"),
    (_pattern("ovirt.USER_REMOVE_VM_FINISHED", ""), "container"),
)


def kind_of(category: str, what: str) -> str:
    """Return the kind of an event of Container Station; an empty *category* is ``system``. Both are cut to `MAX_WORD` characters."""
    return f"{_OWN}{_encoded(category[:MAX_WORD] or SYSTEM)}.{_encoded(what[:MAX_WORD])}"


@functools.lru_cache(maxsize=4096)
def category_of(kind: str) -> str:
    """Return the category that events of *kind*, of whatever system, are shown with; never empty."""
    if kind.startswith(_OWN):
        return _decoded(kind[len(_OWN) :].partition(".")[0]) or SYSTEM
    return next((category for pattern, category in _RULES if compile_pattern(pattern)(kind)), SYSTEM)


@functools.lru_cache(maxsize=256)
def category_condition(category: str) -> Condition:
    """Return what holds for the events whose kind `category_of` puts into *category*."""
    # text that isn't as we would encode it stands for itself
    spellings = dict.fromkeys(spelling for spelling in (_encoded(category), category) if _decoded(spelling) == category)
    found: list[Condition] = [_own(spelling) for spelling in spellings if spelling and "." not in spelling]
    others: list[Condition] = [_is(_pattern(_OWN, ""))]
    for pattern, of_rule in _RULES:
        if of_rule == category:
            found.append(conjoin(_is(pattern), Not(AnyOf(tuple(others)))))
        else:
            others.append(_is(pattern))
    if category == SYSTEM:
        found += [_own(""), conjoin(*(Not(other) for other in others))]
    return AnyOf(tuple(found))


def _own(spelling: str) -> Condition:
    return AnyOf((_is(_pattern(_OWN + spelling)), _is(_pattern(f"{_OWN}{spelling}.", ""))))


def _is(pattern: Pattern) -> Condition:
    return Compare(Column.KIND, "=", pattern)


def _encoded(word: str) -> str:
    return urllib.parse.quote(word, safe="", errors="replace").replace(".", "%2E")


def _decoded(spelling: str) -> str:
    word = urllib.parse.unquote(spelling)
    return word if _encoded(word) == spelling else spelling
