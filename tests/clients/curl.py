"""The real curl: what the documents of others tell people to type."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, NamedTuple
from xml.etree import ElementTree as ET

import msgspec

from tests.clients.ovirt import ADMIN, PASSWORD, certificate
from tests.clients.tidings_server import TidingsServer

_TIMEOUT_S = 40
_AS_ADMIN = f"{ADMIN}:{PASSWORD}"


class Answer(NamedTuple):
    """The last answer that curl got; the names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def xml(self) -> ET.Element:
        """The body as XML, which it must say it is."""
        assert self.headers["content-type"].partition(";")[0] == "application/xml", self
        return ET.fromstring(self.body)

    @property
    def json(self) -> dict[str, object]:
        """The body as a JSON object, which it must say it is."""
        assert self.headers["content-type"].partition(";")[0] == "application/json", self
        return msgspec.json.decode(self.body, type=dict[str, object])


class Curl:
    """Asks one server over TLS, as admin with a password unless told otherwise."""

    def __init__(self, server: TidingsServer) -> None:
        self._server = server

    def __call__(
        self, method: str, target: str, *options: str, body: bytes | None = None, user: str | None = _AS_ADMIN
    ) -> Answer:
        """Send *target* as it stands, with *body* read from curl's standard input."""
        sent = () if body is None else ("--data-binary", "@-")
        done = subprocess.run(
            [*self._command(method, target, user), *sent, *options],
            input=body, capture_output=True, env={}, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (options, done.stderr)
        return _last_answer(done.stdout)

    def stream(self, target: str, pieces: Iterable[bytes], *options: str) -> Answer:
        """Post *pieces* in chunks; neither curl nor the test holds more than one."""
        with subprocess.Popen(
            [*self._command("POST", target, _AS_ADMIN), "--upload-file", "-", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={},
        ) as process:  # fmt: skip
            assert process.stdin is not None
            pipe, process.stdin = process.stdin, None  # the feeder closes it
            feeder = threading.Thread(target=_feed, args=(pipe, pieces), name="feeder", daemon=True)
            feeder.start()
            try:
                output, errors = process.communicate(timeout=_TIMEOUT_S)
            finally:
                process.kill()
                feeder.join()
        assert process.returncode == 0, (options, errors)
        return _last_answer(output)

    def _command(self, method: str, target: str, user: str | None) -> Sequence[str]:
        return [
            "curl", "--disable", "--silent", "--show-error", "--include", "--globoff", "--path-as-is", "--noproxy", "*",
            "--request", method, "--cacert", certificate(self._server), *(("--user", user) if user else ()),
            f"https://{self._server.tls_address}{target}",
        ]  # fmt: skip


def _feed(pipe: IO[bytes], pieces: Iterable[bytes]) -> None:
    try:
        with pipe:
            for piece in pieces:
                pipe.write(piece)
                pipe.flush()
    except BrokenPipeError:
        pass  # curl had its answer before the end


def _last_answer(output: bytes) -> Answer:
    head, _, body = output.partition(b"\r\n\r\n")
    while head.split()[1].startswith(b"1"):  # 100 Continue
        head, _, body = body.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(status.split()[1]), headers, body)
