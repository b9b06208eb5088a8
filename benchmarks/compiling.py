"""The load clients in C: what drives the server must take less of the machine than the server does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
NO_COMPILER = "needs a C compiler (as root: apt-get install gcc libc6-dev)"


def compiled(name: str, folder: Path) -> Path | None:
    """Return the program made of ``name.c``, put into *folder*; None when there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    program = folder / name
    subprocess.run([compiler, "-O2", "-Wall", "-o", str(program), str(HERE / f"{name}.c")], check=True)
    return program
