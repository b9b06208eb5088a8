"""Events as ``lxc monitor`` prints them, held against what the real one printed."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer, stored_line
from tidings.cli import terminal
from tidings.cli.lxc_output import Form, View, level_of, printer
from tidings.dialects.lxd.selection import SUPPORTED, condition
from tidings.event import Event, decode_line

GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "golden/lxd/monitor.jsonl").read_text(encoding="utf-8").splitlines()
]
TIME = "2026-11-20T22:23:36Z"


def event(frame: str) -> Event:
    """Return the stored event whose frame this is."""
    return decode_line(stored_line(1, data=None).replace(b'"data":null', b'"data":' + frame.encode()))


def shown(frame: str | dict[str, Any], form: Form = "pretty", level: str = "debug") -> str:
    """Return what is shown of *frame*."""
    text = frame if isinstance(frame, str) else json.dumps(frame)
    return printer(View(form, level))(event(text)).decode()


def log_line(**metadata: object) -> dict[str, object]:
    """Return a frame with a log line."""
    return {"type": "logging", "timestamp": TIME, "metadata": {"message": "m", "level": "info"} | metadata}


@pytest.fixture
def coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make standard output a terminal that shows colours."""
    monkeypatch.setattr(terminal, "wants_colour", lambda stream: stream is sys.stdout)


@pytest.mark.parametrize("golden", GOLDEN)
@pytest.mark.parametrize("form", ["yaml", "json", "pretty"])
def test_it_is_what_the_real_client_printed(golden: dict[str, str], form: Form) -> None:
    assert shown(golden["frame"], form, "trace") == golden[form]


@pytest.mark.parametrize("golden", GOLDEN)
def test_on_a_terminal_too(golden: dict[str, str], coloured: None) -> None:
    assert shown(golden["frame"], "pretty", "trace") == golden["colour"]


def test_a_frame_without_a_form_is_one_line_as_it_came() -> None:
    frame = '{"type":"logging", "timestamp":"2026-11-20T22:23:36.50Z","extra":[1.0]}'
    assert shown(frame, "frame") == frame + "\n"


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("trace", ["panic", "fatal", "error", "warning", "warn", "info", "debug", "dbug", "trace"]),
        ("debug", ["panic", "fatal", "error", "warning", "warn", "info", "debug", "dbug"]),
        ("info", ["panic", "fatal", "error", "warning", "warn", "info"]),
        ("warning", ["panic", "fatal", "error", "warning", "warn"]),
        ("error", ["panic", "fatal", "error"]),
        ("panic", ["panic"]),
    ],
)
def test_log_lines_under_the_level_are_left_out(level: str, expected: list[str]) -> None:
    every = ["panic", "fatal", "error", "warning", "warn", "info", "debug", "dbug", "trace"]
    assert [each for each in every if shown(log_line(level=each), level=level)] == expected


@pytest.mark.parametrize("type", ["lifecycle", "operation"])
def test_other_events_count_as_info(type: str) -> None:
    frame = {"type": type, "timestamp": TIME, "metadata": {"action": "a", "level": "error"}}
    assert shown(frame, level="info")
    assert not shown(frame, level="warning")


@pytest.mark.parametrize(
    ("text", "level"),
    [("WARN", "warning"), ("Info", "info"), ("dbug", "debug"), ("eror", "error"), ("bogus", None), ("", None)],
)
def test_a_level_may_be_written_as_lxd_ever_wrote_it(text: str, level: str | None) -> None:
    assert level_of(text) == level


def test_a_level_nobody_knows_is_shown_as_info() -> None:
    assert shown(log_line(level="loud")) == f'time="{TIME}" level=info msg=m\n'


def test_the_lines_of_a_cluster_begin_with_their_place() -> None:
    assert shown(log_line() | {"location": "node1"}) == f'time="{TIME}" level=info msg="[node1] m"\n'


def test_a_type_nobody_knows_is_shown_with_all_it_has() -> None:
    frame = {"type": "brand-new", "timestamp": TIME, "metadata": {"level": "warning", "b": 1, "a": ["x"]}}
    assert shown(frame) == f'time="{TIME}" level=warning msg=brand-new a="[x]" b=1\n'


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-11-20T22:23:36.50+05:30", '"2026-11-20 22:23:36.5 +0530 +0530"'),
        ("yesterday", "yesterday"),
        (None, '"0001-01-01 00:00:00 +0000 UTC"'),
    ],
)
def test_an_operations_times_are_as_go_prints_them(created: object, expected: str) -> None:
    frame = {"type": "operation", "timestamp": TIME, "metadata": {"created_at": created}}
    assert f" CreatedAt={expected} " in shown(frame)


@pytest.mark.parametrize("type", ["ovn", "network-acl"])
def test_a_newer_type_that_is_a_log_line_reads_as_one(type: str) -> None:
    frame = log_line(context={"a": "b"}) | {"type": type}
    assert shown(frame) == f'time="{TIME}" level=info msg="{type}: m" a=b\n'


@pytest.mark.parametrize(
    "metadata", [None, [], "x", {"context": [], "requestor": "root", "resources": 1, "status_code": "a"}]
)
@pytest.mark.parametrize("type", ["lifecycle", "operation", "logging", "new"])
def test_what_has_another_shape_than_expected_is_shown_all_the_same(type: str, metadata: object) -> None:
    frame = {"type": type, "timestamp": TIME, "metadata": metadata}
    assert shown(frame).startswith(f'time="{TIME}" level=info')
    assert json.loads(shown(frame, "json")) == frame


@pytest.mark.parametrize("form", ["yaml", "json", "pretty"])
@pytest.mark.parametrize("payload", ["[1]", '"text"', "[" * 900 + "]" * 900])
def test_what_is_no_frame_at_all_is_shown_as_it_is(form: Form, payload: str) -> None:
    assert shown(payload, form) == payload + "\n"


def test_what_is_no_json_is_shown_without_its_control_characters() -> None:
    line = stored_line(1, data=None).replace(b'"data":null', b'"data_base64":"' + b"G1szMW1ub3QganNvbg==" + b'"')
    assert printer(View("pretty"))(decode_line(line)) == "\ufffd[31mnot json\n".encode()


@pytest.mark.parametrize("value", ["\x1b[31m", "a\nb", "\u202e", "\x9b1m"])
def test_nothing_in_an_event_reaches_the_terminal_as_a_command(value: str, coloured: None) -> None:
    frame = log_line(message=value, context={value: value}) | {"timestamp": value, "location": value}
    line = shown(frame)
    assert line.count("\n") == 1
    assert value not in line.replace("\x1b[36m", "").replace("\x1b[0m", "")


@pytest.mark.parametrize("form", ["yaml", "json", "pretty"])
def test_what_is_nested_too_deeply_to_walk_is_shown_as_it_came(form: Form) -> None:
    deep = '{"a":' * 700 + "1" + "}" * 700
    frame = f'{{"type":"lifecycle","timestamp":"{TIME}","metadata":{{"context":{{"a":{deep}}}}}}}'
    assert shown(frame, form) == frame + "\n"


@pytest.mark.parametrize(("form", "separator"), [("yaml", "\n\n\n"), ("json", "\n\n"), ("pretty", "\n")])
def test_monitor_prints_events_so(server: FakeServer, tidings: CommandLine, form: Form, separator: str) -> None:
    frames = [golden["frame"] for golden in GOLDEN[:2]]
    for number, frame in enumerate(frames, 1):
        server.append(stored_line(number, data=json.loads(frame)))
    result = tidings("monitor", "--format", form, "--after", "0", "--max", "2")
    assert (result.exit_code, result.stdout) == (0, "".join(golden[form] for golden in GOLDEN[:2]))
    assert result.stdout.count(separator) >= 2


def test_what_the_servers_search_takes_too_widely_is_left_out() -> None:
    frame = json.dumps(log_line() | {"type": "lifecycle", "project": "Web"})
    stored = decode_line(stored_line(1, data=json.loads(frame), scope="Web"))
    assert [bool(printer(View(wanted=condition(SUPPORTED, name)))(stored)) for name in ("Web", "web")] == [True, False]
