"""The server's own log lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.logging_state import restored_logging
from tidings.telemetry import set_up_logging

SECRET = "tdg_" + "a1B2" * 10


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    with restored_logging():
        yield


def test_json_lines_have_event_level_and_time() -> None:
    stream = io.StringIO()
    set_up_logging("info", "auto", stream)
    structlog.get_logger().warning("segment quarantined", segment="a.db")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["segment"]) == ("segment quarantined", "warning", "a.db")
    assert line["timestamp"].endswith("Z")


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    set_up_logging("warning", "json", stream)
    structlog.get_logger().info("nothing")
    logging.getLogger("library").info("nothing")
    assert stream.getvalue() == ""


def test_lines_of_libraries_look_the_same() -> None:
    stream = io.StringIO()
    set_up_logging("info", "json", stream)
    logging.getLogger("library").error("it failed")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"]) == ("it failed", "error")


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_line_holds_a_token(form: str) -> None:
    stream = io.StringIO()
    set_up_logging("info", form, stream)
    structlog.get_logger().info(f"with {SECRET}", header=f"Bearer {SECRET}")
    try:
        int(SECRET)
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed")
    assert "failed" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_text_has_a_line_a_fact_for_people() -> None:
    stream = io.StringIO()
    set_up_logging("info", "text", stream)
    structlog.get_logger().info("segment sealed", first=1)
    assert "segment sealed" in stream.getvalue()
    assert "first=1" in stream.getvalue()
