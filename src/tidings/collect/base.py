"""What a collector is, what it is given, and what it may raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidings.clock import Clock
from tidings.collect.settings import Row, Settings
from tidings.errors import TidingsError
from tidings.event import Draft
from tidings.log.base import Appended


class Disconnected(TidingsError):
    """The system can't be reached, refuses us or went away; the message says which, and what to do where that helps."""


class Intake(Protocol):
    """Where one collector brings what it hears; also what tidings remembers for it."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def source(self) -> str:
        """What its events have as their source."""

    @property
    def cursor(self) -> str:
        """What `publish` was given last, also before a restart; empty at first."""

    @property
    def clock(self) -> Clock:
        """The time, for events that have none of their own."""

    def alive(self) -> None:
        """Note a sign of life of the system. Call it for whatever arrives, as soon as it is part of what `publish` will get."""

    async def connected(self, detail: str = "") -> None:
        """Note that from now on nothing is missed; *detail* is shown to the user. Again in the same run it does nothing.

        If something may have been missed before, the gap's event is on disk when this returns.
        """

    async def publish(self, drafts: Sequence[Draft], cursor: str | None = None) -> Appended:
        """Store *drafts* (there may be none) durably, then *cursor*. Implies `connected`; waits while the log or the disk refuses.

        Give it all that arrived until now: should tidings be killed, the gap begins at the last `alive` before this call.
        """


class Collector(Protocol):
    """A connection to one system. Made once, run again after each failure."""

    @property
    def settings(self) -> Settings:
        """Its row of the configuration."""

    @property
    def resumes(self) -> bool:
        """Whether it fetches by cursor what happened while it was away, so that being away is no gap."""

    async def run(self, intake: Intake) -> None:
        """Collect until it fails. Raises a TidingsError or OSError with the reason; cancelled when tidings stops."""


class Kind(Protocol):
    """What makes the collectors of one kind; a dialect's module is one."""

    def prepare(self, row: Row) -> Collector:
        """Return the collector that *row* asks for, without touching disk or network. Raises ConfigError."""


class Warnings(Protocol):
    """Who is told what needs a person's attention."""

    def raise_(self, type: str, entity: str, message: str) -> None:
        """Note that *entity* is in trouble of this *type*."""

    def resolve(self, type: str, entity: str) -> None:
        """Note that it is not, or no longer."""
