"""Secrets are taken out of the bytes, and nothing else is."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.demo import recorded_events
from tidings.dialects.lxd.codec import decode
from tidings.dialects.lxd.redact import redact
from tidings.event import encode_lines, payload_of

SECRET = "5f9ca2e3b0a94c7d5f9ca2e3b0a94c7d5f9ca2e3b0a94c7d5f9ca2e3b0a94c7d"
HEAD = '{"type":"operation","timestamp":"2026-11-20T22:24:38Z","metadata":{"id":"fec0","class":"token","metadata":'


def operation(metadata: str) -> bytes:
    """Return an operation event whose own metadata is *metadata*, spelled exactly so."""
    return f"{HEAD}{metadata}}}}}".encode()


def log_line(message: str, **context: str) -> bytes:
    """Return a log line as Go writes it, with & escaped."""
    metadata = {"message": message, "level": "debug", "context": context}
    members = {"type": "logging", "timestamp": "2026-11-20T22:24:38Z", "metadata": metadata}
    return json.dumps(members).replace("&", "\\u0026").encode()


@pytest.mark.parametrize(
    "metadata",
    [
        '{"addresses":["127.0.0.1:8443"],"request":{"name":"j","password":"","token":true},"secret":"%s"}',
        '{"request" : {"password"\t:  "%s", "token":true}}',
        '{"request":{"trust_token":"%s"}}',
        '{"serverName":"node2","secret":"%s","expiresAt":"0001-01-01T00:00:00Z"}',
        '{"fds":{"0":"%s","1":"","control":"x%s"}}',
        '{"control":"%s","criu":"%s","fs":"%s"}',
        '{"secret":"%s","secret":"%s"}',
        '{"\\u0073ecret":"%s"}',
        '{"secret":"quoted \\" %s \\\\"}',
        '{"secret":["%s",{"deeper":"%s"}]}',
        '{"core.trust_password":"%s"}',
    ],
)
def test_a_secret_of_an_operation_becomes_redacted_and_nothing_else_changes(metadata: str) -> None:
    sent = operation(metadata.replace("%s", SECRET))
    expected = operation(re.sub(r'"[^"]*(\\"[^"]*)?%s[^"]*"', '"REDACTED"', metadata))
    assert redact(sent) == expected


@pytest.mark.parametrize(
    "metadata",
    [
        '{"secret":""}',
        '{"request":{"token":true}}',
        '{"secret":null,"password":7}',
        '{"secret":"REDACTED"}',
        '{"fds":{"0":"' + "0" * 64 + '"}}',
        '{"fds":["list of no secrets"]}',
        '{"fs_progress":"Unpack: 7%","controls":"a"}',
        '{"note":"the secret of a token is a password"}',
    ],
)
def test_what_is_blank_or_no_secret_stays_as_it_is(metadata: str) -> None:
    payload = operation(metadata)
    assert redact(payload) is payload


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"GET /1.0/operations/x/websocket?secret={SECRET}", "GET /1.0/operations/x/websocket?secret=REDACTED"),
        (f"/1.0/images/x/export?project=web&secret={SECRET}&a=b", "/1.0/images/x/export?project=web&secret=REDACTED&a=b"),
        (f'Body\n\t{{\n\t\t"secret": "{SECRET}",\n\t\t"a": 1\n\t}}', 'Body\n\t{\n\t\t"secret": "REDACTED",\n\t\t"a": 1\n\t}'),
        ('{"password": "a\\"b\\\\", "name": "x"}', '{"password": "REDACTED", "name": "x"}'),
        ('{"core.trust_password": "s3cret"}', '{"core.trust_password": "REDACTED"}'),
        (f'"fds": {{"0": "{SECRET}", "control": "{SECRET}"}}', '"fds": {"0": "REDACTED", "control": "REDACTED"}'),
        ('{"secret": "", "token": true}', '{"secret": "", "token": true}'),
        (f'{{"fingerprint": "{SECRET}", "secret": ""}}', f'{{"fingerprint": "{SECRET}", "secret": ""}}'),
    ],
)  # fmt: skip
def test_a_secret_that_a_log_line_quotes_is_redacted(text: str, expected: str) -> None:
    assert redact(log_line(text, url=text)) == log_line(expected, url=expected)


def test_a_secret_reaches_neither_message_nor_any_column() -> None:
    payload = log_line("Handling API request", url=f"/1.0/x?secret={SECRET}", method="GET")
    draft = decode(payload)
    assert draft.message == 'Handling API request (url="/1.0/x?secret=REDACTED" method=GET)'
    assert SECRET.encode() not in encode_lines([draft])


def test_a_secret_in_a_pretty_printed_event_is_redacted_in_place() -> None:
    payload = json.dumps(json.loads(operation(f'{{"secret":"{SECRET}"}}')), indent=2).encode()
    assert payload_of(decode(payload)) == payload.replace(SECRET.encode(), b"REDACTED")


def test_the_recorded_events_were_scrubbed_and_need_no_more() -> None:
    assert all(redact(payload) is payload for payload in recorded_events())


def test_redacting_twice_is_redacting_once() -> None:
    once = redact(operation(f'{{"secret":"{SECRET}"}}'))
    assert redact(once) is once


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    payload = b'{"a":' * 5000 + b'{"secret":"x"}' + b"}" * 5000
    assert redact(payload) == payload.replace(b'"x"', b'"REDACTED"')


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["secret", "fds", "a"]) | st.text(), inner, max_size=4)
        ),
        max_leaves=15,
    ),
    st.booleans(),
)
def test_redacted_json_is_json_of_the_same_shape(value: object, ascii_only: bool) -> None:
    redacted = msgspec.json.decode(redact(json.dumps(value, ensure_ascii=ascii_only).encode()))
    assert _shape(redacted) == _shape(value)


def _shape(value: object) -> object:
    match value:
        case dict():
            return {name: _shape(inner) for name, inner in value.items()}
        case list():
            return [_shape(inner) for inner in value]
        case str():
            return "text"
        case _:
            return value
