import importlib.metadata
from datetime import UTC, datetime

project = "tidings"
author = "the tidings authors"
copyright = f"{datetime.now(UTC).year}, {author}"
try:
    release = importlib.metadata.version("tidings")
except importlib.metadata.PackageNotFoundError:
    release = "unreleased"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"tidings {release}"
html_copy_source = False
