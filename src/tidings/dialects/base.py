"""What every dialect's codec offers to those who take events in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from tidings.event import Draft


class Decoder(Protocol):
    """Turns one event of a foreign language into a Draft; a codec module is one."""

    def decode(self, payload: bytes, source: str) -> Draft:
        """Return the draft of one event; *source* says which system sent it, empty means the dialect's own name.

        The payload is kept byte for byte but for secrets. Raises InvalidEvent with a reason that never quotes a secret.
        """

    def recognises(self, members: Mapping[str, msgspec.Raw]) -> bool:
        """Whether a JSON object with these *members* is an event of this dialect, and of no other."""
