"""How oVirt says no, and the other short answer, that an action is done.

The cases and their words are those of the engine's REST API; 401 and unknown events have an empty body there, no fault.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tidings.dialects.ovirt.xml import HEADER, escape
from tidings.errors import TidingsError

INCOMPLETE = "Incomplete parameters"
INVALID = "Invalid value"
REFUSED = "Operation Failed"
"""The request is understood and not allowed; the detail is a list in brackets."""
MALFORMED_ID = "Operation failed"

_BAD_REQUEST = 400


class OvirtFault(TidingsError):
    """A request is refused with HTTP *status*; *reason* is one of few fixed texts, *detail* says what is wrong."""

    def __init__(self, reason: str, detail: str, status: int = _BAD_REQUEST) -> None:
        self.status, self.reason, self.detail = status, reason, detail
        super().__init__(f"{reason}: {detail}")


def refused(*messages: str) -> OvirtFault:
    """Return the fault of a request that broke a rule, with *messages* as the engine lists them."""
    return OvirtFault(REFUSED, f"[{', '.join(messages)}]")


def fault_xml(reason: str, detail: str) -> bytes:
    """Return the body of a fault."""
    return _document("fault", {"detail": detail, "reason": reason})


def fault_json(reason: str, detail: str) -> bytes:
    """Return the body of a fault."""
    return _json({"detail": detail, "reason": reason})


def action_xml(status: str = "complete") -> bytes:
    """Return the body that answers removing and undeleting; *status* is ``complete`` or ``in_progress``."""
    return _document("action", {"status": status})


def action_json(status: str = "complete") -> bytes:
    """Return the body that answers removing and undeleting; *status* is ``complete`` or ``in_progress``."""
    return _json({"status": status})


def _document(root: str, members: Mapping[str, str]) -> bytes:
    lines = "".join(f"    <{name}>{escape(value)}</{name}>\n" for name, value in members.items())
    return f"{HEADER}<{root}>\n{lines}</{root}>\n".encode()


def _json(members: Mapping[str, str]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(members)) + b"\n"
