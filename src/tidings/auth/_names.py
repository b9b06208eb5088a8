"""The names that users and tokens may have."""

from __future__ import annotations

import re

from tidings.auth.errors import InvalidAccount

# "." and ".." are left out because no HTTP client can send them as the last part of a path.
_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._@-]{1,64}")


def is_name(text: str) -> bool:
    """Whether a user or token may be called *text*."""
    return _NAME.fullmatch(text) is not None


def require_name(what: str, name: str) -> None:
    """Raise InvalidAccount unless *name* can be the name of a *what*."""
    if not is_name(name):
        rule = "use 1 to 64 letters (A-Z, a-z), digits or . _ @ -, and not just . or .."
        raise InvalidAccount("name", f"{name[:80]!r} can't be a {what} name: {rule}")
