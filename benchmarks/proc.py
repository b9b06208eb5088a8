"""A process looked at from outside, through /proc. Where it has ended, figures are 0."""

from __future__ import annotations

import os
import re
from pathlib import Path


def read(path: Path) -> str:
    """Return the text of a file in /proc, empty when its process has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def rss_mb(pid: int) -> float:
    """Return the resident memory."""
    return _status_mb(pid, "VmRSS")


def reset_peak(pid: int) -> None:
    """Start `peak_mb` anew; for a process of ours."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mb(pid: int) -> float:
    """Return the highest resident memory so far."""
    return _status_mb(pid, "VmHWM")


def cpu_s(pid: int) -> float:
    """Return the processor time used so far."""
    fields = read(Path(f"/proc/{pid}/stat")).rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _status_mb(pid: int, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", read(Path(f"/proc/{pid}/status")), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0
