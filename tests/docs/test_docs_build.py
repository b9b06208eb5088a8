import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import DOCS, sections


def test_all_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    # `make check` installs the documentation's tools, `make test` needn't
    for module in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(module, reason="the docs extra isn't installed; make check does")

    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, tmp_path / "html"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (built.returncode, built.stderr) == (0, "")
    # Sphinx writes pages of its own, such as search.html, over ours of the same name without a word.
    for path in DOCS.rglob("*.md"):
        page = tmp_path / "html" / path.relative_to(DOCS).with_suffix(".html")
        assert f"<h1>{next(iter(sections(path.read_text(encoding='utf-8'))))}<" in page.read_text(encoding="utf-8")
