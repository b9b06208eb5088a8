"""Where and with what a run was made: without it a figure says nothing. No host name and no path is told."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import apsw

_PACKAGES = ("aiohttp", "msgspec", "apsw", "zstandard")
_SYNCS = 200


def describe(folder: Path) -> list[str]:
    """Return lines about the hardware, the system, the disk that *folder* is on, and the versions."""
    return [
        f"Machine: {os.cpu_count()} × {_processor()}, {_memory_gib():.0f} GiB memory; clients on the same cores.",
        f"Disk: {file_system(folder)}; 4 KiB write and fdatasync p50 {_sync_ms(folder):.2f} ms.",
        f"Load when it began: {os.getloadavg()[0]:.1f}; others' work makes every figure worse.",
        f"System: {_system()}, Linux {platform.release().split('-')[0]}.",
        f"Versions: tidings {_tidings()}, Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, "
        + ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
        + ".",
    ]


def file_system(folder: Path) -> str:
    """Return the type of the file system that *folder* is on."""
    best, found = "", "unknown"
    where = str(folder.resolve())
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, kind, *_ = line.split(" ")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, found = point, kind
    return found


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _sync_ms(folder: Path) -> float:
    path, took = folder / "sync", list[float]()
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1e3)
    path.unlink()
    return statistics.median(took)


def _tidings() -> str:
    root = Path(__file__).resolve().parents[1]
    commit = _git(root, "rev-parse", "--short", "HEAD")
    changed = " with uncommitted changes" if commit and _git(root, "status", "--porcelain", "src") else ""
    return f"{_version('tidings')} ({commit or 'no commit'}{changed})"


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
