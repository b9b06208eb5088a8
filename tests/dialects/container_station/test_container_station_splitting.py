"""Taking saved answers and exports apart."""

import contextlib
import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.container_station.stored import EXPORT, MESSAGES, SEED, published, row
from tidings.dialects.container_station.codec import decode
from tidings.dialects.container_station.splitting import split
from tidings.errors import InvalidEvent

HEADER = b"Date,Level,Category,User,Message\n"
ONE = b"2015-03-17 17:27:06.452144,INFO,container,Anonymous,one\n"


def test_an_answer_of_the_log_is_turned_round() -> None:
    body = json.dumps(SEED["log_records"], indent=4).encode()
    assert [json.loads(piece)["id"] for piece in split(body)] == [48, 49, 50, 51, 52]


def test_rows_in_the_order_of_their_ids_stay_in_it() -> None:
    body = json.dumps(SEED["log_records"][::-1]).encode()
    assert [json.loads(piece)["id"] for piece in split(body)] == [48, 49, 50, 51, 52]


def test_an_answer_of_the_events_is_turned_round() -> None:
    body = json.dumps(SEED["event_response"] | {"messages": MESSAGES}, indent=4).encode()
    assert split(body) == [message.encode() for message in MESSAGES[::-1]]


def test_its_messages_alone_do_too() -> None:
    assert split(json.dumps(MESSAGES).encode()) == [message.encode() for message in MESSAGES[::-1]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_event_lines_are_taken_one_by_one(end: str) -> None:
    assert split(end.join([*MESSAGES, ""]).encode()) == [message.encode() for message in MESSAGES]


def test_rows_may_stand_one_on_a_line() -> None:
    assert split(row(id=1) + b"\n" + row(id=2) + b"\n") == [row(id=1), row(id=2)]


def test_lines_and_rows_may_be_mixed() -> None:
    assert split(row() + b"\n" + MESSAGES[0].encode()) == [row(), MESSAGES[0].encode()]


def test_one_row_may_be_spread_over_lines() -> None:
    body = json.dumps(json.loads(row()), indent=2).encode()
    assert split(body + b"\n") == [body]


@pytest.mark.parametrize(
    "body", [b"", b" \r\n ", b"[]", b"\xef\xbb\xbf", HEADER, b'{"index": 5, "messages": [], "offset": 5}']
)
def test_nothing_is_no_error(body: bytes) -> None:
    assert split(body) == []


def test_an_export_gives_a_row_for_each_of_its_lines() -> None:
    pieces = split(EXPORT)
    assert len(pieces) == 52
    assert json.loads(pieces[0]) == {
        "date": "2015-03-17 17:27:06.452144",
        "level": "INFO",
        "category": "container",
        "user": "Anonymous",
        "message": "Destroy container (lxc, utest)",
    }


@pytest.mark.parametrize(
    "header",
    [
        b"\xef\xbb\xbf" + HEADER,
        HEADER.replace(b"\n", b"\r\n"),
        HEADER.upper(),
        b'"Date","Level","Category","User","Message"\n',
    ],
)
def test_a_header_is_known_however_it_is_written(header: bytes) -> None:
    assert len(split(header + ONE)) == 1


def test_a_line_break_in_quotes_does_not_end_a_row() -> None:
    [piece] = split(HEADER + ONE.replace(b"one", b'"one\r\n""two"", three"'))
    assert json.loads(piece)["message"] == 'one\r\n"two", three'


def test_blank_lines_in_an_export_are_no_rows() -> None:
    assert len(split(HEADER + b"\r\n" + ONE + b"\n" + ONE + b"\n\n")) == 2


def test_a_zone_other_than_utc_is_kept_with_the_row() -> None:
    [piece] = split(HEADER + ONE, "Asia/Taipei")
    assert json.loads(piece)["zone"] == "Asia/Taipei"
    assert decode(piece).time == "2015-03-17T09:27:06.452144Z"


def test_equal_rows_of_an_export_have_ids_of_their_own_each_time() -> None:
    body = HEADER + ONE * 3
    ids = [event.id for event in published(body)]
    assert len(set(ids)) == 3
    assert [event.id for event in published(body + ONE.replace(b"one", b"two"))][:3] == ids


@pytest.mark.parametrize(
    ("rest", "line"),
    [(b"2015-03-17 17:27:06,INFO,image,x\n", 3), (b'"unfinished', 3), (b'"a"b,,,,\n', 3), (b"a,b,c,d,e,f", 3)],
)
def test_a_broken_row_is_refused_with_its_line(rest: bytes, line: int) -> None:
    with pytest.raises(InvalidEvent) as refused:
        split(HEADER + ONE + rest)
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("body", "zone"),
    [(b"[1", "UTC"), (b"[" * 100_000, "UTC"), (b"\xff", "UTC"), (HEADER + ONE, "Nowhere"), (b'{"messages": 7}', "UTC")],
)
def test_what_cannot_be_taken_apart_is_refused(body: bytes, zone: str) -> None:
    with pytest.raises(InvalidEvent):
        split(body, zone)


texts = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@given(st.lists(st.tuples(texts, texts, texts), max_size=5))
def test_what_pythons_csv_writes_is_read_back(cells: list[tuple[str, str, str]]) -> None:
    text = io.StringIO(newline="")
    rows = [["2015-03-17 17:27:06.452144", "INFO", *three] for three in cells]
    csv.writer(text).writerows([["Date", "Level", "Category", "User", "Message"], *rows])
    read = [json.loads(piece) for piece in split(text.getvalue().encode())]
    assert [[r["date"], r["level"], r["category"], r["user"], r["message"]] for r in read] == rows


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_does_more_than_be_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidEvent):
        assert isinstance(split(body), list)
