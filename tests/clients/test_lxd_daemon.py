"""tidings collects from a real LXD daemon that runs real containers and is restarted in between."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import msgspec
import pytest

from tests.clients.collected import Stored, agrees, collectors, stored, unaccounted, wait_until_live
from tests.clients.lxd_daemon import IMAGE, LxdDaemon, lxd_daemon
from tests.clients.raw_listener import RawListener
from tests.clients.short_folder import short_folder
from tests.clients.tap import Tap
from tests.clients.tidings_server import TidingsServer, tidings_server, unused_port
from tests.clients.waiting import until
from tidings import rfc3339

NAME, SOURCE = "prod-1", "lxd/prod-1"
SECRET = "correct-horse-battery"


def collect(url: str, *more: str) -> str:
    lines = ["[[collect]]", 'kind = "lxd"', f'name = "{NAME}"', f'url = "{url}"', *more]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def daemon() -> Iterator[LxdDaemon]:
    with lxd_daemon() as daemon:
        yield daemon


class Story(NamedTuple):
    """What happened at the daemon, and how different observers saw it."""

    heard: list[list[bytes]]
    """By a raw listener on the daemon itself, before its restart and after."""
    tapped: list[bytes]
    """Over the collector's own connections, in their order."""
    stored: list[Stored]
    before: Stored
    """The last event before the restart that is known to be stored."""
    token: str
    status: dict[str, object]
    printed: str
    metrics: str


@pytest.fixture(scope="module")
def story(daemon: LxdDaemon) -> Iterator[Story]:
    with ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        tap = stack.enter_context(Tap(folder / "tap", daemon.socket))
        server = stack.enter_context(tidings_server(config=collect(f"unix:{tap.path}")))
        wait_until_live(server, NAME)
        with RawListener(daemon.socket) as listener:
            token = live_a_little(daemon)
            first = heard_until(daemon, server, listener, "first-end")
        before = marked(server, "first-end")[0]
        daemon.stop()
        until(lambda: collectors(server)[NAME]["state"] != "live", "a collector that misses its daemon")
        daemon.start()
        wait_until_live(server, NAME)
        with RawListener(daemon.socket) as listener:
            end_a_little(daemon)
            second = heard_until(daemon, server, listener, "second-end")
        status = collectors(server)[NAME]
        printed = server.command("collect", "status")
        metrics = server.ask("GET", "/metrics").body.decode()
        # the daemon goes on talking of these very requests: what was tapped later may not be stored yet
        kept = stored(server)
        yield Story([first, second], list(tap.messages), kept, before, token, status, printed, metrics)


def live_a_little(daemon: LxdDaemon) -> str:
    """Do a bit of everything; the instance c1 still runs when it returns. Return a join token."""
    daemon.lxc("profile", "create", "gpu-nodes")
    daemon.lxc("profile", "set", "gpu-nodes", "user.owner", "finance")
    daemon.lxc("project", "create", "finance", "--config=features.images=false", "--config=features.profiles=false")
    daemon.lxc("init", IMAGE, "ledger", project="finance")
    daemon.lxc("init", IMAGE, "c1")
    daemon.lxc("start", "c1")
    daemon.lxc("exec", "c1", "--", "/bin/busybox", "true")
    daemon.lxc("snapshot", "c1", "s1")
    daemon.lxc("config", "set", f"core.trust_password={SECRET}")
    fail_to_start(daemon)
    daemon.lxc("config", "set", f"core.https_address=127.0.0.1:{unused_port()}")  # or it makes no tokens
    return daemon.lxc("config", "trust", "add", "--name=laptop").splitlines()[-1].strip()


def fail_to_start(daemon: LxdDaemon) -> None:
    """Start an instance that needs a folder which is gone."""
    with short_folder() as folder:
        daemon.lxc("init", IMAGE, "broken")
        daemon.lxc("config", "device", "add", "broken", "gone", "disk", f"source={folder}", "path=/gone")
    assert daemon.try_lxc("start", "broken").code != 0


def end_a_little(daemon: LxdDaemon) -> None:
    """Undo what `live_a_little` left."""
    daemon.lxc("stop", "c1", "--force")
    daemon.lxc("delete", "c1")
    daemon.lxc("delete", "broken")
    daemon.lxc("delete", "ledger", project="finance")
    daemon.lxc("project", "delete", "finance")
    daemon.lxc("profile", "delete", "gpu-nodes")
    daemon.lxc("config", "unset", "core.https_address")


def heard_until(daemon: LxdDaemon, server: TidingsServer, listener: RawListener, mark: str) -> list[bytes]:
    """Make an event, and return what *listener* heard until then when tidings has stored that event too."""
    daemon.lxc("profile", "create", mark)
    listener.wait_for(lambda message: is_mark(message, mark), f"the profile {mark} at the raw listener")
    until(lambda: marked(server, mark), f"the profile {mark} in tidings")
    heard = list(listener.messages)
    until(
        lambda: not unaccounted(heard, payloads(server)),
        lambda: f"what the raw listener heard, {unaccounted(heard, payloads(server))[:3]} among it",
    )
    return heard


def is_mark(message: bytes, mark: str) -> bool:
    return b'"profile-created"' in message and f'/1.0/profiles/{mark}"'.encode() in message


def marked(server: TidingsServer, mark: str) -> list[Stored]:
    return [event for event in stored(server, "kind=lxd.lifecycle.profile-created") if event.subject.endswith(mark)]


def payloads(server: TidingsServer) -> list[bytes]:
    return [event.payload for event in stored(server) if event.source == SOURCE]


def collected(story: Story) -> list[Stored]:
    return [event for event in story.stored if event.source == SOURCE]


def sent_and_kept(story: Story) -> list[tuple[bytes, bytes]]:
    """Return each message that went to the collector, beside the event that was stored at its place."""
    kept = [event.payload for event in collected(story)]
    return list(zip(story.tapped[: len(kept)], kept, strict=True))


def instant(text: str) -> int:
    return rfc3339.parse(text)


def gaps(events: list[Stored]) -> list[Stored]:
    return [event for event in events if event.type == "tidings.collector-gap"]


def test_every_event_that_a_raw_listener_heard_is_stored_once_and_byte_for_byte(story: Story) -> None:
    assert all(story.heard)
    kept = [event.payload for event in collected(story)]
    assert unaccounted([message for heard in story.heard for message in heard], kept) == []


def test_the_events_are_stored_in_the_order_in_which_the_daemon_sent_them(story: Story) -> None:
    assert [pair for pair in sent_and_kept(story) if not agrees(*pair)] == []


@pytest.mark.parametrize(
    "action",
    ["profile-created", "profile-updated", "project-created", "instance-created", "instance-started", "instance-exec",
     "instance-snapshot-created", "instance-stopped", "instance-deleted", "project-deleted"],
)  # fmt: skip
def test_what_was_done_is_found_by_its_kind(story: Story, action: str) -> None:
    found = [event for event in collected(story) if event.type == f"lxd.lifecycle.{action}"]
    assert found
    assert all(event.message for event in found)


def test_a_failing_start_is_an_error(story: Story) -> None:
    failed = [event for event in collected(story) if event.severity == "error" and event.type == "lxd.operation"]
    assert [event.subject for event in failed] == ["/1.0/instances/broken"]
    assert "Missing source path" in failed[0].message


def test_events_of_all_projects_are_stored_with_theirs(story: Story) -> None:
    created = {event.subject: event.scope for event in collected(story) if event.type.endswith("instance-created")}
    assert created == {
        "/1.0/instances/ledger": "finance",
        "/1.0/instances/c1": "default",
        "/1.0/instances/broken": "default",
    }


def test_secrets_are_redacted_and_nothing_else_is(story: Story) -> None:
    kept = b"\n".join(event.payload for event in story.stored)
    sent = b"\n".join(story.tapped)
    for secret in (SECRET, json.loads(base64.b64decode(story.token))["secret"]):
        assert secret.encode() in sent, "the daemon tells it to its listeners"
        assert secret.encode() not in kept
    changed = [kept for sent, kept in sent_and_kept(story) if sent.removesuffix(b"\n") != kept]
    assert changed
    assert all(b"REDACTED" in payload for payload in changed)


def test_the_restart_left_one_gap_with_its_times(story: Story) -> None:
    (gap,) = gaps(story.stored)
    told = msgspec.json.decode(gap.data)
    assert (told["collector"], told["source"], gap.severity) == (NAME, SOURCE, "warning")
    assert told["reason"]
    assert told["seconds"] > 0
    after = next(event for event in collected(story) if event.sequence > gap.sequence)
    assert story.before.sequence < gap.sequence < after.sequence
    assert instant(story.before.time) <= instant(told["from"]) <= instant(told["to"])


def test_status_and_metrics_tell_how_the_collector_is(story: Story) -> None:
    assert story.status["state"] == "live"
    assert (story.status["gaps"], story.status["reconnects"]) == (1, 1)
    last = story.status["last_event"]
    assert isinstance(last, int)
    assert story.status["events"] == len([event for event in collected(story) if event.sequence <= last])
    assert NAME in story.printed
    assert "live" in story.printed
    assert f'tidings_collector_live{{collector="{NAME}"}} 1' in story.metrics
    assert f'tidings_collector_gaps_total{{collector="{NAME}"}} 1' in story.metrics


def test_a_server_that_was_killed_records_the_time_it_was_away(daemon: LxdDaemon) -> None:
    with tidings_server(config=collect(f"unix:{daemon.socket}")) as server:
        wait_until_live(server, NAME)
        daemon.lxc("profile", "create", "before-the-kill")
        until(lambda: marked(server, "before-the-kill"), "the event before it")
        server.kill()
        daemon.lxc("profile", "create", "unheard")
        server.start()
        wait_until_live(server, NAME)
        daemon.lxc("profile", "create", "after-the-kill")
        until(lambda: marked(server, "after-the-kill"), "the event after it")
        events = stored(server)
    (gap,) = gaps(events)
    told = msgspec.json.decode(gap.data)
    marks = [event.sequence for event in events if event.type == "lxd.lifecycle.profile-created"]
    assert marks[0] < gap.sequence < marks[1]
    assert told["seconds"] > 0


def test_a_daemon_is_collected_over_tls_with_a_certificate_it_trusts(daemon: LxdDaemon) -> None:
    address = f"127.0.0.1:{unused_port()}"
    daemon.lxc("config", "set", f"core.https_address={address}")
    pinned = f'server_certificate = "{daemon.directory / "server.crt"}"'
    with tidings_server(config=collect(f"https://{address}", pinned)) as server:
        certificate = server.data / "client.crt"
        until(lambda: "trust" in str(collectors(server)[NAME]["detail"]), "a collector that isn't trusted, and says so")
        daemon.lxc("config", "trust", "add", str(certificate), "--name=tidings")
        wait_until_live(server, NAME)
        daemon.lxc("profile", "create", "over-tls")
        until(lambda: marked(server, "over-tls"), "an event over TLS")
    daemon.lxc("config", "unset", "core.https_address")
