"""`tidings publish`: batches, places of faults, and what is tried again."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer
from tidings.cli import publish, sending
from tidings.server import ingest


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make every pause between attempts end at once, and keep its length."""
    taken: list[float] = []
    monkeypatch.setattr(sending, "pause", taken.append)
    return taken


def plain(count: int, **fields: Any) -> str:
    """Return lines of plain JSON without ids."""
    return "".join(json.dumps({"message": f"m{number}", **fields}) + "\n" for number in range(count))


def with_ids(count: int) -> str:
    """Return CloudEvents with ids of their own."""
    return "".join(
        json.dumps({"specversion": "1.0", "id": f"e{number}", "source": "s", "type": "t"}) + "\n"
        for number in range(count)
    )


def test_lines_go_in_batches_of_a_thousand(server: FakeServer, tidings: CommandLine) -> None:
    result = tidings("publish", "-", "-o", "json", stdin=plain(2500))
    assert [body.count(b"\n") for body in server.bodies] == [1000, 1000, 500]
    assert json.loads(result.stdout) == {"stored": 2500, "duplicates": 0, "head": 2500}


def test_a_batch_stays_below_a_mebibyte(server: FakeServer, tidings: CommandLine) -> None:
    tidings("publish", stdin=plain(5, data="x" * 400_000))
    assert [body.count(b"\n") for body in server.bodies] == [2, 2, 1]


def test_the_last_line_needs_no_line_end_and_blank_lines_are_nothing(server: FakeServer, tidings: CommandLine) -> None:
    result = tidings("publish", stdin='{"id":"a"}\n\n  \n{"id":"b"}')
    assert result.stdout == "stored 2 events (0 duplicates), head 2\n"


def test_duplicates_are_counted(server: FakeServer, tidings: CommandLine) -> None:
    tidings("publish", stdin=with_ids(3))
    assert tidings("publish", stdin=with_ids(4)).stdout == "stored 1 event (3 duplicates), head 4\n"


@pytest.mark.parametrize(
    ("lines", "told"), [(0, "0 events (3 duplicates)"), (1, "1 event (3 duplicates)"), (2, "2 events (3 duplicates)")]
)
def test_one_is_told_in_the_singular(server: FakeServer, tidings: CommandLine, lines: int, told: str) -> None:
    tidings("publish", stdin=with_ids(3))
    assert tidings("publish", stdin=with_ids(3 + lines)).stdout.startswith(f"stored {told}, ")


def test_the_formats_are_those_that_the_server_takes(tidings: CommandLine) -> None:
    assert publish.FORMATS == ingest.FORMATS
    refused = tidings("publish", "--format", "smtp", stdin=plain(1))
    assert (refused.exit_code, "'auto', 'cloudevents', " in refused.stderr) == (2, True)


def test_an_export_of_container_station_is_sent_in_rows_whatever_its_cells_hold(
    server: FakeServer, tidings: CommandLine
) -> None:
    export = 'Date,Level,Category,User,Message\r\n2015-03-17 17:27:06.452144,INFO,system,admin,"two\nlines, ""so"""\r\n'
    tidings("publish", "--format", "container-station", "--zone", "Asia/Taipei", stdin=export)
    assert server.requests[-1] == ("POST", "/v1/events", {"format": "container-station"})
    row = json.loads(server.body)
    assert (row["message"], row["zone"]) == ('two\nlines, "so"', "Asia/Taipei")


def test_nothing_published_tells_the_head_all_the_same(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(7)
    assert json.loads(tidings("publish", "-o", "json", stdin="").stdout) == {"stored": 0, "duplicates": 0, "head": 7}


def test_format_and_source_go_with_every_batch(server: FakeServer, tidings: CommandLine) -> None:
    tidings("publish", "--format", "lxd", "--source", "lxd/prod-1", stdin=plain(1))
    assert server.requests[-1][2] == {"format": "lxd", "source": "lxd/prod-1"}


def test_compressed_files_are_read_whatever_their_name(
    server: FakeServer, tidings: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(plain(2).encode()))
    (tmp_path / "b").write_bytes(zstandard.compress(plain(3).encode()))
    (tmp_path / "c.jsonl").write_text(plain(4), encoding="utf-8")
    result = tidings("publish", *(str(tmp_path / name) for name in ("a.gz", "b", "c.jsonl")))
    assert result.stdout == "stored 9 events (0 duplicates), head 9\n"


def test_a_bad_line_is_named_by_file_and_place_in_the_file(
    server: FakeServer, tidings: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(plain(1200) + "\n" + '{"severity":"BAD"}\n' + plain(10), encoding="utf-8")
    result = tidings("publish", str(path))
    assert result.exit_code == 1
    assert f"{path}, line 1202, column 3: unknown severity 'BAD'" in result.stderr
    assert "Nothing of its batch (lines 1001 to 1212) was stored" in result.stderr
    assert "1000 lines before were acknowledged (1000 stored, 0 duplicates, head 1000)" in result.stderr
    assert len(server.lines) == 1000


def test_an_array_gets_a_hint(server: FakeServer, tidings: CommandLine) -> None:
    server.refuse("/v1/events", 400, "invalid-event", "line 1: not an object", line=1)
    assert "jq -c '.[]'" in tidings("publish", stdin='[{"a":1}]').stderr


def test_a_busy_server_is_asked_again_after_the_time_it_says(
    server: FakeServer, tidings: CommandLine, pauses: list[float]
) -> None:
    server.refuse("/v1/events", 503, "busy", "too much is waiting", retry_after="7")
    result = tidings("publish", stdin=plain(3))
    assert result.exit_code == 0
    assert pauses == [7.0]
    assert len(server.lines) == 3


def test_a_server_that_stays_busy_is_given_up(server: FakeServer, tidings: CommandLine, pauses: list[float]) -> None:
    for _ in range(4):
        server.refuse("/v1/events", 503, "busy", "too much is waiting", retry_after="25")
    result = tidings("publish", stdin=plain(3))
    assert result.exit_code == 1
    assert pauses == [25.0, 25.0]
    assert "Nothing of them was stored" in result.stderr


def test_a_lost_answer_is_asked_for_again_when_events_carry_ids(server: FakeServer, tidings: CommandLine) -> None:
    server.lose_answers = 1
    result = tidings("publish", "-o", "json", stdin=with_ids(3))
    assert json.loads(result.stdout) == {"stored": 0, "duplicates": 3, "head": 3}
    assert len(server.lines) == 3


def test_a_lost_answer_of_events_without_ids_stops_and_says_what_is_safe(
    server: FakeServer, tidings: CommandLine
) -> None:
    server.fill(0)
    tidings("publish", stdin=plain(1))
    server.lose_answers = 1
    result = tidings("publish", stdin=plain(3))
    assert result.exit_code == 3
    assert "Whether they were stored is unknown" in result.stderr
    assert len(server.lines) == 4


def test_forbidden_is_exit_code_4(server: FakeServer, tidings: CommandLine) -> None:
    server.refuse("/v1/events", 403, "forbidden", "this needs the role writer")
    assert tidings("publish", stdin=plain(1)).exit_code == 4


def test_a_missing_file_is_wrong_use(tidings: CommandLine) -> None:
    assert tidings("publish", "/nonexistent").exit_code == 2


def test_no_progress_is_shown_in_a_pipe(tidings: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(plain(1), encoding="utf-8")
    assert tidings("publish", str(tmp_path / "a")).stderr == ""


@pytest.mark.usefixtures("on_terminal")
def test_progress_is_shown_on_a_terminal(server: FakeServer, tidings: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(plain(1), encoding="utf-8")
    result = tidings("publish", str(tmp_path / "a"))
    assert result.exit_code == 0
    assert len(server.lines) == 1
