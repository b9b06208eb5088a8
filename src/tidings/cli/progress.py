"""Progress bars on standard error: only where a person watches."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from tidings.cli import terminal

Advance = Callable[[int], None]
"""Say how far it is now, in the unit of the total."""


@contextlib.contextmanager
def progress(title: str, total: int | None) -> Iterator[Advance]:
    """Show a bar while the block runs, and give what moves it; without a terminal nothing is shown or imported."""
    if not terminal.is_terminal(sys.stderr):
        yield lambda _: None
        return
    from rich.console import Console  # a quarter of a second to import
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)
