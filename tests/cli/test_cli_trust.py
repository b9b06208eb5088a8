"""`tidings trust`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer, Handler
from tests.server.client_certificates import Made, make_certificate

ROW = {
    "fingerprint": "f" * 64,
    "role": "reader",
    "scopes": [],
    "added": "2026-11-20T22:18:28Z",
    "expires": "2036-01-01T00:00:00Z",
}
TOKEN_ROW: dict[str, object] = {"id": "0f8f-1", "scopes": [], "created": "2026-11-20T22:18:28Z", "expires": None}


class TrustingServer(FakeServer):
    """The fake server with `/v1/trust`; it keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.wishes: list[dict[str, object]] = []
        self.deleted: list[str] = []

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await super()._note(request, self._trust if request.path.startswith("/v1/trust") else handler)

    async def _trust(self, request: web.Request) -> web.StreamResponse:
        shape = TOKEN_ROW if "tokens" in request.path else ROW
        if request.method == "DELETE":
            self.deleted.append(request.raw_path)
            return web.Response(status=204)
        if request.method == "GET":
            return web.json_response([{**shape, "name": "web1", "scopes": ["a", "b"], "role": "reader"}])
        self.wishes.append(await request.json())
        return web.json_response({**shape, **self.wishes[-1], "token": "secret-token"}, status=201)


@pytest.fixture
def server() -> Iterator[TrustingServer]:
    fake = TrustingServer()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def made() -> Made:
    return make_certificate()


@pytest.mark.parametrize("form", ["pem", "der"])
def test_trust_add_sends_the_certificate_as_pem(
    server: TrustingServer, tidings: CommandLine, tmp_path: Path, made: Made, form: str
) -> None:
    file = tmp_path / "client.crt"
    file.write_bytes(getattr(made, form))
    result = tidings("trust", "add", "web1", str(file), "--role", "writer", "--project", "a", "--project", "b")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"trusted {'f' * 64} as 'web1' (writer)\n"
    (wish,) = server.wishes
    certificate = str(wish.pop("certificate")).strip()
    assert (wish, certificate) == (
        {"name": "web1", "role": "writer", "scopes": ["a", "b"]},
        made.pem.decode().strip(),
    )


def test_a_client_may_only_read_unless_more_is_said(
    server: TrustingServer, tidings: CommandLine, tmp_path: Path, made: Made
) -> None:
    (tmp_path / "client.crt").write_bytes(made.pem)
    tidings("trust", "add", "web1", str(tmp_path / "client.crt"))
    tidings("trust", "token", "web2")
    assert [(wish["role"], wish["scopes"]) for wish in server.wishes] == [("reader", []), ("reader", [])]


def test_a_private_key_beside_the_certificate_is_not_sent(
    server: TrustingServer, tidings: CommandLine, tmp_path: Path, made: Made
) -> None:
    (tmp_path / "both.pem").write_bytes(made.key + made.pem)
    assert tidings("trust", "add", "web1", str(tmp_path / "both.pem")).exit_code == 0
    assert "PRIVATE KEY" not in str(server.wishes)


@pytest.mark.parametrize("content", [b"", make_certificate().key], ids=["nothing", "a key"])
def test_a_file_without_a_certificate_is_not_sent(
    server: TrustingServer, tidings: CommandLine, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "client.key").write_bytes(content)
    result = tidings("trust", "add", "web1", str(tmp_path / "client.key"))
    assert result.exit_code == 2
    assert "client.key holds no certificate; the client's .crt file is expected, not its key" in result.stderr
    assert server.wishes == []


def test_a_file_that_is_not_there_is_wrong_use(tidings: CommandLine, tmp_path: Path) -> None:
    result = tidings("trust", "add", "web1", str(tmp_path / "gone.crt"))
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_trust_list_shows_whom_and_what(tidings: CommandLine) -> None:
    title, row = tidings("trust", "list").stdout.splitlines()
    assert title.split() == ["NAME", "ROLE", "SCOPES", "FINGERPRINT", "EXPIRES"]
    assert row.split() == ["web1", "reader", "a,", "b", "f" * 64, "2036-01-01T00:00:00Z"]
    assert json.loads(tidings("trust", "list", "-o", "json").stdout)[0]["fingerprint"] == "f" * 64


def test_trust_remove_takes_several(server: TrustingServer, tidings: CommandLine) -> None:
    result = tidings("trust", "remove", "f" * 12, "a/b")
    assert result.exit_code == 0
    assert server.deleted == [f"/v1/trust/{'f' * 12}", "/v1/trust/a%2Fb"]


@pytest.mark.parametrize("command", ["remove", "revoke"])
def test_nothing_named_is_wrong_use(tidings: CommandLine, command: str) -> None:
    assert tidings("trust", command).exit_code == 2


def test_trust_token_prints_the_token_alone(server: TrustingServer, tidings: CommandLine) -> None:
    result = tidings(
        "trust", "token", "web1", "--role", "writer", "--project", "a", "--expires", "2h", "--address", "h:1", "--address", "h:2"
    )  # fmt: skip
    assert (result.stdout, result.stderr) == ("secret-token\n", "")
    assert server.wishes == [
        {"name": "web1", "role": "writer", "scopes": ["a"], "expires_s": 7200, "addresses": ["h:1", "h:2"]}
    ]


@pytest.mark.usefixtures("on_terminal")
def test_a_person_is_told_what_to_do_with_a_token(tidings: CommandLine) -> None:
    result = tidings("trust", "token", "web1")
    assert result.stdout == "secret-token\n"
    assert "lxc remote add NAME TOKEN" in result.stderr


def test_trust_tokens_lists_those_that_are_pending(tidings: CommandLine) -> None:
    title, row = tidings("trust", "tokens").stdout.splitlines()
    assert title.split() == ["ID", "NAME", "ROLE", "SCOPES", "CREATED", "EXPIRES"]
    assert row.split() == ["0f8f-1", "web1", "reader", "a,", "b", "2026-11-20T22:18:28Z"]


def test_trust_revoke_takes_ids(server: TrustingServer, tidings: CommandLine) -> None:
    assert tidings("trust", "revoke", "0f8f-1", "0f8f-2").exit_code == 0
    assert server.deleted == ["/v1/trust/tokens/0f8f-1", "/v1/trust/tokens/0f8f-2"]


def test_what_the_server_refuses_fails(server: TrustingServer, tidings: CommandLine) -> None:
    server.refuse("/v1/trust/tokens", 400, "bad-request", "no TLS listener: set tls_listen")
    result = tidings("trust", "token", "web1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no TLS listener: set tls_listen" in result.stderr
