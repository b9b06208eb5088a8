"""Collecting from LXD and Incus, against a stand-in for the daemon."""

from __future__ import annotations

import base64
import errno
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import WSMsgType

from tests.collect.collecting import Setting, until
from tests.dialects.lxd.collecting_lxd import Collecting, collecting, frame
from tests.dialects.lxd.mock_lxd import ENVIRONMENT, MockLxd
from tidings.collect import Collector, Kind, Row, State
from tidings.dialects.lxd import collector
from tidings.errors import Busy, ConfigError
from tidings.log.base import Appended
from tidings.server.client_certificate import ensure_client_certificate


async def test_the_first_ping_makes_it_live_and_is_answered(setting: Setting) -> None:
    async with collecting(setting) as running:
        connection = await running.daemon.connection()
        assert running.status.state is State.CONNECTING
        await connection.ping(b"keepalive")
        await until(lambda: connection.pongs == [b"keepalive"])
        await until(lambda: running.status.state is State.LIVE)
        assert running.status.detail == "lxd 5.0.2 node1"
        assert connection.data == []


async def test_it_asks_like_lxc_monitor_and_for_everything(setting: Setting) -> None:
    async with collecting(setting) as running:
        connection = await running.live()
        assert running.daemon.queries == ["all-projects=true"]
        assert connection.headers["Host"] == "unix.socket"
        assert "Sec-WebSocket-Extensions" not in connection.headers
        assert "Origin" not in connection.headers


async def test_types_and_project_narrow_what_it_asks_for(setting: Setting) -> None:
    async with collecting(setting, types=["lifecycle", "network-acl"], project="p 1") as running:
        await running.live()
        assert running.daemon.queries == ["project=p 1&type=lifecycle,network-acl"]


async def test_events_are_stored_once_in_their_order_byte_for_byte(setting: Setting) -> None:
    frames = [frame(number) for number in range(500)]
    async with collecting(setting) as running:
        connection = await running.live()
        await connection.send(*frames)
        await until(lambda: len(running.stored) == len(frames))
        assert running.payloads == frames
        first = running.stored[0]
        assert (first.source, first.type, first.location) == ("lxd/lxd", "lxd.lifecycle.project-created", "node1")


async def test_what_arrives_while_the_log_is_busy_is_stored_together(setting: Setting) -> None:
    sizes = []
    publish = setting.core.publish

    async def counted(drafts: Any, who: Any) -> Appended:
        sizes.append(len(drafts))
        return await publish(drafts, who)

    setting.core.publish = counted  # type: ignore[method-assign]
    async with collecting(setting) as running:
        connection = await running.live()
        setting.core.refusals = [Busy("full")]
        await connection.send(frame(0))
        await until(lambda: running.status.state is State.WAITING)
        await connection.send(*(frame(number) for number in range(1, 50)))
        await connection.ping(b"all sent")
        await until(lambda: b"all sent" in connection.pongs)
        await setting.pauses.end()
        await until(lambda: len(running.stored) == 50)
        assert sizes == [1, 1, 49]


async def test_events_before_the_first_ping_are_kept(setting: Setting) -> None:
    async with collecting(setting) as running:
        connection = await running.daemon.connection()
        await connection.send(frame(0))
        await until(lambda: running.payloads == [frame(0)])


async def test_binary_messages_are_events_too(setting: Setting) -> None:
    async with collecting(setting) as running:
        connection = await running.live()
        await connection.socket.send_bytes(frame(0))
        await until(lambda: running.payloads == [frame(0)])


@pytest.mark.parametrize("ending", ["abort", "close"])
async def test_a_lost_connection_is_made_again_and_the_gap_recorded(setting: Setting, ending: str) -> None:
    async with collecting(setting) as running:
        connection = await running.live()
        await connection.send(frame(0))
        await until(lambda: len(running.stored) == 1)
        if ending == "abort":
            connection.abort()
        else:
            await connection.socket.close(code=1001, message=b"going away")
        reason = await running.refused()
        await setting.pauses.end()
        connection = await running.live()
        await connection.send(frame(1))
        await until(lambda: len(running.stored) == 3)
        assert setting.core.messages[1] == reason
        assert ending == "abort" or reason == "the server closed the connection (1001) going away"
        assert running.payloads[2] == frame(1)


async def test_what_had_arrived_before_the_connection_broke_is_stored(setting: Setting) -> None:
    async with collecting(setting) as running:
        connection = await running.live()
        setting.core.refusals = [Busy("full")]
        await connection.send(frame(0))
        await until(lambda: running.status.state is State.WAITING)
        await connection.send(frame(1), frame(2))
        await connection.ping(b"all sent")
        await until(lambda: b"all sent" in connection.pongs)
        connection.abort()
        await setting.pauses.end()
        await until(lambda: running.payloads == [frame(0), frame(1), frame(2)])


async def test_silence_is_taken_for_a_lost_connection(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "SILENCE_S", 0.05)
    async with collecting(setting) as running:
        await running.live()
        assert await running.refused() == "nothing was heard for 0.05 s, not even a ping"


@pytest.mark.parametrize(
    ("garbage", "kept"),
    [
        (b"not JSON", b"not JSON"),
        (b"\xff\xfe", b"\xff\xfe"),
        (b'{"no":"type"}', b'{"no":"type"}'),
        (b'{"metadata":{"secret":"s3"}}', b'{"metadata":{"secret":"REDACTED"}}'),
        (b'{"secret": "s3", cut off', b'{"secret": "REDACTED", cut off'),
        (b"?password=s3&x=1 ...", b"?password=REDACTED&x=1 ..."),
    ],
)
async def test_what_is_no_event_is_kept_without_secrets(setting: Setting, garbage: bytes, kept: bytes) -> None:
    async with collecting(setting) as running:
        connection = await running.live()
        await connection.send(frame(0))
        await connection.socket.send_frame(garbage, WSMsgType.TEXT)
        await connection.send(frame(1))
        await until(lambda: len(running.stored) == 3)
        odd = running.stored[1]
        assert (odd.type, odd.severity, odd.dialect) == ("lxd.unreadable", "warning", "lxd")
        assert base64.b64decode(odd.data_base64) == kept
        assert (odd.time, odd.datacontenttype) == (setting.now, "application/octet-stream")
        assert running.status.state is State.LIVE


async def test_a_server_that_does_not_trust_us_says_what_to_do(setting: Setting) -> None:
    daemon = MockLxd()
    daemon.root = {"metadata": {"auth": "untrusted"}}
    async with collecting(setting, daemon) as running:
        assert "doesn't trust the user running tidings; let it join the group" in await running.refused()
        assert daemon.queries == []


@pytest.mark.parametrize("root", ["hello", [1], {"metadata": None, "error": "not found"}, {"metadata": {"auth": 5}}])
async def test_what_is_no_lxd_is_said_so(setting: Setting, root: Any) -> None:
    daemon = MockLxd()
    daemon.root = root
    async with collecting(setting, daemon) as running:
        assert "is no LXD or Incus: /1.0 says 200" in await running.refused()


async def test_a_refusal_is_told_in_the_servers_words(setting: Setting) -> None:
    daemon = MockLxd()
    daemon.refusal = (404, "Project not found")
    async with collecting(setting, daemon, project="gone") as running:
        assert (await running.refused()).endswith("refuses to send events: Project not found (404)")


async def test_a_server_that_is_not_there_is_tried_again(setting: Setting) -> None:
    async with collecting(setting, url=f"unix:{setting.directory}/other.socket") as running:
        reason = await running.refused()
        assert "No such file or directory; is the server running" in reason
        assert [await setting.pauses.end() for _ in range(3)] == [1.5, 3, 6]


async def test_a_socket_that_may_not_be_opened_says_what_to_do(setting: Setting) -> None:
    made = collector.prepare(Row({"kind": "lxd"}, 1, setting.directory))
    assert isinstance(made, collector.LxdCollector)
    message = made._unreachable(PermissionError(errno.EACCES, "Permission denied"))
    assert message == (
        "can't connect to unix:/var/lib/lxd/unix.socket: Permission denied; let the user running tidings join the group of "
        "that socket"
    )


async def test_incus_is_collected_the_same_way(setting: Setting) -> None:
    daemon = MockLxd()
    daemon.root = {
        "metadata": {"auth": "trusted", "environment": {**ENVIRONMENT, "server": "incus", "server_version": "7.3"}}
    }
    async with collecting(setting, daemon, name="prod-1", source="incus/prod-1") as running:
        connection = await running.live()
        await connection.ping(b"")
        await connection.send(frame(0))
        await until(lambda: len(running.stored) == 1)
        assert running.status.detail == "incus 7.3 node1"
        assert running.stored[0].source == "incus/prod-1"


async def test_devlxd_asks_for_config_and_device_and_for_nobodys_trust(setting: Setting) -> None:
    event = (
        b'{"type":"config","timestamp":"2026-11-20T22:28:16Z","metadata":{"key":"user.a","old_value":"","value":"1"}}'
    )
    daemon = MockLxd()
    daemon.root = {"metadata": {"auth": "untrusted"}}
    async with collecting(setting, daemon, kind="devlxd") as running:
        connection = await running.live()
        await connection.send(event)
        await until(lambda: running.payloads == [event])
        assert daemon.queries == ["type=config,device"]
        assert (running.stored[0].type, running.stored[0].source) == ("lxd.config", "devlxd/devlxd")


class Tls:
    """Two pairs of certificate and key, and a server context that lets only our client in."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        self.server, self.client = folder / "server", folder
        self.server.mkdir()
        for directory in (self.server, self.client):
            ensure_client_certificate(directory, setting.clock)
        self.fingerprint = fingerprint(self.server / "client.crt")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.server / "client.crt", self.server / "client.key")
        self.context.load_verify_locations(self.client / "client.crt")
        self.context.verify_mode = ssl.CERT_REQUIRED


def fingerprint(path: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()


@pytest.fixture
def tls(folder: Path, setting: Setting) -> Tls:
    return Tls(folder, setting)


@asynccontextmanager
async def collecting_by_tls(setting: Setting, tls: Tls, **row: Any) -> AsyncIterator[Collecting]:
    daemon = MockLxd()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(daemon.serving(tls.context))
        row["url"] = f"https://127.0.0.1:{daemon.port}"
        yield await stack.enter_async_context(collecting(setting, daemon, **row))


@pytest.mark.parametrize("pin", ["fingerprint", "colons", "server_certificate"])
async def test_tls_shows_our_certificate_and_pins_the_servers(setting: Setting, tls: Tls, pin: str) -> None:
    colons = ":".join(tls.fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    row = {
        "fingerprint": {"fingerprint": tls.fingerprint},
        "colons": {"fingerprint": colons},
        "server_certificate": {"server_certificate": "<data>/server/client.crt"},
    }[pin]
    async with collecting_by_tls(setting, tls, **row) as running:
        connection = await running.live()
        await connection.send(frame(0))
        await until(lambda: running.payloads == [frame(0)])


async def test_another_certificate_than_the_pinned_one_is_refused_by_its_fingerprint(
    setting: Setting, tls: Tls
) -> None:
    async with collecting_by_tls(setting, tls, fingerprint="ab" * 32) as running:
        reason = await running.refused()
        assert f"has the fingerprint {tls.fingerprint}, expected was {'ab' * 32}" in reason
        assert f'set fingerprint = "{tls.fingerprint}"' in reason


async def test_a_certificate_that_nobody_vouches_for_is_named_by_its_fingerprint(setting: Setting, tls: Tls) -> None:
    tls.context.verify_mode = ssl.CERT_OPTIONAL
    async with collecting_by_tls(setting, tls) as running:
        reason = await running.refused()
        assert "is not trusted" in reason
        assert f'set fingerprint = "{tls.fingerprint}"' in reason


async def test_an_untrusted_client_is_told_its_fingerprint_and_the_command(setting: Setting, tls: Tls) -> None:
    async with collecting_by_tls(setting, tls, fingerprint=tls.fingerprint) as running:
        connection = await running.live()
        running.daemon.root = {"metadata": {"auth": "untrusted"}}
        connection.abort()
        await setting.pauses.end()
        await until(lambda: "doesn't trust" in running.status.detail)
        reason = running.status.detail
        assert f"doesn't trust our certificate {fingerprint(tls.client / 'client.crt')}" in reason
        assert "lxc config trust add client.crt" in reason


async def test_a_client_certificate_that_is_missing_is_named(setting: Setting, tls: Tls) -> None:
    (tls.client / "client.key").unlink()
    async with collecting_by_tls(setting, tls, fingerprint=tls.fingerprint) as running:
        reason = await running.refused()
        assert f"can't use the client certificate {tls.client}/client.crt" in reason
        assert "No such file" in reason


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"url": "http://host"},
            r"bad value for url: expected unix:/PATH of the server's socket, or https://HOST:PORT",
        ),
        ({"url": "unix:relative"}, "bad value for url"),
        ({"url": "https://user@host"}, "bad value for url"),
        ({"url": "https://host/path"}, "bad value for url"),
        ({"url": "https://host:port"}, "bad value for url"),
        ({"types": "lifecycle"}, r'bad value for types: expected a list of event types, such as \["lifecycle"'),
        ({"types": ["lifecycle,operation"]}, "bad value for types"),
        ({"fingerprint": "ab"}, "bad value for fingerprint: expected the SHA-256"),
        ({"url": "https://h", "certificate": "client.crt"}, "bad value for certificate: expected the absolute path"),
        ({"url": "https://h", "certificate": "/c.crt"}, "expected certificate and key together"),
        ({"url": "https://h", "fingerprint": "ab" * 32, "server_certificate": "/c"}, "one of the two is enough"),
        ({"fingerprnt": ""}, "unknown key 'fingerprnt'; did you mean 'fingerprint'"),
        ({"kind": "devlxd", "url": "https://host"}, "bad value for url: expected unix:/PATH of the socket"),
        ({"kind": "devlxd", "project": "p"}, "unknown key 'project'"),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_expected(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        collector.prepare(Row({"kind": "lxd", **row}, 1, tmp_path))


@pytest.mark.parametrize(
    ("url", "base", "socket"),
    [
        ("unix:/run/x", "http://unix.socket", "/run/x"),
        ("unix:///run/x", "http://unix.socket", "/run/x"),
        ("https://host", "https://host:8443", ""),
        ("https://[::1]:443/", "https://[::1]:443", ""),
    ],
)
def test_a_url_says_where_the_server_is(tmp_path: Path, url: str, base: str, socket: str) -> None:
    made = collector.prepare(Row({"kind": "lxd", "url": url}, 1, tmp_path))
    assert isinstance(made, collector.LxdCollector)
    assert (made._endpoint.base, made._endpoint.socket) == (base, socket)


def test_the_module_is_a_kind_and_makes_collectors(tmp_path: Path) -> None:
    kind: Kind = cast(Kind, collector)
    made: Collector = kind.prepare(Row({"kind": "lxd"}, 1, tmp_path))
    assert (made.settings.name, made.settings.source, made.resumes) == ("lxd", "lxd/lxd", False)
