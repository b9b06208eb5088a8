"""How a collector gets into a NAS: its settings, the login in all its forms, sessions and certificates."""

from __future__ import annotations

import hashlib
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.collect.collecting import until
from tests.dialects.container_station.collecting_nas import NasSetting, collecting
from tests.dialects.container_station.mock_nas import PASSWORD, PREFIX, MockNas
from tidings.collect import Collector, Kind, Row, State
from tidings.dialects.container_station import collector
from tidings.dialects.container_station.collector_settings import PREFIXES, NasSettings, plan
from tidings.dialects.table import load_collector
from tidings.errors import ConfigError
from tidings.server.client_certificate import ensure_client_certificate


@pytest.fixture
def setting(tmp_path: Path) -> NasSetting:
    return NasSetting(tmp_path)


@pytest.fixture
def nas() -> MockNas:
    made = MockNas()
    made.happens("start")
    return made


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_it_finds_the_address_that_the_version_has(setting: NasSetting, nas: MockNas, prefix: str) -> None:
    nas.prefixes = {prefix}
    async with collecting(setting, nas) as running:
        await running.polled()
        assert setting.ids == ["event 0+log 1"]
        assert running.status.detail == nas.root + prefix


async def test_a_url_with_a_prefix_is_the_only_one_that_is_asked(setting: NasSetting, nas: MockNas) -> None:
    async with collecting(setting, nas, path="/api/v1/") as running:
        reason = await running.refused()
        assert f"Container Station 1 or 2 doesn't answer at {nas.root}/api/v1 (404)" in reason
        assert {path for path, _ in nas.asked} == {"/api/v1/login"}


async def test_a_url_below_which_the_nas_is_counts(setting: NasSetting, nas: MockNas) -> None:
    nas.prefixes = {f"/nas{PREFIX}"}
    async with collecting(setting, nas, path="/nas") as running:
        await running.polled()
        assert setting.ids == ["event 0+log 1"]


async def test_without_the_api_all_that_was_tried_is_told(setting: NasSetting, nas: MockNas) -> None:
    nas.prefixes = {"/container-station/api/v3"}
    async with collecting(setting, nas) as running:
        reason = await running.refused()
        for prefix in PREFIXES:
            assert f"{prefix} (404)" in reason


@pytest.mark.parametrize(
    ("takes", "log_ins"), [({"json", "form"}, ["json"]), ({"json"}, ["json"]), ({"form"}, ["json", "form"])]
)
@pytest.mark.parametrize("always_200", [False, True])
async def test_it_logs_in_with_json_or_else_a_form(
    setting: NasSetting, nas: MockNas, takes: set[str], log_ins: list[str], always_200: bool
) -> None:
    nas.takes, nas.always_200 = takes, always_200
    async with collecting(setting, nas) as running:
        await running.poll(3)
        assert nas.log_ins == log_ins
        assert set(nas.cookies) == {f"CS_SESS_ID=session-{len(log_ins)}"}


@pytest.mark.parametrize("always_200", [False, True])
async def test_an_expired_session_is_replaced_without_a_word(
    setting: NasSetting, nas: MockNas, always_200: bool
) -> None:
    nas.always_200 = always_200
    async with collecting(setting, nas) as running:
        await running.polled()
        nas.sessions.clear()
        nas.happens("stop")
        await running.poll()
        assert setting.ids == ["event 0+log 1", "event 1+log 2"]
        assert nas.log_ins == ["json", "json"]
        assert running.status.reconnects == 0


async def test_a_session_is_given_back_at_the_end(setting: NasSetting, nas: MockNas) -> None:
    async with collecting(setting, nas) as running:
        await running.polled()
        assert nas.sessions == {"session-1"}
    assert nas.sessions == set()


@pytest.mark.parametrize("always_200", [False, True])
async def test_a_nas_that_refuses_even_a_new_session_is_not_asked_on_and_on(
    setting: NasSetting, nas: MockNas, always_200: bool
) -> None:
    error = {"error": {"code": 401, "message": "Unauthorized"}}
    nas.failures = [web.json_response(error, status=200 if always_200 else 401) for _ in range(9)]
    async with collecting(setting, nas) as running:
        assert (await running.refused()).endswith(f"{PREFIX}/event answers Unauthorized (401)")
    assert len(nas.failures) == 9 - len(["event", "event again", "logout"])


async def test_after_a_refused_login_the_nas_has_a_rest(setting: NasSetting, nas: MockNas) -> None:
    async with collecting(setting, nas, user="nobody") as running:
        assert "refuses to log nobody in" in await running.refused()
        first_step_s = await setting.pauses.end()
        assert first_step_s < collector.REFUSED_REST_S
        assert await setting.pauses.end() == collector.REFUSED_REST_S


@pytest.mark.parametrize(("retry_after", "rest_s"), [("90", 90), ("1000000", 600)])
async def test_a_nas_that_asks_for_a_rest_gets_it(
    setting: NasSetting, nas: MockNas, retry_after: str, rest_s: float
) -> None:
    error = {"error": {"code": 503, "message": "Service Unabailable"}}
    nas.failures = [web.json_response(error, status=503, headers={"Retry-After": retry_after})]
    async with collecting(setting, nas) as running:
        assert "answers Service Unabailable (503)" in await running.refused()
        await setting.pauses.end()
        assert await setting.pauses.end() == rest_s


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"code": 400, "message": "Invalid parameter: index"}}, "answers Invalid parameter: index (400)"),
        ({"error": "not\nnow"}, "answers not now (200)"),
        ({"error": {"code": "x"}}, 'answers {"error": {"code": "x"}} (200)'),
        ({"error": {"code": 404, "message": "Not found"}}, "Container Station 3 has neither log nor events"),
    ],
)
async def test_an_error_is_one_whatever_the_status_says(
    setting: NasSetting, nas: MockNas, body: Any, reason: str
) -> None:
    nas.failures = [web.json_response(body)]
    async with collecting(setting, nas) as running:
        assert reason in await running.refused()


async def test_a_redirection_is_not_followed(setting: NasSetting, nas: MockNas) -> None:
    nas.login_failure = web.Response(status=302, headers={"Location": "http://elsewhere/"})
    async with collecting(setting, nas, path=PREFIX) as running:
        assert f"{PREFIX} (302)" in await running.refused()


async def test_a_login_without_the_cookie_is_told_of(setting: NasSetting, nas: MockNas) -> None:
    nas.cookie = "NAS_SID"
    async with collecting(setting, nas) as running:
        assert "answers a login without the cookie CS_SESS_ID" in await running.refused()


@pytest.mark.parametrize("way", ["refused", "echoed by the events"])
async def test_the_password_is_in_no_message(
    setting: NasSetting, nas: MockNas, way: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    row: dict[str, Any] = {}
    if way == "refused":
        row["user"] = "nobody"
    else:
        error = {"error": {"code": 400, "message": f"bad {PASSWORD} session-1"}}
        nas.failures = [web.json_response(error, status=400)]
    async with collecting(setting, nas, **row) as running:
        reason = await running.refused()
        output = capfd.readouterr()
        for text in (str(running.status), caplog.text, output.out, output.err):
            for secret in ("session-1", "p4ß", "w/rd", "p4\\u00df"):
                assert secret not in text
    assert "REDACTED" in reason


async def test_the_password_may_stand_in_a_file(setting: NasSetting, nas: MockNas) -> None:
    path = setting.directory / "nas.password"
    path.write_text(f"{PASSWORD}\r\nnot this\n")
    async with collecting(setting, nas, password_file="<data>/nas.password") as running:
        await running.polled()
        assert setting.ids == ["event 0+log 1"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "is empty"), (b"\nsecret", "is empty"), (b"\xff\n", "is not UTF-8")],
)
async def test_a_password_file_that_cannot_be_used_is_named(
    setting: NasSetting, nas: MockNas, content: bytes | None, reason: str
) -> None:
    path = setting.directory / "nas.password"
    if content is not None:
        path.write_bytes(content)
    async with collecting(setting, nas, password_file=str(path)) as running:
        told = await running.refused()
        assert f"password_file {path}" in told
        assert reason in told


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"url": "unix:/x"}, "bad value for url: expected https://HOST:PORT"),
        ({"url": "https://u:p@h/"}, "with user and password as keys of their own"),
        ({"url": "https://h:port"}, "bad value for url"),
        ({"url": "https://h/?x=1"}, "bad value for url"),
        ({"url": "http://h", "fingerprint": "ab" * 32}, "http has no certificate"),
        ({"fingerprint": "ab" * 32, "ca_file": "/c"}, "one of the two is enough"),
        ({"password": ""}, "expected either password_file or password"),
        ({"password_file": "/p"}, "expected either password_file or password"),
        ({"user": ""}, "bad value for user: expected the name of an administrator"),
        ({"interval": "soon"}, "bad value for interval: expected a time from 0.5 s to 1 h"),
        ({"interval": 0}, "bad value for interval"),
        ({"zone": "Mars/Olympus"}, "bad value for zone: expected the name of a time zone"),
        ({"pasword": "x"}, "unknown key 'pasword'; did you mean 'password'"),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_expected(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    usual = {"kind": "container-station", "url": "https://h", "user": "u", "password": "s3cret-word"}
    with pytest.raises(ConfigError, match=message) as raised:
        collector.prepare(Row({**usual, **row}, 1, tmp_path))
    assert "s3cret-word" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "root", "apis"),
    [
        ("https://nas.example", "https://nas.example", [f"https://nas.example{prefix}" for prefix in PREFIXES]),
        ("https://n:8443/api/v1/", "https://n:8443", ["https://n:8443/api/v1"]),
        ("http://[::1]:80/x", "http://[::1]:80", [f"http://[::1]:80/x{prefix}" for prefix in PREFIXES]),
    ],
)
def test_a_url_says_where_the_api_may_be(tmp_path: Path, url: str, root: str, apis: list[str]) -> None:
    given = {"kind": "container-station", "url": url, "user": "u", "password": "s3cret-word", "interval": "2m"}
    row = Row(given, 1, tmp_path)
    asked = plan(row, settings := row.read(NasSettings))
    assert (asked.root, list(asked.apis), asked.interval_s) == (root, apis, 120)
    assert "s3cret-word" not in f"{settings!r} {asked!r}"


def test_the_module_is_a_kind_and_makes_collectors(tmp_path: Path) -> None:
    kind: Kind = load_collector("container-station")
    given = {"kind": "container-station", "name": "attic", "url": "https://n", "user": "u", "password": "p"}
    made: Collector = kind.prepare(Row(given, 1, tmp_path))
    assert (made.settings.name, made.settings.source, made.resumes) == ("attic", "container-station/attic", True)


@pytest.fixture
def context(setting: NasSetting) -> ssl.SSLContext:
    """A server's context whose certificate is in client.crt of the data directory."""
    ensure_client_certificate(setting.directory, setting.clock)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(setting.directory / "client.crt", setting.directory / "client.key")
    return made


def fingerprint(setting: NasSetting) -> str:
    pem = (setting.directory / "client.crt").read_text()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


@pytest.mark.parametrize("pin", ["fingerprint", "ca_file"])
async def test_a_certificate_is_known_by_fingerprint_or_authority(
    setting: NasSetting, nas: MockNas, context: ssl.SSLContext, pin: str
) -> None:
    row = {"fingerprint": fingerprint(setting).upper()} if pin == "fingerprint" else {"ca_file": "<data>/client.crt"}
    async with collecting(setting, nas, context, **row) as running:
        await until(lambda: running.status.state is not State.CONNECTING)
        if pin == "fingerprint":
            await running.polled()
            assert setting.ids == ["event 0+log 1"]
        else:  # the authority is right, but the certificate names no address
            assert "is not trusted" in await running.refused()


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_password_is_sent(
    setting: NasSetting, nas: MockNas, context: ssl.SSLContext
) -> None:
    async with collecting(setting, nas, context) as running:
        reason = await running.refused()
        assert "is not trusted" in reason
        assert f'fingerprint = "{fingerprint(setting)}"' in reason
        assert nas.asked == []


async def test_another_certificate_than_the_pinned_one_is_refused_by_its_fingerprint(
    setting: NasSetting, nas: MockNas, context: ssl.SSLContext
) -> None:
    async with collecting(setting, nas, context, fingerprint="ab" * 32) as running:
        assert f"has the fingerprint {fingerprint(setting)}, expected was {'ab' * 32}" in await running.refused()
        assert nas.asked == []


async def test_a_ca_file_that_cannot_be_used_is_named(setting: NasSetting, nas: MockNas) -> None:
    async with collecting(setting, nas, url="https://127.0.0.1:9", ca_file="<data>/no.pem") as running:
        assert f"can't use ca_file {setting.directory}/no.pem" in await running.refused()
