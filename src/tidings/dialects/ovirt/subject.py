"""What an oVirt event is about: of all that it is linked to, the thing itself and not where it is."""

from __future__ import annotations

from collections.abc import Sequence

from tidings.dialects.ovirt.texts import one_line
from tidings.dialects.ovirt.wire import NO_ID, ObjectLink

# A virtual machine's event names its host, cluster and data centre too. The user is who did it.
_SPECIFIC_FIRST = ("vm", "template", "storage_domain", "host", "cluster", "data_center")


def subject_of(links: Sequence[ObjectLink]) -> str:
    """Return the subject, such as ``vm web1``, with the id where there is no name; empty when it is about nothing in particular."""
    by_type = {link.type: link for link in links if link.id != NO_ID}
    for type in _SPECIFIC_FIRST:
        if type in by_type:
            link = by_type[type]
            return one_line(f"{type} {link.name or link.id}")
    return ""
