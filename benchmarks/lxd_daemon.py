"""The real LXD daemon as the one to compare with: in a folder of its own, without a network, and nothing of it stays.

Needs root and the Debian packages lxd and lxd-client. No instance is started, so its image needs nothing in it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Self

_PRESEED = """\
storage_pools: [{name: pool0, driver: dir}]
profiles: [{name: default, devices: {root: {type: disk, path: /, pool: pool0}}}]
"""
_METADATA = b"architecture: x86_64\ncreation_date: 1700000000\nproperties: {description: tiny}\n"
_INSTANCE, _LOG_FILE = "c1", "exec_bench.stdout"
_READY_S, _COMMAND_S, _STOP_S = 25, 60, 15


class NoDaemon(Exception):
    """It can't run here; the message says why."""


class LxdDaemon:
    """One daemon with one instance; use it with ``with``. Raises NoDaemon where it can't run.

    Without ``--debug``: with it every request makes large log events too, and figures would be those of the log.
    """

    request = f"/1.0/instances/{_INSTANCE}/logs/{_LOG_FILE}"
    """To GET this is what makes a lifecycle event at the least cost: it reads one small file and changes nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._directory = folder / "lxd"
        self.socket = self._directory / "unix.socket"
        self._log = folder / "lxd.log"
        # its events' times in UTC, as the listener reads them
        self._environment = {**os.environ, "LXD_DIR": str(self._directory), "HOME": str(folder), "TZ": "UTC"}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        missing = [program for program in ("lxd", "lxc") if shutil.which(program) is None]
        if missing or os.geteuid() != 0:
            raise NoDaemon("the real daemon needs root and: apt-get install lxd lxd-client")
        self._directory.mkdir(parents=True)
        try:
            self._start()
            self._set_up()
        except BaseException:
            self._tear_down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tear_down()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def version(self) -> str:
        """Return what it calls itself."""
        return self._run("lxd", "--version").strip()

    def _start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["lxd", "--group", "root"],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for us, who end it in order
            )
        self._run("lxd", "waitready", f"--timeout={_READY_S}")

    def _set_up(self) -> None:
        self._run("lxd", "init", "--preseed", given=_PRESEED)
        image = self._folder / "tiny.tar"
        _write_image(image)
        self._run("lxc", "image", "import", str(image), "--alias", "tiny")
        self._run("lxc", "init", "tiny", _INSTANCE)
        logs = self._directory / "logs" / _INSTANCE
        logs.mkdir(parents=True, exist_ok=True)
        (logs / _LOG_FILE).write_bytes(b"ten bytes\n")

    def _run(self, *command: str, given: str = "") -> str:
        try:
            done = subprocess.run(
                command,
                env=self._environment,
                cwd=self._folder,
                input=given,
                capture_output=True,
                text=True,
                timeout=_COMMAND_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NoDaemon(f"{' '.join(command)} took more than {_COMMAND_S} s\n{self._last_lines()}") from None
        if done.returncode != 0:
            raise NoDaemon(f"{' '.join(command)}: {done.stderr.strip()}\n{self._last_lines()}")
        return done.stdout

    def _last_lines(self) -> str:
        return self._log.read_text(errors="replace")[-1000:].strip()

    def _tear_down(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._kill_what_is_left()
        self._unmount()

    def _kill_what_is_left(self) -> None:
        """End processes of its own that outlive it; they have our folder, which nobody else has, in their command."""
        needle = os.fsencode(self._folder) + b"/"
        deadline = time.monotonic() + _STOP_S
        while (left := _processes_with(needle)) and time.monotonic() < deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def _unmount(self) -> None:
        """Unmount what is mounted below the folder, the newest first; lazily, since somebody may still be in it."""
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        places = [place for line in lines if (place := line.split()[4]).startswith(f"{self._folder}/")]
        for place in reversed(places):
            subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)


def _processes_with(needle: bytes) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # ended meanwhile
            if needle in place.read_bytes():
                found.append(int(place.parent.name))
    return found


def _write_image(path: Path) -> None:
    """Write the image of a system with nothing in it."""
    with tarfile.open(path, "w") as image:
        metadata = tarfile.TarInfo("metadata.yaml")
        metadata.size = len(_METADATA)
        image.addfile(metadata, BytesIO(_METADATA))
        root = tarfile.TarInfo("rootfs")
        root.type, root.mode = tarfile.DIRTYPE, 0o755
        image.addfile(root)
