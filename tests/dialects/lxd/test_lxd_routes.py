"""LXD's routes beside the stream, asked as an administrator and as others; the real clients are in tests/clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from yarl import URL

from tests.server.client_certificates import Made, client_context, make_certificate
from tests.server.serving import Reply, Serving, event, serving
from tidings.dialects.lxd.routes import envelope

TLS = "127.0.0.1:0"


@asynccontextmanager
async def by_tls(server: Serving, folder: Path, shown: Made | None = None) -> AsyncIterator[Serving]:
    """Give the same server as a TLS client sees it that shows a certificate, and no token unless it is told to."""
    connector = aiohttp.TCPConnector(ssl=client_context(folder, shown))
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
        client = Serving(server.server, session, server.directory)
        client.url, client.token = f"https://{server.server.tls_address}", ""
        yield client


async def trust(server: Serving, made: Made, *scopes: str) -> None:
    wish = {"name": "web1", "certificate": made.pem.decode(), "role": "reader", "scopes": scopes}
    assert (await server.send("POST", "/v1/trust", wish)).status == 201


def metadata(reply: Reply) -> Any:
    assert reply.status == 200, reply.body
    return reply.json["metadata"]


def refusal(reply: Reply) -> tuple[int, str]:
    answer = reply.json
    assert (answer["type"], answer["error_code"]) == ("error", reply.status)
    return reply.status, answer["error"]


async def until_streams(server: Serving, number: int) -> None:
    async with asyncio.timeout(10):
        while len(server.context.subscriptions) != number:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_a_project_is_found_whatever_its_name_has_in_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(event(scope="50%41/ü"))
        (url,) = (one for one in metadata(await server.get("/1.0/projects")) if not one.endswith("/default"))
        async with server.session.get(
            URL(server.url + url, encoded=True), headers={"Authorization": f"Bearer {server.token}"}
        ) as answer:
            assert (await answer.json())["metadata"]["name"] == "50%41/ü"


async def test_a_time_before_all_times_replays_everything(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(event(), event())
        target = f"{server.url}/1.0/events?all-projects=true&tidings-since=9999999999999999999w"
        async with server.session.ws_connect(target, headers={"Authorization": f"Bearer {server.token}"}) as stream:
            assert [(await stream.receive_json())["index"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("path", ["/1.0/events", "/v1/stream"])
async def test_a_key_that_is_no_text_is_a_bad_handshake(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as server:
        headers = {
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "ÿÿ",
        }  # fmt: skip
        assert (await server.get(path, headers=headers)).status == 400


async def test_a_pending_token_is_an_operation_without_its_secret(tmp_path: Path) -> None:
    async with serving(tmp_path, tls_listen=TLS) as server:
        made = (await server.send("POST", "/1.0/certificates", {"token": True, "name": "laptop"})).json["metadata"]
        assert len(made["metadata"]["secret"]) == 64
        ((shown,),) = metadata(await server.get("/1.0/operations", recursion=1)).values()
        assert shown["metadata"].pop("secret") == "REDACTED"
        assert shown["metadata"] == {
            "addresses": [str(server.server.tls_address)],
            "fingerprint": made["metadata"]["fingerprint"],
            "request": {"name": "laptop", "restricted": False, "projects": []},
        }
        assert metadata(await server.get(f"/1.0/operations/{shown['id']}/wait")) == metadata(
            await server.get(f"/1.0/operations/{shown['id']}")
        )
        assert (await server.ask("DELETE", f"/1.0/operations/{shown['id']}")).status == 200
        assert metadata(await server.get("/1.0/operations")) == {}


async def test_a_token_that_expires_says_when(tmp_path: Path) -> None:
    async with serving(tmp_path, tls_listen=TLS) as server:
        made = await server.send("POST", "/v1/trust/tokens", {"name": "laptop", "role": "reader", "expires_s": 60})
        ((shown,),) = metadata(await server.get("/1.0/operations", recursion=1)).values()
        assert shown["metadata"]["expiresAt"] == made.json["expires"]


async def test_two_clients_that_spend_one_token_at_once_are_one_too_many(tmp_path: Path) -> None:
    async with serving(tmp_path, tls_listen=TLS) as server:
        token = (await server.send("POST", "/v1/trust/tokens", {"name": "laptop", "role": "reader"})).json["token"]
        folders = [tmp_path / str(number) for number in range(4)]

        async def join(folder: Path) -> int:
            folder.mkdir()
            async with by_tls(server, folder, make_certificate()) as client:
                return (await client.send("POST", "/1.0/certificates", {"password": token})).status

        assert sorted(await asyncio.gather(*map(join, folders))) == [201, 403, 403, 403]
        assert len(metadata(await server.get("/1.0/certificates"))) == 1


async def test_a_stream_ends_when_its_certificate_may_see_other_projects(tmp_path: Path) -> None:
    made = make_certificate()
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path, made) as client:
        await trust(server, made)
        async with client.session.ws_connect(f"{client.url}/1.0/events?all-projects=true") as stream:
            url = f"/1.0/certificates/{made.fingerprint}"
            assert (await server.send("PATCH", url, {"name": "web2"})).status == 200
            assert len(server.context.subscriptions) == 1
            assert (await server.send("PUT", url, {"restricted": True, "projects": ["a"]})).status == 200
            async with asyncio.timeout(10):
                while (message := await stream.receive()).type is not aiohttp.WSMsgType.CLOSE:
                    pass
            assert message.extra == "this certificate may see other projects now; connect again"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_no_certificate_needs_is_not_read(tmp_path: Path, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path) as client:
        body: Any = pieces() if chunked else b" " * 400_000
        reply = await client.ask("POST", "/1.0/certificates", data=body)
        assert refusal(reply) == (
            413, "the body has more than 262144 bytes; nothing that is sent here needs so many",
        )  # fmt: skip


async def test_a_body_that_never_comes_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "_BODY_S", 0.05)
    async with serving(tmp_path) as server:
        assert server.server.address is not None
        reader, writer = await asyncio.open_connection(server.server.address.host, server.server.address.port)
        writer.write(b"POST /1.0/certificates HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_who_waits_for_an_operation_holds_a_place_among_the_streams(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, asyncio.TaskGroup() as group:
        with server.context.jobs.open("Exporting events") as job:
            waiting = group.create_task(server.get(f"/1.0/operations/{job.now.id}/wait"))
            await until_streams(server, 1)
        assert metadata(await waiting)["status"] == "Success"
        await until_streams(server, 0)


@pytest.mark.parametrize("seconds", ["9" * 400, "-1"])
async def test_a_wait_can_be_as_long_as_one_likes(tmp_path: Path, seconds: str) -> None:
    async with serving(tmp_path) as server:
        with server.context.jobs.open("Exporting events") as job:
            pass
        answer = await server.get(f"/1.0/operations/{job.now.id}/wait", timeout=seconds)
        assert metadata(answer)["status"] == "Success"


async def test_a_wait_that_is_no_number_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        status, message = refusal(await server.get("/1.0/operations/x/wait", timeout="soon"))
        assert (status, message) == (400, "timeout must be a number of seconds, not 'soon'")


async def test_a_warning_is_acknowledged_made_new_and_deleted_and_the_log_tells_who_did(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        server.context.health.raise_("disk-nearly-full", "there", "free some space")
        (shown,) = metadata(await server.get("/1.0/warnings", recursion=1))
        url = f"/1.0/warnings/{shown['uuid']}"
        for status in ("acknowledged", "new"):
            assert (await server.send("PUT", url, {"status": status})).status == 200
            assert metadata(await server.get(url))["status"] == status
        assert refusal(await server.send("PUT", url, {"status": "resolved"}))[0] == 400
        assert (await server.ask("DELETE", url)).status == 200
        assert refusal(await server.get(url)) == (404, "Warning not found")
        told = (await server.get("/v1/events", search="kind = tidings.warning-*", order="oldest")).json
        assert [one["type"].rpartition("-")[2] for one in told] == ["raised", "acknowledged", "reset", "deleted"]
        assert msgspec.to_builtins(told[1]["data"]["requestor"])["username"] == "admin"
        assert all(one["actor"] == "admin" for one in told[1:])


async def test_who_may_see_one_project_learns_nothing_of_the_server(tmp_path: Path) -> None:
    made, other = make_certificate(), make_certificate()
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path, made) as client:
        await trust(server, made, "a")
        await trust(server, other, "hidden")
        await server.publish(event(scope="hidden", actor="hidden"), event(message="hidden"))
        server.context.health.raise_("disk-nearly-full", "hidden", "hidden")
        with server.context.jobs.open("Hidden work"):
            for path in ("/1.0/certificates", "/1.0/operations", "/1.0/projects", "/1.0/warnings", "/v1/collectors"):
                for shape in ("", "?recursion=1") if path.startswith("/1.0") else ("",):
                    reply = await client.ask("GET", path + shape, token="")
                    assert reply.status == 200
                    assert b"idden" not in reply.body
                    assert other.fingerprint.encode() not in reply.body
        assert refusal(await client.get("/1.0/projects/hidden", token="")) == (404, "Project not found")
        url = f"/1.0/certificates/{other.fingerprint}"
        assert refusal(await client.get(url, token="")) == (404, "Certificate not found")
