"""Trusting client certificates and making join tokens over HTTP, the events that tell of it, and TLS clients at the door."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.server.client_certificates import Made, client_context, make_certificate
from tests.server.serving import Reply, Serving, event, serving

TLS = "127.0.0.1:0"


async def newest(server: Serving) -> dict[str, Any]:
    (found,) = (await server.get("/v1/events", max=1)).json
    assert isinstance(found, dict)
    return found


def wish(made: Made, **changes: Any) -> dict[str, Any]:
    return {"name": "web1", "certificate": made.pem.decode(), "role": "reader"} | changes


@asynccontextmanager
async def by_tls(server: Serving, folder: Path, shown: Made | None = None) -> AsyncIterator[Serving]:
    """Give the same server as a client sees it by TLS that shows a certificate."""
    connector = aiohttp.TCPConnector(ssl=client_context(folder, shown))
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
        client = Serving(server.server, session, server.directory)
        client.url = f"https://{server.server.tls_address}"
        yield client


async def test_a_trusted_certificate_opens_what_its_role_may(tmp_path: Path) -> None:
    made = make_certificate()
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path, made) as client:
        reply = await server.send("POST", "/v1/trust", wish(made, role="writer"))
        assert reply.status == 201
        row = reply.json
        assert (row["fingerprint"], row["name"], row["role"], row["scopes"]) == (made.fingerprint, "web1", "writer", [])
        assert row["expires"].startswith("2262-")
        assert (await client.publish(event(), token="")).status == 200
        assert (await client.ask("GET", "/v1/trust", token="")).slug == "forbidden"


async def test_trusting_and_ending_it_are_told_in_the_log(tmp_path: Path) -> None:
    made = make_certificate()
    payload = {"fingerprint": made.fingerprint, "name": "web1", "role": "reader", "scope": ["a"]}
    async with serving(tmp_path) as server:
        await server.send("POST", "/v1/trust", wish(made, scopes=["a"]))
        told = await newest(server)
        assert (told["type"], told["actor"], told["data"]) == ("tidings.certificate-created", "admin", payload)
        assert told["subject"] == f"certificate {made.fingerprint}"
        assert (await server.ask("DELETE", f"/v1/trust/{made.fingerprint[:12]}")).status == 204
        told = await newest(server)
        assert (told["type"], told["actor"], told["data"]) == ("tidings.certificate-deleted", "admin", payload)
        assert told["subject"] == f"certificate {made.fingerprint}"


async def test_an_unknown_certificate_is_refused_with_its_fingerprint(tmp_path: Path) -> None:
    made = make_certificate()
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path, made) as client:
        reply = await client.get("/v1/head", token="")
        assert (reply.status, reply.slug) == (401, "unauthenticated")
        assert made.fingerprint in reply.json["detail"]
        assert (await client.get("/v1/head")).status == 200


async def test_without_a_certificate_tls_asks_for_other_credentials(tmp_path: Path) -> None:
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path) as client:
        assert (await client.get("/v1/head", token="")).slug == "unauthenticated"
        assert (await client.get("/v1/head")).status == 200


async def test_a_certificate_that_is_trusted_no_more_is_refused_on_an_open_connection(tmp_path: Path) -> None:
    made = make_certificate()
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path, made) as client:
        await server.send("POST", "/v1/trust", wish(made))
        assert (await client.get("/v1/head", token="")).status == 200
        assert (await server.ask("DELETE", f"/v1/trust/{made.fingerprint}")).status == 204
        assert (await client.get("/v1/head", token="")).status == 401
        assert (await server.ask("DELETE", f"/v1/trust/{made.fingerprint}")).slug == "not-found"


async def test_the_streams_of_a_certificate_end_with_the_trust(tmp_path: Path) -> None:
    made = make_certificate()
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path, made) as client:
        await server.send("POST", "/v1/trust", wish(made))
        async with client.session.get(f"{client.url}/v1/stream") as answer, asyncio.timeout(20):
            assert answer.status == 200
            await server.ask("DELETE", f"/v1/trust/{made.fingerprint}")
            assert b"this certificate is no longer trusted" in await answer.content.read()


async def test_a_certificate_with_scopes_sees_only_these_and_what_it_did(tmp_path: Path) -> None:
    made = make_certificate()
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path, made) as client:
        await server.send("POST", "/v1/trust", wish(made, scopes=["a"]))
        await server.publish(
            event(scope="a", message="in scope"),
            event(scope="b", message="elsewhere"),
            event(scope="b", message="own", actor=made.fingerprint),
            event(scope="b", message="own log line", actor=made.fingerprint, type="lxd.logging"),
        )
        found = (await client.get("/v1/events", token="", order="oldest")).json
        assert [one["message"] for one in found] == ["in scope", "own"]


async def test_the_list_shows_what_is_trusted(tmp_path: Path) -> None:
    made = [make_certificate() for _ in range(2)]
    async with serving(tmp_path) as server:
        assert (await server.get("/v1/trust")).json == []
        for name, one in zip(("b", "a"), made, strict=True):
            await server.send("POST", "/v1/trust", wish(one, name=name))
        rows = (await server.get("/v1/trust")).json
        assert [(row["name"], row["fingerprint"]) for row in rows] == [
            ("a", made[1].fingerprint),
            ("b", made[0].fingerprint),
        ]


async def test_a_join_token_is_what_lxc_needs_to_find_the_server(tmp_path: Path) -> None:
    async with serving(tmp_path, tls_listen=TLS) as server:
        reply = await server.send("POST", "/v1/trust/tokens", {"name": "web1", "role": "reader", "expires_s": 60})
        assert reply.status == 201
        token = json.loads(base64.b64decode(reply.json["token"]))
        assert list(token) == ["client_name", "fingerprint", "addresses", "secret", "expires_at"]
        assert token["client_name"] == "web1"
        assert token["addresses"] == [str(server.server.tls_address)]
        assert token["expires_at"] == reply.json["expires"]
        address, certificate = server.server.tls_address, server.context.server_certificate
        assert address is not None
        assert certificate is not None
        shown = await asyncio.to_thread(ssl.get_server_certificate, (address.host, address.port))
        assert (shown, token["fingerprint"]) == (certificate.pem, certificate.fingerprint)


async def test_a_join_token_can_name_other_addresses_and_last_for_ever(tmp_path: Path) -> None:
    addresses = ["events.example.org:8443", "[2001:db8::7]:8443"]
    async with serving(tmp_path, tls_listen=TLS) as server:
        body = {"name": "web1", "role": "reader", "addresses": addresses}
        reply = await server.send("POST", "/v1/trust/tokens", body)
        token = json.loads(base64.b64decode(reply.json["token"]))
        assert (token["addresses"], token["expires_at"]) == (addresses, "0001-01-01T00:00:00Z")
        assert reply.json["expires"] is None


async def test_a_join_token_opens_once(tmp_path: Path) -> None:
    made = make_certificate()
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path, made) as client:
        reply = await server.send("POST", "/v1/trust/tokens", {"name": "web1", "role": "reader"})
        secret = json.loads(base64.b64decode(reply.json["token"]))["secret"]
        server.context.certificates.join(secret, made.der)
        assert (await client.get("/v1/head", token="")).status == 200
        assert (await server.get("/v1/trust/tokens")).json == []


async def test_join_tokens_are_listed_and_revoked_and_told_of_without_their_secret(tmp_path: Path) -> None:
    async with serving(tmp_path, tls_listen=TLS) as server:
        body = {"name": "web1", "role": "writer", "scopes": ["a"]}
        made = (await server.send("POST", "/v1/trust/tokens", body)).json
        text = made.pop("token")
        secret = json.loads(base64.b64decode(text))["secret"]
        payload = {"id": made["id"], "name": "web1", "role": "writer", "scope": ["a"]}
        told = await newest(server)
        assert (told["type"], told["data"]) == ("tidings.certificate-token-created", payload)
        assert (await server.get("/v1/trust/tokens")).json == [made]
        assert (await server.ask("DELETE", f"/v1/trust/tokens/{made['id']}")).status == 204
        told = await newest(server)
        assert (told["type"], told["data"]) == ("tidings.certificate-token-revoked", payload)
        assert (await server.get("/v1/trust/tokens")).json == []
        assert (await server.ask("DELETE", f"/v1/trust/tokens/{made['id']}")).slug == "not-found"
        everything = (await server.get("/v1/events", export=1)).body
        assert secret.encode() not in everything
        assert text.encode() not in everything


async def test_without_a_tls_listener_there_is_nothing_to_join(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.send("POST", "/v1/trust/tokens", {"name": "web1", "role": "reader"})
        assert (reply.status, reply.slug) == (400, "bad-request")
        assert "no TLS listener: set tls_listen" in reply.json["detail"]
        assert (await server.get("/v1/trust/tokens")).json == []


EXPIRED = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("path", "body", "part"),
    [
        ("/v1/trust", {"name": "web1", "certificate": "garbage", "role": "reader"}, "certificate"),
        ("/v1/trust", {"name": "web1", "certificate": EXPIRED, "role": "reader"}, "certificate"),
        ("/v1/trust", {"name": "web1", "certificate": "", "role": "reader"}, "certificate"),
        ("/v1/trust", {"name": "a b", "certificate": "x", "role": "reader"}, "name"),
        ("/v1/trust", {"name": "web1", "certificate": "x", "role": "admin", "scopes": ["a"]}, "scopes"),
        ("/v1/trust", {"name": "web1", "certificate": "x", "role": "god"}, "body"),
        ("/v1/trust", {"name": "web1", "role": "reader"}, "body"),
        ("/v1/trust", {"name": "web1", "certificate": "x", "role": "reader", "colour": "red"}, "body"),
        ("/v1/trust/tokens", {"name": "a b", "role": "reader"}, "name"),
        ("/v1/trust/tokens", {"name": "web1", "role": "reader", "expires_s": -1}, "expires_s"),
        ("/v1/trust/tokens", {"name": "web1", "role": "admin", "scopes": ["a"]}, "scopes"),
        ("/v1/trust/tokens", {"name": "web1", "role": "reader", "addresses": ["example.org"]}, "addresses"),
        ("/v1/trust/tokens", {"name": "web1", "role": "reader", "addresses": ["example.org:0"]}, "addresses"),
        ("/v1/trust/tokens", {"name": "web1", "role": "reader", "addresses": ["https://a:1"]}, "addresses"),
        ("/v1/trust/tokens", {"name": "web1", "role": "reader", "addresses": ["::1:8443"]}, "addresses"),
        ("/v1/trust/tokens", {"name": "web1", "role": "reader", "addresses": ["a:1"] * 21}, "addresses"),
    ],
)
async def test_a_wish_that_can_not_be_granted_is_a_bad_request(
    tmp_path: Path, path: str, body: dict[str, Any], part: str
) -> None:
    async with serving(tmp_path, tls_listen=TLS) as server:
        reply = await server.send("POST", path, body)
        assert (reply.status, reply.slug) == (400, "bad-request")
        assert reply.json.get("field", reply.json.get("parameter")) == part


async def test_a_certificate_is_trusted_once(tmp_path: Path) -> None:
    made = make_certificate()
    async with serving(tmp_path) as server:
        assert (await server.send("POST", "/v1/trust", wish(made))).status == 201
        assert (await server.send("POST", "/v1/trust", wish(made, name="other"))).slug == "bad-request"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/trust"),
        ("POST", "/v1/trust"),
        ("DELETE", "/v1/trust/abc"),
        ("GET", "/v1/trust/tokens"),
        ("POST", "/v1/trust/tokens"),
        ("DELETE", "/v1/trust/tokens/abc"),
    ],
)
async def test_only_an_admin_decides_whom_to_trust(tmp_path: Path, method: str, path: str) -> None:
    async with serving(tmp_path) as server:
        reply: Reply = await server.ask(method, path, token=server.make_token("ci", "writer"))
        assert (reply.status, reply.slug) == (403, "forbidden")


async def test_large_bodies_and_exports_pass_through_tls(tmp_path: Path) -> None:
    async with serving(tmp_path, tls_listen=TLS) as server, by_tls(server, tmp_path) as client:
        lines = b"".join(json.dumps(event(message="x" * 900)).encode() + b"\n" for _ in range(6_000))
        headers = {"Content-Type": "application/x-ndjson"}
        stored = await client.ask("POST", "/v1/events", headers=headers, data=io.BytesIO(lines))
        assert (stored.status, stored.json["stored"]) == (200, 6_000)
        everything = (await client.get("/v1/events", export=1, format="ndjson")).body
        assert everything.count(b"\n") == 6_000
