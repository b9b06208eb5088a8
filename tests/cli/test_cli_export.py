"""`tidings export`: whole files, and parts that can't be taken for whole ones."""

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer
from tidings.cli.export import as_array
from tidings.cli.rows import RowCounter


def test_ndjson_is_the_stored_lines_oldest_first(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(3)
    result = tidings("export")
    assert result.stdout_bytes == b"\n".join(server.lines) + b"\n"
    assert result.stderr == "3 events\n"


def test_one_event_is_told_in_the_singular(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(1)
    assert tidings("export").stderr == "1 event\n"


def test_csv_counts_rows_and_not_lines(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2, message="one\ntwo")
    assert tidings("export", "--format", "csv").stderr == "2 events\n"


def test_cloudevents_is_one_array(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(3)
    events = json.loads(tidings("export", "--format", "cloudevents").stdout)
    assert [event["sequence"] for event in events] == ["1", "2", "3"]


def test_cloudevents_of_nothing_is_an_empty_array(tidings: CommandLine) -> None:
    assert tidings("export", "--format", "cloudevents").stdout == "[]\n"


def test_the_query_is_sent(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(12)
    assert tidings("export", "(1").stderr == "4 events\n"


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz", "events.jsonl.zst"])
def test_a_file_is_compressed_as_its_name_says(
    server: FakeServer, tidings: CommandLine, tmp_path: Path, name: str
) -> None:
    server.fill(3)
    assert tidings("export", "--to", str(tmp_path / name)).exit_code == 0
    raw = (tmp_path / name).read_bytes()
    if name.endswith(".gz"):
        raw = gzip.decompress(raw)
    elif name.endswith(".zst"):
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    assert raw.splitlines() == server.lines
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_cut_export_leaves_only_a_part_and_exit_code_5(
    server: FakeServer, tidings: CommandLine, tmp_path: Path
) -> None:
    server.fill(9)
    server.cut_export_after = 4
    result = tidings("export", "--to", str(tmp_path / "events.jsonl"))
    assert result.exit_code == 5
    assert "EXPORT CUT SHORT after 4 events; the part is in" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl.partial"]
    assert len((tmp_path / "events.jsonl.partial").read_bytes().splitlines()) == 4


def test_a_cut_export_leaves_an_older_file_alone(server: FakeServer, tidings: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("older")
    server.fill(9)
    server.cut_export_after = 4
    tidings("export", "--to", str(tmp_path / "events.jsonl"))
    assert (tmp_path / "events.jsonl").read_text() == "older"


def test_the_part_of_a_cut_compressed_export_can_be_read(
    server: FakeServer, tidings: CommandLine, tmp_path: Path
) -> None:
    server.fill(9)
    server.cut_export_after = 4
    tidings("export", "--to", str(tmp_path / "e.gz"))
    assert len(gzip.decompress((tmp_path / "e.gz.partial").read_bytes()).splitlines()) == 4


def test_a_cut_export_to_standard_output_is_marked_too(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(9)
    server.cut_export_after = 4
    result = tidings("export", "--format", "cloudevents")
    assert result.exit_code == 5
    assert result.stderr.startswith("EXPORT CUT SHORT after 4 events\n")
    with pytest.raises(json.JSONDecodeError):
        json.loads(result.stdout)


def test_a_bad_query_creates_no_file(tidings: CommandLine, tmp_path: Path) -> None:
    result = tidings("export", "a !", "--to", str(tmp_path / "e"))
    assert result.exit_code == 2
    assert not (tmp_path / "e").exists()


def test_a_directory_that_is_not_there_is_told(tidings: CommandLine) -> None:
    result = tidings("export", "--to", "/nonexistent/e")
    assert result.exit_code == 1
    assert "/nonexistent/e.partial: No such file or directory" in result.stderr


@pytest.mark.usefixtures("on_terminal")
def test_a_terminal_gets_a_progress_bar_and_still_the_events(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2)
    result = tidings("export")
    assert result.stdout_bytes == b"\n".join(server.lines) + b"\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_an_array_does_not_depend_on_how_its_lines_were_cut(size: int) -> None:
    text = b'{"a":1}\n{"b":2}\n{"c":3}\n'
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert b"".join(as_array(pieces)) == b'[\n{"a":1},\n{"b":2},\n{"c":3}\n]\n'


def test_rows_are_counted_however_they_are_cut() -> None:
    counter = RowCounter()
    for byte in b'a,b\n1,"x\ny ""z"" "\n2,\n':
        counter.feed(bytes([byte]))
    assert counter.count == 2
