"""The real ``lxc``, with a configuration of its own."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, NamedTuple

from tests.clients.waiting import until

PROBE = b"tidings-probe"
"""Stands in events that are published only to see whether they arrive."""

Publish = Callable[[Iterable[bytes]], object]
_COMMAND_S = 30
_WHEN = "2026-11-20T22:18:27.75916896Z"


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    output: str
    errors: str


class Lxc:
    """``lxc`` as somebody with the home *home* runs it; *environment* tells it which server is the local one."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LXD_")}
        self._environment = {**inherited, "HOME": str(home), "LXD_CONF": str(home), "TZ": "UTC", **environment}

    def run(self, *arguments: str, given: str = "") -> Done:
        """Run a command to its end, *given* on its standard input."""
        done = subprocess.run(
            ["lxc", *arguments], env=self._environment, input=given, capture_output=True, text=True,
            timeout=_COMMAND_S, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def monitor(self, *arguments: str) -> Iterator[Monitor]:
        """Run ``lxc monitor`` until the end of the block."""
        with subprocess.Popen(
            ["lxc", "monitor", *arguments], env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            monitor = Monitor(process, b"\n" if "--pretty" in arguments or "--format=pretty" in arguments else b"\n\n")
            try:
                yield monitor
            finally:
                process.kill()
                monitor.wait_for_end()


class Monitor:
    """What a running ``lxc monitor`` prints, as blocks: one for each event."""

    def __init__(self, process: subprocess.Popen[bytes], separator: bytes) -> None:
        self._process, self._separator = process, separator
        self._output, self._errors = bytearray(), bytearray()
        self._numbers = count()
        self._threads = [
            threading.Thread(target=_drain, args=(pipe, kept), name="lxc", daemon=True)
            for pipe, kept in ((process.stdout, self._output), (process.stderr, self._errors))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def errors(self) -> str:
        """What it has written to its standard error."""
        return self._errors.decode(errors="replace")

    def wait_until_live(self, publish: Publish, project: str = "") -> None:
        """Return when what is published, in *project* or in none, gets printed.

        The client loses what comes between the upgrade and the moment its own handler is in place, and says of neither when.
        """

        def is_live() -> bool:
            assert self._process.poll() is None, self.errors
            publish(probes(next(self._numbers), project))
            return PROBE in self._output

        until(is_live, "lxc monitor to print what is published")

    def printed(self, number: int, publish: Publish, project: str = "") -> Counter[bytes]:
        """Return the blocks that are no probes, when there are *number* of them and a last probe has been printed."""
        until(
            lambda: len(self._blocks()) >= number,
            lambda: f"{number} events printed; there are {len(self._blocks())}, and it said: {self.errors}",
        )
        last = next(self._numbers)
        publish(probes(last, project))
        until(lambda: _name(last) in self._output, "the last probe printed")
        return Counter(self._blocks())

    def wait_for_end(self) -> int:
        """Return the exit code once it has ended and all it wrote is read."""
        code = self._process.wait(_COMMAND_S)
        for thread in self._threads:
            thread.join()
        return code

    def _blocks(self) -> list[bytes]:
        complete = bytes(self._output).split(self._separator)[:-1]
        return [block for block in complete if block and PROBE not in block]


def probes(number: int, project: str = "") -> list[bytes]:
    """Return an event of every type in *project*; without one each filter lets one of them pass."""
    name = _name(number).decode()
    operation = {
        "id": name, "class": "task", "description": name, "created_at": _WHEN, "updated_at": _WHEN, "status": "Success",
        "status_code": 200, "resources": None, "metadata": None, "may_cancel": False, "err": "", "location": "none",
    }  # fmt: skip
    events = {
        "lifecycle": {"action": "profile-created", "source": f"/1.0/profiles/{name}"},
        "logging": {"message": name, "level": "error", "context": {}},
        "operation": operation,
    }
    place = {"project": project} if project else {}
    return [
        json.dumps({"type": type, "timestamp": _WHEN, "metadata": metadata, **place}).encode()
        for type, metadata in events.items()
    ]


def _name(number: int) -> bytes:
    return b"%b-%d." % (PROBE, number)


def _drain(pipe: IO[bytes], kept: bytearray) -> None:
    while piece := os.read(pipe.fileno(), 65_536):
        kept += piece
