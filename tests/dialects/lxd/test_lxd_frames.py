"""Whole messages of LXD's streams: the bytes that came in, with an index, or with only what an instance may see."""

import json

import pytest

from tests.dialects.lxd.stored import foreign, stored
from tidings.demo import recorded_events
from tidings.dialects.lxd.codec import decode
from tidings.dialects.lxd.frames import devlxd_message, indexed_message, message

CONFIG = b'{"type":"config","timestamp":"2026-11-20T22:18:27Z","metadata":{"key":"user.x","old_value":"","value":"1"}}'


def test_a_message_is_the_frame_and_a_line_feed() -> None:
    assert all(message(stored(decode(payload + b"\n"))) == payload + b"\n" for payload in recorded_events())


def test_the_index_is_the_last_member_and_nothing_else_changes() -> None:
    for number, payload in enumerate(recorded_events(), 1):
        assert indexed_message(stored(decode(payload), number)) == payload[:-1] + b',"index":%d}\n' % number


def test_the_index_is_added_to_rendered_events_too() -> None:
    event = foreign(subject="vm web1", location="node1")
    assert indexed_message(event) == message(event)[:-2] + b',"index":42}\n'


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \n\n", b"\t"])
def test_blanks_around_a_frame_are_no_part_of_it(blank: bytes) -> None:
    event = stored(decode(blank + CONFIG + blank))
    assert event.payload == CONFIG
    assert json.loads(indexed_message(event))["index"] == 42


def test_what_an_instance_sent_is_sent_to_instances_as_it_was() -> None:
    assert devlxd_message(stored(decode(CONFIG))) == CONFIG + b"\n"


@pytest.mark.parametrize("place", [b'"location":"node1",', b'"project":"web",', b'"location":"none","project":"web",'])
def test_instances_are_not_told_where_they_are(place: bytes) -> None:
    assert devlxd_message(stored(decode(b"{" + place + CONFIG[1:]))) == CONFIG + b"\n"


def test_the_metadata_keeps_its_bytes_when_the_rest_is_left_out() -> None:
    metadata = b'{ "name" :"eth1",\t"config":{"mtu":1.50,"a":"\\u003c"}, "action":"added"}'
    payload = b'{"metadata":' + metadata + b',"timestamp":"2026-11-20T22:18:27Z","type":"device","project":"web"}'
    assert devlxd_message(stored(decode(payload))) == (
        b'{"type":"device","timestamp":"2026-11-20T22:18:27Z","metadata":' + metadata + b"}\n"
    )


def test_an_event_without_metadata_stays_without() -> None:
    payload = b'{"type":"device","timestamp":"2026-11-20T22:18:27Z","location":"n"}'
    assert devlxd_message(stored(decode(payload))) == b'{"type":"device","timestamp":"2026-11-20T22:18:27Z"}\n'
