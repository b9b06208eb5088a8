"""The asynchronous client, against a fake server: typed answers, typed errors, and following across broken connections."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.cli.fake_server import FakeServer, stored_line
from tidings.answers import Ends, Published
from tidings.client import Client
from tidings.errors import (
    Busy,
    CursorExpired,
    Forbidden,
    InvalidEvent,
    NotFound,
    QuerySyntaxError,
    SearchTimeout,
    Stopping,
    StorageError,
    TidingsError,
    TooLarge,
    Unauthenticated,
)
from tidings.following import Backoff, Following, FrameDecoder, State
from tidings.problem import ConnectionLost, CutShort, Refused, ServerFault, Unreachable, error_of

AT_ONCE = Backoff(first_s=0.0)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[Client]:
    async with Client(server.url, "s3cret") as opened:
        yield opened


async def test_publish_tells_what_became_of_the_batch(server: FakeServer, client: Client) -> None:
    assert await client.publish(b'{"id":"a"}\n{"id":"b"}\n') == Published(2, 0, 2)
    assert server.authorization == "Bearer s3cret"


async def test_a_stream_of_lines_is_published_in_batches(server: FakeServer, client: Client) -> None:
    async def lines() -> AsyncIterator[bytes]:
        for number in range(2500):
            yield b'{"n":%d}' % number

    sums = [published.stored async for published in client.publish_stream(lines(), dialect="lxd", source="s")]
    assert sums == [1000, 1000, 500]
    assert server.requests[-1][2] == {"format": "lxd", "source": "s"}


async def test_pages_follow_each_other_until_there_is_no_more(server: FakeServer, client: Client) -> None:
    server.fill(5)
    pages = [[event.index for event in page.events] async for page in client.pages(limit=2)]
    assert pages == [[5, 4], [3, 2], [1]]


async def test_an_export_streams_all_events(server: FakeServer, client: Client) -> None:
    server.fill(5)
    text = b"".join([piece async for piece in client.export()])
    assert text.splitlines() == server.lines


async def test_a_cut_export_is_an_error(server: FakeServer, client: Client) -> None:
    server.fill(5)
    server.cut_export_after = 2
    received = 0
    with pytest.raises(CutShort) as cut:
        async for piece in client.export():
            received += len(piece)
    assert cut.value.received_bytes == received


async def test_the_small_questions_have_typed_answers(server: FakeServer, client: Client) -> None:
    server.fill(3)
    assert await client.head() == Ends(3, 1)
    assert await client.count("(2)") == 1
    assert (await client.get(2)).message == "Instance c1 started by root (2)"
    assert [kind.seen for kind in await client.kinds()] == [3, 0]
    assert (await client.fields())[0].operators == ("=", ">=")
    assert await client.trim(2) == 2


async def test_tokens_and_users_come_and_go(client: Client) -> None:
    made = await client.create_token("ci", "writer", scopes=("a",), expires_s=60)
    assert (made.token, made.scopes) == ("secret-token", ("a",))
    assert [token.token for token in await client.tokens()] == [""]
    await client.revoke_token("ci")
    assert await client.tokens() == []
    await client.add_user("alice", "pw", "admin")
    await client.set_password("alice", "pw2")
    assert [user.name for user in await client.users()] == ["alice"]
    await client.remove_user("alice")
    assert await client.users() == []


async def test_wait_gives_the_event_or_nothing(server: FakeServer, client: Client) -> None:
    server.fill(2)
    found = await client.wait("started", after=1)
    assert found is not None
    assert await client.wait("never", timeout_s=0.01) is None


async def test_an_index_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="there is no event 7"):
        await client.get(7)


async def test_a_bad_query_tells_its_place_and_a_suggestion(client: Client) -> None:
    with pytest.raises(QuerySyntaxError) as bad:
        await client.search("ab !")
    assert (bad.value.text, bad.value.at, bad.value.reason) == ("ab !", 3, "unexpected '!'")
    assert bad.value.suggestion == "did you mean 'not'?"


async def test_nobody_there_is_unreachable() -> None:
    async with Client("http://127.0.0.1:9") as client:
        with pytest.raises(Unreachable, match="no tidings server answers"):
            await client.head()


async def test_a_lost_answer_is_told_apart_from_nobody_there(server: FakeServer, client: Client) -> None:
    server.lose_answers = 1
    with pytest.raises(ConnectionLost):
        await client.publish(b"{}\n")


async def test_following_replays_and_then_is_live(server: FakeServer, client: Client) -> None:
    server.fill(2)
    seen: list[int] = []
    async for delivery in client.follow(after=0):
        seen.append(delivery.index)
        assert delivery.event.index == delivery.index
        if len(seen) == 2:
            server.fill(1)
        if len(seen) == 3:
            break
    assert seen == [1, 2, 3]


async def test_following_has_no_gap_and_no_repeat_across_broken_connections(server: FakeServer, client: Client) -> None:
    server.fill(30)
    server.drop_streams_after = [0, 3, 0, 0, 11, 1]
    seen: list[int] = []
    async for delivery in client.follow(after=4, backoff=AT_ONCE):
        seen.append(delivery.index)
        if delivery.index == 30:
            break
    assert seen == list(range(5, 31))


async def test_a_break_before_the_first_event_loses_nothing(server: FakeServer, client: Client) -> None:
    """Without a pinned position the second connection would begin with what comes after it."""
    server.fill(5)
    server.drop_streams_after = [0]
    states: list[State] = []

    def note(state: State, _: str) -> None:
        states.append(state)
        if state is State.RECONNECTING:
            server.fill(1)

    async for delivery in client.follow(on_state=note, backoff=AT_ONCE):
        assert delivery.index == 6
        break
    assert states == [State.CONNECTING, State.LIVE, State.RECONNECTING, State.LIVE]


async def test_a_server_that_is_gone_for_a_while_is_tried_with_growing_pauses(
    server: FakeServer, client: Client
) -> None:
    server.fill(2)
    server.drop_streams_after = [1]
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    def refuse(state: State, _: str) -> None:
        if state is State.RECONNECTING and len(pauses) < 3:
            server.refuse("/v1/stream", 503, "stopping", "shutting down")

    backoff = Backoff(first_s=1.0, sleep=sleep, jitter=lambda: 1.0)
    async for delivery in client.follow(after=0, on_state=refuse, backoff=backoff):
        if delivery.index == 2:
            break
    assert pauses == [1.0, 2.0, 4.0, 8.0]


async def test_a_farewell_is_the_reason_of_reconnecting() -> None:
    streams = [[b'event: bye\ndata: {"reason":"stopping"}\n\n', b"id: 1\ndata: {}\n\n"], [b"id: 2\ndata: {}\n\n"]]
    reasons: list[str] = []

    @asynccontextmanager
    async def open_stream(_: int) -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces(chunks: list[bytes]) -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        yield pieces(streams.pop(0))

    async def read_head() -> int:
        return 0

    async for delivery in Following(open_stream, read_head, None, lambda _, why: reasons.append(why), AT_ONCE):
        assert delivery.index == 2
        break
    assert reasons == ["", "", 'the server closed the stream: {"reason":"stopping"}', ""]


async def test_a_position_no_longer_kept_is_raised_and_not_retried(server: FakeServer, client: Client) -> None:
    server.fill(9)
    server.oldest = 5
    with pytest.raises(CursorExpired) as expired:
        async for _ in client.follow(after=2):
            pass
    assert expired.value.oldest == 5


async def test_the_first_connection_must_succeed() -> None:
    async with Client("http://127.0.0.1:9") as client:
        with pytest.raises(Unreachable):
            async for _ in client.follow(after=0):
                pass


def test_backoff_is_capped_and_never_below_half() -> None:
    low, high = Backoff(1.0, 15.0, jitter=lambda: 0.0), Backoff(1.0, 15.0, jitter=lambda: 1.0)
    assert [low.delay_s(attempt) for attempt in (0, 1, 4, 10_000)] == [0.5, 1.0, 7.5, 7.5]
    assert [high.delay_s(attempt) for attempt in (0, 1, 4, 10_000)] == [1.0, 2.0, 15.0, 15.0]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_frames_do_not_depend_on_how_their_bytes_are_split(size: int) -> None:
    text = b': ping\n\nid: 7\ndata: {"a":1}\n\nid: 9\n\nevent: bye\ndata: {"reason":"stop"}\n\n'
    decoder = FrameDecoder()
    frames = [frame for at in range(0, len(text), size) for frame in decoder.feed(text[at : at + size])]
    assert [(frame.name, frame.index, frame.data) for frame in frames] == [
        ("message", None, b""),
        ("message", 7, b'{"a":1}'),
        ("message", 9, b""),
        ("bye", None, b'{"reason":"stop"}'),
    ]


@pytest.mark.parametrize(
    ("status", "slug", "kind"),
    [
        (401, "unauthenticated", Unauthenticated),
        (403, "forbidden", Forbidden),
        (404, "not-found", NotFound),
        (413, "too-large", TooLarge),
        (503, "busy", Busy),
        (503, "stopping", Stopping),
        (504, "search-timeout", SearchTimeout),
        (507, "storage", StorageError),
        (400, "invalid-event", InvalidEvent),
        (400, "bad-request", Refused),
        (502, "", ServerFault),
        (401, "", Unauthenticated),
    ],
)
def test_a_problem_becomes_the_error_it_stands_for(status: int, slug: str, kind: type[TidingsError]) -> None:
    problem = {"type": f"about:blank#{slug}" if slug else "about:blank", "detail": "the server's own words"}
    error = error_of(status, json.dumps(problem).encode())
    assert type(error) is kind
    assert "the server's own words" in str(error)


def test_a_place_in_an_event_is_taken_from_the_sentence() -> None:
    body = json.dumps({"type": "about:blank#invalid-event", "detail": "line 3, column 5: bad", "line": 3, "column": 5})
    error = error_of(400, body.encode())
    assert isinstance(error, InvalidEvent)
    assert (error.line, error.column, error.reason) == (3, 5, "bad")


def test_the_time_to_come_back_is_what_the_server_says() -> None:
    error = error_of(503, b"{}", retry_after="7")
    assert isinstance(error, Busy)
    assert error.retry_after_s == 7


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>", b"[]", b'{"column":"x"}'])
def test_any_body_of_a_refusal_is_borne(body: bytes) -> None:
    assert isinstance(error_of(400, body), TidingsError)


def test_a_delivery_decodes_its_line() -> None:
    decoder = FrameDecoder()
    (frame,) = decoder.feed(b"id: 1\ndata: " + stored_line(1) + b"\n\n")
    assert frame.data == stored_line(1)
