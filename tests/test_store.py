"""The state file: private, durable, migrated in order, and clear about what is wrong with it."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from tidings.errors import StorageError
from tidings.store import SCHEMA, Store

ACCOUNT = "INSERT INTO users (name, hash, role) VALUES (?, ?, 'reader')"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "0001_pets.sql").write_text("CREATE TABLE pets (name TEXT) STRICT; INSERT INTO pets VALUES ('rex');")
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(store: Store) -> list[str]:
    return [name for (name,) in store.query("SELECT name FROM users ORDER BY name")]


def test_a_new_file_and_its_side_files_are_readable_by_the_owner_only(path: Path) -> None:
    store = Store.open(path)
    assert {file.name: mode(file) for file in path.parent.iterdir()} == {
        "state.db": 0o600,
        "state.db-wal": 0o600,
        "state.db-shm": 0o600,
    }
    store.close()


def test_an_existing_file_loses_the_rights_of_others(path: Path) -> None:
    Store.open(path).close()
    path.chmod(0o644)
    Store.open(path).close()
    assert mode(path) == 0o600


def test_what_was_stored_is_there_after_reopening(path: Path) -> None:
    store = Store.open(path)
    assert store.execute(ACCOUNT, ("ann", "h")) == 1
    store.close()
    store = Store.open(path)
    assert names(store) == ["ann"]
    store.close()


def test_every_commit_is_flushed_to_the_disk(path: Path) -> None:
    store = Store.open(path)
    assert store.query("PRAGMA journal_mode") == [("wal",)]
    assert store.query("PRAGMA synchronous") == [(2,)]
    store.close()


def test_execute_says_how_many_rows_changed(path: Path) -> None:
    store = Store.open(path)
    store.execute(ACCOUNT, ("ann", "h"))
    store.execute(ACCOUNT, ("bob", "h"))
    assert store.execute("UPDATE users SET role = 'admin'") == 2
    assert store.execute("DELETE FROM users WHERE name = ?", ("nobody",)) == 0
    store.close()


def test_an_exception_undoes_the_whole_transaction(path: Path) -> None:
    store = Store.open(path)
    with pytest.raises(LookupError), store.transaction():
        store.execute(ACCOUNT, ("ann", "h"))
        raise LookupError
    assert names(store) == []
    store.close()


def test_an_inner_transaction_is_undone_with_the_outer_one(path: Path) -> None:
    store = Store.open(path)
    with pytest.raises(LookupError), store.transaction():
        with store.transaction():
            store.execute(ACCOUNT, ("ann", "h"))
        raise LookupError
    assert names(store) == []
    store.close()


def test_transactions_of_many_threads_dont_mix(path: Path, schema: Path) -> None:
    (schema / "0002_counter.sql").write_text("CREATE TABLE counter (n INTEGER) STRICT; INSERT INTO counter VALUES (0);")
    store = Store.open(path, schema=schema)
    start = threading.Barrier(4)

    def count() -> None:
        start.wait()
        for _ in range(10):
            with store.transaction():
                [(n,)] = store.query("SELECT n FROM counter")
                store.execute("UPDATE counter SET n = ?", (n + 1,))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.query("SELECT n FROM counter") == [(40,)]
    store.close()


def test_the_shipped_schema_files_are_numbered_from_one_without_gaps(path: Path) -> None:
    steps = sorted(file.name for file in SCHEMA.iterdir() if file.name.endswith(".sql"))
    assert [int(name[:4]) for name in steps] == list(range(1, len(steps) + 1))
    store = Store.open(path)
    assert store.query("PRAGMA user_version") == [(len(steps),)]
    store.close()


def test_only_new_schema_files_are_applied_in_the_order_of_their_numbers(path: Path, schema: Path) -> None:
    Store.open(path, schema=schema).close()
    (schema / "0003_rename.sql").write_text("ALTER TABLE owners RENAME TO people;")
    (schema / "0002_owners.sql").write_text("CREATE TABLE owners (name TEXT) STRICT;")
    store = Store.open(path, schema=schema)
    assert store.query("SELECT name FROM pets") == [("rex",)]
    assert store.query("SELECT name FROM people") == []
    assert store.query("PRAGMA user_version") == [(3,)]
    store.close()


def test_a_schema_file_that_fails_leaves_nothing_behind(path: Path, schema: Path) -> None:
    (schema / "0002_broken.sql").write_text("CREATE TABLE half (name TEXT) STRICT; CREATE TABLE pets (name TEXT);")
    with pytest.raises(StorageError, match="table pets already exists"):
        Store.open(path, schema=schema)
    (schema / "0002_broken.sql").unlink()
    store = Store.open(path, schema=schema)
    assert store.query("PRAGMA user_version") == [(1,)]
    assert store.query("SELECT name FROM sqlite_schema") == [("pets",)]
    store.close()


def test_a_gap_in_the_numbers_of_the_schema_files_is_refused(path: Path, schema: Path) -> None:
    (schema / "0003_late.sql").write_text("CREATE TABLE late (name TEXT) STRICT;")
    with pytest.raises(StorageError, match=r"0003_late\.sql is out of order: number 0002 was expected"):
        Store.open(path, schema=schema)


def test_a_file_of_a_newer_tidings_is_refused_and_left_alone(path: Path) -> None:
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"newer tidings \(its schema is version 99, .*\); upgrade tidings"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_with_what_to_do(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to look at\n" * 100)
    with pytest.raises(StorageError, match=r"state\.db is damaged .* restore them from a backup"):
        Store.open(path)


def test_a_damaged_page_is_noticed_when_opening(path: Path) -> None:
    store = Store.open(path)
    with store.transaction():
        for number in range(500):
            store.execute(ACCOUNT, (f"user{number}", "h" * 100))
    store.close()
    content = bytearray(path.read_bytes())
    content[-8192:] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"state\.db is damaged .* restore them from a backup"):
        Store.open(path)


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tokens (something TEXT)")
    connection.close()
    with pytest.raises(StorageError, match=r"not a tidings state file \(.*tokens already exists"):
        Store.open(path)


def test_a_directory_in_its_place_is_refused_and_keeps_its_rights(path: Path) -> None:
    path.mkdir(mode=0o755)
    before = mode(path)
    with pytest.raises(StorageError, match="can't open"):
        Store.open(path)
    assert mode(path) == before


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        StorageError, match=r"can't open .*/gone/state\.db: .*No such file .* in a directory that exists"
    ):
        Store.open(tmp_path / "gone" / "state.db")


def test_a_full_disk_is_a_storage_error_and_undoes_the_transaction(path: Path) -> None:
    store = Store.open(path)
    [(pages,)] = store.query("PRAGMA page_count")
    store.query(f"PRAGMA max_page_count = {pages:d}")
    with pytest.raises(StorageError, match=r"state\.db can't be used: .*full"), store.transaction():
        store.execute(ACCOUNT, ("ann", "h"))
        store.execute(ACCOUNT, ("bob", "h" * 100_000))
    assert names(store) == []
    store.close()


def test_a_database_that_turned_read_only_is_a_storage_error(path: Path) -> None:
    store = Store.open(path)
    store.query("PRAGMA query_only = 1")
    with pytest.raises(StorageError, match="can't be used"):
        store.execute(ACCOUNT, ("ann", "h"))
    store.close()


def test_a_closed_store_says_so(path: Path) -> None:
    store = Store.open(path)
    store.close()
    store.close()
    with pytest.raises(StorageError, match="closed"):
        store.query("SELECT 1")
    with pytest.raises(StorageError, match="closed"), store.transaction():
        pass
