"""The real ``tidings serve`` as a process of its own, which can be killed and started again on the same data."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.clients.short_folder import short_folder
from tests.clients.waiting import until

ROOT = Path(__file__).resolve().parents[2]
_STOP_S, _COMMAND_S, _REQUEST_S = 20, 30, 20
NDJSON = "application/x-ndjson"


class Reply(NamedTuple):
    """An answer read to its end; the names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_REQUEST_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_REQUEST_S)
        self.sock.connect(str(self._path))


class TidingsServer:
    """One server. It listens on its Unix socket, on a free TCP port and, when asked to, on a free one with TLS."""

    def __init__(self, folder: Path, *, tls: bool = False, settings: Mapping[str, object] | None = None) -> None:
        self.data = folder / "data"
        self.socket = self.data / "unix.socket"
        self.tls_address = f"127.0.0.1:{unused_port()}" if tls else ""
        self._folder, self._log = folder, folder / "tidings.log"
        chosen = {"fsync": "false", "stop_timeout": "5s", **(settings or {})}
        self._settings = [word for name, value in chosen.items() for word in ("--set", f"{name}={value}")]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process, which must run."""
        assert self._process is not None
        return self._process.pid

    def configure(self, text: str) -> None:
        """Write tidings.toml; it counts from the next start."""
        (self._folder / "tidings.toml").write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Return when it is ready."""
        path = self._folder / "tidings.toml"
        config = ("--config", str(path)) if path.exists() else ()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tidings", "serve", "--data", str(self.data), "--listen", "127.0.0.1:0",
                 "--tls-listen", self.tls_address or "off", *config, *self._settings],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        until(self._is_ready, lambda: f"a server that is ready; it said: {self.log()}")

    def stop(self) -> None:
        """End it as an administrator would; it must end well."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(_STOP_S) == 0, self.log()
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """Return the end of what it wrote to its standard output and error."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def ask(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one request over the Unix socket, as root or the server's own user: an admin."""
        connection = _Connection(self.socket)
        try:
            connection.request(method, target, body, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, target: str) -> Any:
        """Return the JSON of a GET that must succeed."""
        reply = self.ask("GET", target)
        assert reply.status == 200, (target, reply)
        return reply.json

    def publish(self, lines: Iterable[bytes]) -> int:
        """Store LXD events, each as its JSON; return the head."""
        reply = self.ask("POST", "/v1/events?format=lxd", b"\n".join(lines), {"Content-Type": NDJSON})
        assert reply.status == 200, reply
        return int(reply.json["head"])

    def publish_cloud_events(self, events: Sequence[Mapping[str, object]]) -> int:
        """Store events of our own form; return the head."""
        reply = self.ask(
            "POST", "/v1/events", msgspec.json.encode(events), {"Content-Type": "application/cloudevents-batch+json"}
        )
        assert reply.status == 200, reply
        return int(reply.json["head"])

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run ``tidings`` on this server's data and return what it prints; it must end with *code*."""
        done = subprocess.run(
            [sys.executable, "-m", "tidings", *arguments, "--data", str(self.data)],
            env=self._environment, capture_output=True, text=True, timeout=_COMMAND_S, check=False,
        )  # fmt: skip
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done.stdout

    @property
    def _environment(self) -> dict[str, str]:
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
        paths = os.pathsep.join((str(ROOT / "src"), os.environ.get("PYTHONPATH", "")))
        return {**foreign, "PYTHONPATH": paths, "HOME": str(self._folder)}

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"tidings serve ended with {self._process.returncode}: {self.log()}")
        try:
            return self.ask("GET", "/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False


@contextmanager
def tidings_server(
    *, tls: bool = False, config: str = "", settings: Mapping[str, object] | None = None
) -> Iterator[TidingsServer]:
    """Give a server that is ready, on an empty log, with *config* as its tidings.toml; it ends with the block."""
    with short_folder() as folder:
        server = TidingsServer(folder, tls=tls, settings=settings)
        if config:
            server.configure(config)
        try:
            server.start()
            yield server
            server.stop()
        finally:
            server.kill()


def unused_port() -> int:
    """Return a TCP port that is free now: one that must be known before the server starts, and be the same after a restart."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
