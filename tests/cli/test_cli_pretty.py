"""One event as one line for people."""

import time

import pytest

from tests.cli.fake_server import stored_line
from tidings.cli import pretty, terminal
from tidings.event import Event, decode_line


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)


def event(**fields: object) -> Event:
    return decode_line(stored_line(1, **fields))


def test_a_line_says_when_how_grave_and_what() -> None:
    line = pretty.screen_line(event(message="Instance c1 started by root"), 80, colour=False)
    assert line == "22:18:27 ● instance-started       Instance c1 started by root"


def test_a_line_stays_within_80_columns() -> None:
    line = pretty.screen_line(event(message="日本語" * 99, type="a." + "b" * 60), 80, colour=False)
    assert terminal.width(line) <= 80
    assert line.endswith("…")


def test_the_subject_is_shown_where_the_message_does_not_name_it() -> None:
    assert "c1 went away" in pretty.screen_line(event(message="went away"), 80, colour=False)


def test_a_long_subject_leaves_room_for_the_message() -> None:
    line = pretty.screen_line(event(subject="/1.0/certificates/" + "f" * 64, message="trusted"), 80, colour=False)
    assert line.endswith(" fffffffffffffff… trusted")


@pytest.mark.parametrize(("severity", "symbol"), [("debug", "·"), ("warning", "▲"), ("error", "✖"), ("alert", "‼")])
def test_each_severity_has_a_symbol_of_its_own(severity: str, symbol: str) -> None:
    assert f" {symbol} " in pretty.screen_line(event(severity=severity), 80, colour=False)


def test_a_terminal_without_these_symbols_gets_plain_ones() -> None:
    assert pretty.screen_line(event(severity="error"), 80, colour=False, symbols=False).isascii()


def test_colour_is_only_added_on_top() -> None:
    plain = pretty.screen_line(event(severity="error"), 80, colour=False)
    coloured = pretty.screen_line(event(severity="error"), 80, colour=True)
    assert "\x1b[31m" in coloured
    assert plain.split() != coloured.split()
    assert terminal._UNSAFE.search(plain) is None


@pytest.mark.parametrize(
    ("kind", "short"),
    [
        ("lxd.lifecycle.instance-started", "instance-started"),
        ("lxd.logging", "lxd.logging"),
        ("container-station.container.start", "container.start"),
        ("ovirt.USER_RUN_VM", "ovirt.USER_RUN_VM"),
    ],
)
def test_a_kind_is_shortened_from_the_left(kind: str, short: str) -> None:
    assert pretty.short_kind(kind) == short


@pytest.mark.usefixtures("on_terminal")
def test_a_new_day_is_announced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    show = pretty.line_printer()
    first, second = show(event()), show(event())
    assert first.splitlines()[0] == "2026-11-20"
    assert len(second.splitlines()) == 1
