"""The long pieces of background work, for those who want to know of them while they last."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Literal, NamedTuple


class Work(NamedTuple):
    """One piece: a journal that becomes a segment, or segments that become one; the events *first* to *last*."""

    what: Literal["seal", "merge"]
    first: int
    last: int


Witness = Callable[[Work], AbstractContextManager[object]]
"""Called on the event loop when work begins; what it returns is left when the work ends, with the exception if it fails."""


class Witnesses:
    """Everybody who wants to know; their context managers mustn't raise."""

    def __init__(self) -> None:
        self._all: list[Witness] = []

    def add(self, witness: Witness) -> None:
        """Call *witness* from now on."""
        self._all.append(witness)

    def of(self, work: Work) -> ExitStack:
        """Return the block in which *work* is done."""
        stack = ExitStack()
        for witness in self._all:
            stack.enter_context(witness(work))
        return stack
