"""A real LXD daemon with a folder of its own: it runs containers, and nothing of it stays.

Needs root and the Debian packages lxd, lxd-client and busybox-static; neither a network nor another daemon is touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.programs import cannot_run, need, need_root
from tests.clients.short_folder import short_folder
from tests.clients.waiting import until

IMAGE = "tiny"
_PRESEED = """\
storage_pools: [{name: pool0, driver: dir}]
profiles: [{name: default, devices: {root: {type: disk, path: /, pool: pool0}}}]
"""
_METADATA = b"architecture: x86_64\ncreation_date: 1700000000\nproperties: {description: tiny}\n"
_INITTAB = b"::respawn:/bin/busybox sleep 100000\n::shutdown:/bin/busybox true\n"
_EMPTY_FOLDERS = ("bin", "dev", "etc", "proc", "root", "run", "sbin", "sys", "tmp", "usr", "var")
_READY_S, _COMMAND_S, _STOP_S = 25, 40, 15


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    output: str
    errors: str


class LxdDaemon:
    """One daemon, which can be stopped and started again on the same folder. Its log has debug lines."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.directory = folder / "lxd"
        self.socket = self.directory / "unix.socket"
        self._log = folder / "lxd.log"
        self._process: subprocess.Popen[bytes] | None = None
        # the instances' root is somebody else outside: he must get through to his files
        folder.chmod(0o711)
        for path in (self.directory, folder / "home", folder / "tmp"):
            path.mkdir()
            path.chmod(0o755)  # whatever umask another test left to this process

    @property
    def environment(self) -> Mapping[str, str]:
        """What the daemon and its client run with."""
        return {
            **os.environ,
            "LXD_DIR": str(self.directory),
            "HOME": str(self._folder / "home"),
            "LXD_CONF": str(self._folder / "home"),
            "TMPDIR": str(self._folder / "tmp"),
        }

    def start(self) -> None:
        """Return when it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["lxd", "--group", "root", "--debug"],
                env=self.environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for the tests, which end it in their order
                umask=0o022,
            )
        ready = self._run("lxd", "waitready", f"--timeout={_READY_S}")
        if ready.code != 0:
            cannot_run(f"the LXD daemon does not start here: {ready.errors}\n{self._last_lines()}")

    def stop(self) -> None:
        """End it; its instances go on."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def lxc(self, *arguments: str, project: str = "") -> str:
        """Run ``lxc`` and return what it prints; the test fails when it does."""
        done = self.try_lxc(*arguments, project=project)
        if done.code != 0:
            pytest.fail(f"lxc {' '.join(arguments)}: {done.errors}\n{self._last_lines()}")
        return done.output

    def try_lxc(self, *arguments: str, project: str = "") -> Done:
        """Run ``lxc``, which may fail."""
        chosen = ("--project", project) if project else ()
        return self._run("lxc", *arguments[:1], *chosen, *arguments[1:])

    def set_up(self) -> None:
        """Make a storage pool and an image called IMAGE; see that a container can run here."""
        self._run("lxd", "init", "--preseed", given=_PRESEED)
        image = self._folder / "tiny.tar"
        _write_image(image)
        self.lxc("image", "import", str(image), "--alias", IMAGE)
        self.lxc("init", IMAGE, "trial")
        started = self.try_lxc("start", "trial")
        if started.code != 0:
            log = self.try_lxc("info", "--show-log", "trial").output
            cannot_run(f"LXD can't start a container here: {started.errors}\n{log}")
        self.lxc("delete", "--force", "trial")

    def tear_down(self) -> None:
        """End instances and daemon, and unmount what is left, whatever state a failed test left them in."""
        if self._process is not None and self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self._delete_instances()
        self.stop()
        _kill_what_names(self._folder)
        _unmount_below(self._folder)

    def _delete_instances(self) -> None:
        listed = self.try_lxc("list", "--all-projects", "--format=csv", "--columns=en").output
        for line in listed.splitlines():
            project, _, name = line.partition(",")
            self.try_lxc("delete", "--force", name, project=project)

    def _run(self, *command: str, given: str = "") -> Done:
        ended = subprocess.run(
            command, env=self.environment, cwd=self._folder, input=given, capture_output=True, text=True, timeout=_COMMAND_S, check=False
        )  # fmt: skip
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def _last_lines(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


@contextmanager
def lxd_daemon() -> Iterator[LxdDaemon]:
    """Give a daemon that is ready and set up. Skips the test where none can run; in CI that is a failure if LXD is installed."""
    need("lxd", "lxc", "busybox")
    need_root("the LXD daemon needs root")
    with short_folder() as folder:
        _refuse_closed_folders(folder)
        daemon = LxdDaemon(folder)
        try:
            daemon.start()
            daemon.set_up()
            yield daemon
        finally:
            daemon.tear_down()


def _refuse_closed_folders(folder: Path) -> None:
    closed = [str(parent) for parent in folder.parents if not parent.stat().st_mode & 0o001]
    if closed:
        cannot_run(f"containers can't reach their files below {closed[0]}, which is closed to others: set TMPDIR")


def _write_image(path: Path) -> None:
    """Write the image of a system that sleeps: busybox and nothing else."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    with tarfile.open(path, "w") as image:
        _add_file(image, "metadata.yaml", _METADATA)
        for name in ("rootfs", *(f"rootfs/{name}" for name in _EMPTY_FOLDERS)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            image.addfile(folder)
        _add_file(image, "rootfs/bin/busybox", Path(busybox).read_bytes(), 0o755)
        _add_file(image, "rootfs/etc/inittab", _INITTAB)
        for name in ("bin/sh", "sbin/init"):
            link = tarfile.TarInfo(f"rootfs/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "/bin/busybox"
            image.addfile(link)


def _add_file(image: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    image.addfile(entry, BytesIO(content))


def _kill_what_names(folder: Path) -> None:
    """Kill the processes that have *folder*, which is ours alone, in their command: what watches over instances outlives the daemon."""
    needle = os.fsencode(folder) + b"/"

    def left() -> list[int]:
        return [int(place.parent.name) for place in Path("/proc").glob("[0-9]*/cmdline") if needle in _content(place)]

    for pid in left():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not left(), f"the end of the processes of {folder}")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # ended meanwhile


def _unmount_below(folder: Path) -> None:
    """Unmount what is mounted below *folder*, the newest first; lazily, since somebody may still be in it."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    places = [place for line in lines if (place := line.split()[4]).startswith(f"{folder}/")]
    for place in reversed(places):
        subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
