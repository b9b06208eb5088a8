"""How a collector gets into an engine: its settings, the password, tokens and certificates."""

from __future__ import annotations

import base64
import hashlib
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.collect.collecting import Setting, until
from tests.dialects.ovirt.collecting_ovirt import collecting, ovirt_setting
from tests.dialects.ovirt.mock_engine import PASSWORD, USER, MockEngine
from tidings.collect import Collector, Kind, Row, State
from tidings.dialects.ovirt import collector
from tidings.dialects.ovirt.collector_settings import OvirtSettings, plan
from tidings.dialects.table import load_collector
from tidings.errors import ConfigError
from tidings.server.client_certificate import ensure_client_certificate


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return ovirt_setting(tmp_path)


async def test_an_expired_token_is_replaced_without_a_word(setting: Setting) -> None:
    engine = MockEngine([1])
    async with collecting(setting, engine) as running:
        await running.polled()
        engine.tokens.clear()
        engine.add(2)
        await running.poll()
        assert running.numbers == [1, 2]
        assert engine.sign_ons == [USER, USER]
        assert running.status.reconnects == 0


async def test_a_token_is_used_until_the_end_and_revoked_then(setting: Setting) -> None:
    engine = MockEngine([1])
    async with collecting(setting, engine) as running:
        await running.poll(5)
        assert engine.sign_ons == [USER]
        assert engine.tokens == {"token-1"}
    assert engine.tokens == set()


async def test_an_engine_that_refuses_even_a_new_token_is_not_asked_on_and_on(setting: Setting) -> None:
    engine = MockEngine([1])
    engine.failures = [web.Response(status=401) for _ in range(9)]
    async with collecting(setting, engine) as running:
        assert f"doesn't let {USER} in" in await running.refused()
        assert len(engine.failures) == 8


async def test_without_sso_user_and_password_go_with_each_request(setting: Setting) -> None:
    engine = MockEngine([1])
    engine.has_sso = False
    async with collecting(setting, engine) as running:
        await running.poll()
        assert running.numbers == [1]
        shown = engine.headers[-1]["Authorization"].removeprefix("Basic ")
        assert base64.b64decode(shown).decode() == f"{USER}:{PASSWORD}"
        assert engine.paths.count("/ovirt-engine/sso/oauth/token") == 1


async def test_a_redirection_is_not_followed(setting: Setting) -> None:
    engine = MockEngine([1])
    engine.failures = [web.Response(status=302, headers={"Location": "http://elsewhere/"}) for _ in range(2)]
    async with collecting(setting, engine) as running:
        assert (await running.refused()).endswith("redirects (302); set url to where it really is")


@pytest.mark.parametrize("way", ["refused", "echoed by the events", "page"])
async def test_the_password_is_in_no_message(
    setting: Setting, way: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = MockEngine([1])
    row: dict[str, Any] = {}
    match way:
        case "refused":
            row["user"] = "nobody@internal"
        case "page":
            engine.sign_on = web.Response(status=500, text="x" * 290 + PASSWORD)
        case _:
            detail = [web.json_response({"detail": f"bad {PASSWORD} token-1"}, status=400) for _ in range(2)]
            engine.failures = detail
    async with collecting(setting, engine, **row) as running:
        reason = await running.refused()
        output = capfd.readouterr()
        for text in (str(running.status), caplog.text, output.out, output.err):
            for secret in ("token-1", "p4ß", 'p4ß \\"w', "w/rd", "p4\\u00df"):
                assert secret not in text
    assert (
        reason
        == {
            "refused": (
                f"{engine.root} refuses to sign nobody@internal on: access_denied: Cannot authenticate user nobody@internal "
                "with password REDACTED (400); check user, with its profile, and password"
            ),
            "page": (
                f"{engine.root} refuses to sign {USER} on: {'x' * 290}REDACTED (500); check user, with its profile, and password"
            ),
            "echoed by the events": f"{engine.root}/ovirt-engine/api answers 400: bad REDACTED REDACTED",
        }[way]
    )


async def test_the_password_may_stand_in_a_file(setting: Setting) -> None:
    path = setting.directory / "engine.password"
    path.write_text(f"{PASSWORD}\r\nnot this\n")
    async with collecting(setting, MockEngine([1]), password_file="<data>/engine.password") as running:
        await running.polled()
        assert running.numbers == [1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "is empty"), (b"\nsecret", "is empty"), (b"\xff\n", "is not UTF-8")],
)
async def test_a_password_file_that_cannot_be_used_is_named(
    setting: Setting, content: bytes | None, reason: str
) -> None:
    path = setting.directory / "engine.password"
    if content is not None:
        path.write_bytes(content)
    async with collecting(setting, MockEngine([1]), password_file=str(path)) as running:
        told = await running.refused()
        assert f"password_file {path}" in told
        assert reason in told


@pytest.fixture
def context(setting: Setting) -> ssl.SSLContext:
    """A server's context whose certificate is in client.crt of the data directory."""
    ensure_client_certificate(setting.directory, setting.clock)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(setting.directory / "client.crt", setting.directory / "client.key")
    return made


def fingerprint(setting: Setting) -> str:
    pem = (setting.directory / "client.crt").read_text()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"url": "unix:/x"}, "bad value for url: expected https://HOST/ovirt-engine/api"),
        ({"url": "https://u:p@h/"}, "with user and password as keys of their own"),
        ({"url": "https://h:port"}, "bad value for url"),
        ({"url": "https://h/?x=1"}, "bad value for url"),
        ({"url": "http://h", "fingerprint": "ab" * 32}, "http has no certificate"),
        ({"fingerprint": "ab" * 32, "ca_file": "/c"}, "one of the two is enough"),
        ({"password": ""}, "expected either password_file or password"),
        ({"password_file": "/p"}, "expected either password_file or password"),
        ({"user": ""}, "bad value for user: expected a user with its profile"),
        ({"interval": "soon"}, "bad value for interval: expected a time from 0.1 s to 1 h"),
        ({"interval": 0}, "bad value for interval"),
        ({"batch": 0}, "bad value for batch: expected a number of events from 1 to 10000"),
        ({"search": "severity=error sortby time"}, "expected conditions .* without sortby and page"),
        ({"search": "page 2"}, "bad value for search"),
        ({"start": "tomorrow"}, 'bad value for start: expected "all" or "now"'),
        ({"pasword": "x"}, "unknown key 'pasword'; did you mean 'password'"),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_expected(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    usual = {"kind": "ovirt", "url": "https://h", "user": "u@internal", "password": "s3cret-word"}
    with pytest.raises(ConfigError, match=message) as raised:
        collector.prepare(Row({**usual, **row}, 1, tmp_path))
    assert "s3cret-word" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "root", "api"),
    [
        ("https://engine.example", "https://engine.example", "https://engine.example/ovirt-engine/api"),
        ("https://e:8443/ovirt-engine/api/", "https://e:8443", "https://e:8443/ovirt-engine/api"),
        ("http://[::1]:80/x/v4", "http://[::1]:80", "http://[::1]:80/x/v4"),
    ],
)
def test_a_url_says_where_the_host_and_where_the_api_is(tmp_path: Path, url: str, root: str, api: str) -> None:
    row = Row({"kind": "ovirt", "url": url, "user": "u", "password": "s3cret-word", "interval": "2m"}, 1, tmp_path)
    asked = plan(row, settings := row.read(OvirtSettings))
    assert (asked.root, asked.api, asked.interval_s) == (root, api, 120)
    assert "s3cret-word" not in f"{settings!r} {asked!r}"


def test_the_module_is_a_kind_and_makes_collectors(tmp_path: Path) -> None:
    kind: Kind = load_collector("ovirt")
    made: Collector = kind.prepare(
        Row({"kind": "ovirt", "name": "prod", "url": "https://e", "user": "u", "password": "p"}, 1, tmp_path)
    )
    assert (made.settings.name, made.settings.source, made.resumes) == ("prod", "ovirt/prod", True)


@pytest.mark.parametrize("pin", ["fingerprint", "ca_file"])
async def test_a_certificate_is_known_by_fingerprint_or_authority(
    setting: Setting, context: ssl.SSLContext, pin: str
) -> None:
    row = {"fingerprint": fingerprint(setting).upper()} if pin == "fingerprint" else {"ca_file": "<data>/client.crt"}
    async with collecting(setting, MockEngine([1]), context, **row) as running:
        await until(lambda: running.status.state is not State.CONNECTING)
        if pin == "fingerprint":
            await running.polled()
            assert running.numbers == [1]
        else:  # the authority is right, but the certificate names no address
            assert "is not trusted" in await running.refused()


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_password_is_sent(
    setting: Setting, context: ssl.SSLContext
) -> None:
    engine = MockEngine([1])
    async with collecting(setting, engine, context) as running:
        reason = await running.refused()
        assert "is not trusted" in reason
        assert f'fingerprint = "{fingerprint(setting)}"' in reason
        assert engine.paths == []


async def test_another_certificate_than_the_pinned_one_is_refused_by_its_fingerprint(
    setting: Setting, context: ssl.SSLContext
) -> None:
    engine = MockEngine([1])
    async with collecting(setting, engine, context, fingerprint="ab" * 32) as running:
        assert f"has the fingerprint {fingerprint(setting)}, expected was {'ab' * 32}" in await running.refused()
        assert engine.paths == []


async def test_a_ca_file_that_cannot_be_used_is_named(setting: Setting) -> None:
    row: dict[str, Any] = {"url": "https://127.0.0.1:9", "ca_file": "<data>/no.pem"}
    async with collecting(setting, MockEngine(), **row) as running:
        assert f"can't use ca_file {setting.directory}/no.pem" in await running.refused()
