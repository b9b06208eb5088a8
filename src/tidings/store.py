"""The one small `state.db` beside the log: accounts, and whatever else must outlive a restart but is no event.

Every call blocks on the disk, so callers run them in a named thread. The schema is the numbered files of
`store_schema/`: each is applied once, in order, in a transaction of its own; ``PRAGMA user_version`` records the last.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import apsw

from tidings.errors import StorageError

Value = str | int | float | bytes | None
"""What SQLite stores."""

Row = tuple[Any, ...]
"""One row as SQLite gives it; the tables are STRICT, so the reader of a column knows its type."""

SCHEMA: Traversable = files("tidings") / "store_schema"
"""The folder of the numbered schema files."""

_BUSY_TIMEOUT_MS = 5_000
_PRIVATE = 0o600
_SIDE_FILES = ("-wal", "-shm")

_DAMAGE = (apsw.NotADBError, apsw.CorruptError)
_REFUSALS = (
    *_DAMAGE,
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.ConnectionClosedError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.PermissionsError,
    apsw.ReadOnlyError,
)


class Store:
    """An open `state.db`. Safe to use from any thread: one lock, one call at a time."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self._path = path
        self._connection = connection
        # Re-entrant, so that execute and query work inside transaction().
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path, *, schema: Traversable = SCHEMA) -> Store:
        """Open the file, or create it readable by its owner only, and bring its schema up to date.

        Raises StorageError, saying what to do, when the file is damaged, unusable or from a newer tidings.
        """
        try:
            _make_private(path)
            connection = apsw.Connection(str(path))
        except (OSError, apsw.Error) as error:
            raise StorageError(_cannot_open(path, error)) from error
        store = cls(path, connection)
        try:
            store._set_up(schema)
        except BaseException:
            connection.close()
            raise
        return store

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run an INSERT, UPDATE or DELETE; return how many rows changed. Durable on return, or with `transaction`."""
        with self._lock, self._explained():
            self._connection.execute(sql, parameters)
            return self._connection.changes()

    def query(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return all its rows."""
        with self._lock, self._explained():
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen at once or, when an exception leaves the block, not at all.

        Other threads wait meanwhile. A transaction inside a transaction is part of the outer one.
        """
        with self._lock:
            with self._explained():
                is_inner = self._connection.in_transaction
                if not is_inner:
                    self._connection.execute("BEGIN IMMEDIATE")
            if is_inner:
                yield
                return
            try:
                yield
                with self._explained():
                    self._connection.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself; then there is nothing left to undo.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it; may be called twice."""
        with self._lock:
            self._connection.close()

    def _set_up(self, schema: Traversable) -> None:
        try:
            if self._connection.readonly("main"):
                raise StorageError(_cannot_open(self._path, "it is read-only"))
            self._connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
            self.query("PRAGMA journal_mode = WAL")
            self.query("PRAGMA synchronous = FULL")
            self.query("PRAGMA foreign_keys = ON")
            faults = self.query("PRAGMA quick_check(1)")
            if faults != [("ok",)]:
                raise StorageError(_damaged(self._path, " ".join(str(faults[0][0]).split())))
            self._migrate(schema)
        except apsw.SQLError as error:
            # Our own statements are right, so the tables aren't ours.
            raise StorageError(_damaged(self._path, str(error))) from error

    def _migrate(self, schema: Traversable) -> None:
        """Apply the schema files that this database hasn't seen."""
        steps = _steps(schema)
        version = self._version()
        if version > len(steps):
            raise StorageError(
                f"{self._path} was written by a newer tidings (its schema is version {version}, this tidings knows "
                f"{len(steps)}); upgrade tidings, or restore the backup of the data directory made before the upgrade"
            )
        for number, step in enumerate(steps[version:], start=version + 1):
            with self.transaction():
                self.execute(step.read_text(encoding="utf-8"))
                self.execute(f"PRAGMA user_version = {number:d}")

    def _version(self) -> int:
        return int(self.query("PRAGMA user_version")[0][0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the disk did into a StorageError; a mistake in the SQL stays what it is."""
        try:
            yield
        except _DAMAGE as error:
            raise StorageError(_damaged(self._path, str(error))) from error
        except _REFUSALS as error:
            raise StorageError(f"{self._path} can't be used: {error}; nothing was changed") from error


def _steps(schema: Traversable) -> list[Traversable]:
    """Return the schema files in the order of their numbers, which are the versions 1, 2, 3, …"""
    steps = sorted((file for file in schema.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    for number, step in enumerate(steps, start=1):
        if not step.name.startswith(f"{number:04d}_"):
            raise StorageError(f"schema file {step.name} is out of order: number {number:04d} was expected")
    return steps


def _make_private(path: Path) -> None:
    """Create the file readable by its owner only, or take everybody else's rights to an existing one."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
    except FileExistsError:
        if not path.is_file():
            raise
    # By name and not by descriptor: closing a descriptor of a database drops this process's locks on it.
    for file in (path, *(path.with_name(path.name + suffix) for suffix in _SIDE_FILES)):
        if file.exists() and stat.S_IMODE(file.stat().st_mode) != _PRIVATE:
            file.chmod(_PRIVATE)


def _cannot_open(path: Path, reason: object) -> str:
    remedy = "it must be a file that the user running tidings may read and write, in a directory that exists"
    return f"can't open {path}: {reason}; {remedy}"


def _damaged(path: Path, reason: str) -> str:
    return (
        f"{path} is damaged or not a tidings state file ({reason}); stop tidings, move {path.name}, {path.name}-wal"
        f" and {path.name}-shm away and restore them from a backup. With no backup just start again: a new file is "
        "made, users and tokens must be added again, the events are not touched"
    )
