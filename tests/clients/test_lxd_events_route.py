"""``/1.0/events`` without any LXD client between: every byte, every refusal, and clients that behave badly."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.frames import CLOSE, PING, PONG, TEXT, Frame, client_frame
from tests.clients.key_pair import write_key_pair
from tests.clients.raw_listener import ALL_EVENTS, RawListener
from tests.clients.raw_web_socket import Ended, RawWebSocket, Refused, connect_unix
from tests.clients.recorded import read, recorded, visible
from tests.clients.tidings_server import Reply, TidingsServer, tidings_server

UNSUPPORTED = '"bogus" isn\'t a supported event type'
BOTH = "Cannot specify a project when requesting all projects"
REFUSALS = [
    ("type=bogus", 400, UNSUPPORTED),
    ("type=lifecycle,bogus", 400, UNSUPPORTED),
    ("type=lifecycle%2Cbogus", 400, UNSUPPORTED),
    ("type=lifecycle,", 400, '"" isn\'t a supported event type'),
    ("project=nowhere", 404, "Project not found"),
    ("project=default&all-projects=true", 400, BOTH),
    # LXD looks at the projects first, and at the types last
    ("project=nowhere&type=bogus", 404, "Project not found"),
    ("project=nowhere&all-projects=true&type=bogus", 400, BOTH),
]


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    with tidings_server(tls=True) as server:
        server.publish(recorded())  # which makes the projects that they name
        yield server


def connect(server: TidingsServer, target: str = ALL_EVENTS, headers: dict[str, str] | None = None) -> RawWebSocket:
    return RawWebSocket(connect_unix(server.socket), target, headers)


def messages(web_socket: RawWebSocket, number: int) -> list[bytes]:
    """Return the next *number* messages."""
    found: list[bytes] = []
    while len(found) < number:
        frame = web_socket.read()
        if frame.opcode == TEXT:
            found.append(frame.payload)
    return found


def memory_of(server: TidingsServer) -> int:
    """Return how many bytes of memory the server has in use."""
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def assert_error(reply: Reply | Refused, status: int, message: str) -> None:
    """See that it is LXD's error, each byte of it."""
    body = {
        "type": "error", "status": "", "status_code": 0, "operation": "", "error_code": status, "error": message,
        "metadata": None,
    }  # fmt: skip
    assert (reply.status, reply.body) == (status, json.dumps(body, separators=(",", ":")).encode() + b"\n")
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_every_recorded_event_comes_out_byte_for_byte_and_in_order(server: TidingsServer) -> None:
    with RawListener(server.socket) as listener:
        server.publish(recorded())
        assert listener.wait_for_count(len(recorded())) == [payload + b"\n" for payload in recorded()]


def test_an_event_published_right_after_the_upgrade_is_seen(server: TidingsServer) -> None:
    event = visible(types=["lifecycle"])[0]
    for _ in range(20):  # it would be a race
        with connect(server) as web_socket:
            server.publish([event])
            assert messages(web_socket, 1) == [event + b"\n"]


@pytest.mark.parametrize("separator", [",", "%2C"])
def test_types_are_a_comma_list_also_an_encoded_one(server: TidingsServer, separator: str) -> None:
    expected = visible(types=["operation", "lifecycle"])
    with connect(server, f"{ALL_EVENTS}&type=operation{separator}lifecycle") as web_socket:
        server.publish(recorded())
        assert messages(web_socket, len(expected)) == [payload + b"\n" for payload in expected]


@pytest.mark.parametrize(
    "target", ["/1.0/events", "/1.0/events?type=", "/1.0/events?project=", "/1.0/events?unheard=of"]
)
def test_what_is_not_given_is_every_type_in_the_default_project(server: TidingsServer, target: str) -> None:
    expected = visible(project="default")
    with connect(server, target) as web_socket:
        server.publish(recorded())
        assert messages(web_socket, len(expected)) == [payload + b"\n" for payload in expected]


@pytest.mark.parametrize(("query", "status", "message"), REFUSALS)
def test_a_wrong_question_is_refused_before_the_upgrade(
    server: TidingsServer, query: str, status: int, message: str
) -> None:
    with pytest.raises(Refused) as refused:
        connect(server, f"/1.0/events?{query}")
    assert_error(refused.value, status, message)


@pytest.mark.parametrize(("query", "status", "message"), REFUSALS)
def test_a_wrong_question_is_refused_without_upgrade_headers_too(
    server: TidingsServer, query: str, status: int, message: str
) -> None:
    assert_error(server.ask("GET", f"/1.0/events?{query}"), status, message)


def test_a_right_question_without_an_upgrade_is_a_bad_request(server: TidingsServer) -> None:
    reply = server.ask("GET", "/1.0/events")
    assert (reply.status, reply.body.strip()) == (400, b"Bad Request")
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    ("method", "target", "status", "message"),
    [
        ("POST", "/1.0/events", 501, "not implemented"),
        ("DELETE", "/1.0/events", 501, "not implemented"),
        ("GET", "/1.0/nowhere", 404, "not found"),
        ("POST", "/1.0/events/nowhere", 404, "not found"),
    ],
)
def test_what_is_not_there_is_refused_in_lxds_words(
    server: TidingsServer, method: str, target: str, status: int, message: str
) -> None:
    assert_error(server.ask(method, target), status, message)


def test_a_certificate_that_is_not_trusted_is_not_authorized(server: TidingsServer, tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=str(server.data / "server.crt"))
    context.load_cert_chain(*write_key_pair(tmp_path, "stranger"))
    host, _, port = server.tls_address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as sock,
    ):
        with pytest.raises(Refused) as refused:
            RawWebSocket(sock, "/1.0/events")
        assert_error(refused.value, 403, "not authorized")


def test_nobody_is_not_authorized(server: TidingsServer, tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=str(server.data / "server.crt"))
    host, _, port = server.tls_address.rpartition(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
    try:
        connection.request("GET", "/1.0/events")
        answer = connection.getresponse()
        reply = Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
    assert_error(reply, 403, "not authorized")


def test_the_first_ping_comes_at_once(server: TidingsServer) -> None:
    with connect(server) as web_socket:
        assert web_socket.read() == Frame(PING, b"keepalive")


def test_compression_is_not_negotiated(server: TidingsServer) -> None:
    with connect(
        server, headers={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    ) as web_socket:
        assert "sec-websocket-extensions" not in web_socket.headers


def test_the_handshake_names_tidings_and_no_library(server: TidingsServer) -> None:
    with connect(server) as web_socket:
        assert web_socket.headers["server"] == "tidings"


def test_a_ping_is_answered_with_its_payload(server: TidingsServer) -> None:
    with connect(server) as web_socket:
        web_socket.send(PING, b"are you there?")
        frames = [web_socket.read(), web_socket.read()]
    assert Frame(PONG, b"are you there?") in frames


def test_a_close_is_answered_and_ends_the_connection(server: TidingsServer) -> None:
    with connect(server) as web_socket:
        web_socket.send(CLOSE, (1000).to_bytes(2, "big"))
        seen = []
        with pytest.raises(Ended):
            while True:
                seen.append(web_socket.read())
    assert seen[-1].opcode == CLOSE


def test_a_client_that_sends_data_is_disconnected_at_once(server: TidingsServer) -> None:
    with connect(server) as web_socket:
        web_socket.send(TEXT, b"{}")
        with pytest.raises(Ended):
            while True:
                assert web_socket.read().opcode in (PING, CLOSE)


def test_a_flood_of_pings_costs_no_memory_and_the_client_still_gets_its_events(server: TidingsServer) -> None:
    flood = client_pings(1000)
    with connect(server) as web_socket, connect(server) as other:
        before = memory_of(server)
        for _ in range(50):
            try:
                web_socket.send_bytes(flood)
            except TimeoutError:
                break  # the server has stopped reading it: that is a bound too
        server.publish(recorded()[:1])
        assert messages(other, 1) == [recorded()[0] + b"\n"]
        assert memory_of(server) - before < 20e6
        assert messages(web_socket, 1) == [recorded()[0] + b"\n"]


def test_a_stalled_client_is_fed_later_and_costs_neither_memory_nor_anybody_elses_time(server: TidingsServer) -> None:
    expected = [payload + b"\n" for payload in recorded()]
    with connect(server) as stalled, connect(server) as quick:
        memory = []
        for _ in range(8):
            server.publish(recorded())
            assert messages(quick, len(expected)) == expected
            memory.append(memory_of(server))
        assert memory[-1] - memory[1] < 8 * 2**20, "it has settled after the first rounds"
        for _ in memory:
            assert messages(stalled, len(expected)) == expected


def test_a_replay_goes_on_live_and_gives_each_event_its_index(server: TidingsServer) -> None:
    head = server.publish(recorded()[:100])
    with connect(server, f"{ALL_EVENTS}&tidings-after={head - 100}") as web_socket:
        server.publish(recorded()[100:200])
        found = messages(web_socket, 200)
    assert [read(message)["index"] for message in found] == list(range(head - 99, head + 101))
    assert [without_index(message) for message in found] == list(recorded()[:200])


def test_whoever_comes_back_with_the_last_index_misses_and_repeats_nothing(server: TidingsServer) -> None:
    head = server.publish(recorded()[:1])
    seen = [head]
    for start in range(1, 101, 10):
        server.publish(recorded()[start : start + 5])
        with connect(server, f"{ALL_EVENTS}&tidings-after={seen[-1]}") as web_socket:
            server.publish(recorded()[start + 5 : start + 10])
            seen += [read(message)["index"] for message in messages(web_socket, 10)]
    assert seen == list(range(head, head + 101))


def test_a_replay_can_begin_at_a_time(server: TidingsServer) -> None:
    head = server.publish(recorded()[:10])
    with connect(server, f"{ALL_EVENTS}&tidings-since=1h") as web_socket:
        first = read(messages(web_socket, 1)[0])["index"]
    assert first == server.get("/v1/head")["oldest"] <= head


def test_a_replay_obeys_types_and_project(server: TidingsServer) -> None:
    head = server.publish(recorded())
    expected = visible(types=["lifecycle"], project="web")
    target = f"/1.0/events?type=lifecycle&project=web&tidings-after={head - len(recorded())}"
    with connect(server, target) as web_socket:
        assert [without_index(message) for message in messages(web_socket, len(expected))] == expected


@pytest.mark.parametrize(
    "query",
    [
        "tidings-after=-1",
        "tidings-after=x",
        "tidings-after=99999999",
        "tidings-since=x",
        "tidings-after=1&tidings-since=1h",
    ],
)
def test_a_wrong_place_to_begin_is_refused(server: TidingsServer, query: str) -> None:
    with pytest.raises(Refused) as refused:
        connect(server, f"/1.0/events?{query}")
    assert_error(refused.value, 400, read(refused.value.body)["error"])
    assert "tidings-" in read(refused.value.body)["error"]


def test_a_stream_that_ends_with_the_server_says_why() -> None:
    with tidings_server() as server, connect(server) as web_socket:
        server.stop()
        frame = web_socket.read()
        while frame.opcode != CLOSE:
            frame = web_socket.read()
    assert frame.payload == (1001).to_bytes(2, "big") + b"the server is stopping"


def client_pings(number: int) -> bytes:
    return b"".join(client_frame(PING, b"%0125d" % at) for at in range(number))


def without_index(message: bytes) -> bytes:
    head, _, index = message.rpartition(b',"index":')
    assert index.endswith(b"}\n")
    return head + b"}"
