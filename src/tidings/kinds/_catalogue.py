"""Read the catalogue from its CSV files and answer questions about it.

The catalogue explains kinds, it does not limit them: an event whose kind is
not listed here is as welcome as any other.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

# Also the order in which the catalogue is listed.
_FILES = ("lxd.csv", "ovirt.csv", "container-station.csv", "oci.csv", "tidings.csv")

# Oracle's audit log spells event types in mixed case and its Events service
# in lower case, for the same types.
_CASELESS_PREFIX = "com.oraclecloud."


class Kind(msgspec.Struct, frozen=True):
    """One documented kind of event.

    *severity* is a tidings severity, or empty when it differs from event to
    event. *fields* names what the source says about this kind beyond the
    fields that all its events have. *code* is oVirt's event number.
    """

    kind: str
    system: str
    title: str
    description: str
    severity: str
    fields: tuple[str, ...]
    code: int | None


@cache
def catalogue() -> Mapping[str, Kind]:
    """Return every documented kind by name, in the order of the files.

    The files are read at the first call; the mapping can't be changed.
    """
    return MappingProxyType({kind.kind: kind for name in _FILES for kind in _read(name)})


def find(text: str) -> list[Kind]:
    """Return the kinds in which every word of *text* occurs, whatever its case.

    A word may be part of a longer one, and is looked for in kind, title,
    description and code. Without a word, all kinds are returned.
    """
    words = text.casefold().split()
    return [
        catalogue()[name] for name, searched in _searched_texts().items() if all(word in searched for word in words)
    ]


def describe(kind: str) -> Kind | None:
    """Return what is documented about *kind*, or None when nothing is.

    Oracle's kinds are found in any mixture of upper and lower case.
    """
    known = catalogue().get(kind)
    if known is None:
        return _caseless_kinds().get(kind.casefold())
    return known


def _read(name: str) -> Iterator[Kind]:
    text = (files(__package__) / "data" / name).read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield Kind(
            kind=row["kind"],
            system=row["system"],
            title=row["title"],
            description=row["description"],
            severity=row["severity"],
            fields=tuple(row["fields"].split(";")) if row["fields"] else (),
            code=int(row["code"]) if row["code"] else None,
        )


@cache
def _searched_texts() -> Mapping[str, str]:
    # Joined by newlines, which no word contains, so no hit spans two columns.
    return {
        name: "\n".join((name, kind.title, kind.description, "" if kind.code is None else str(kind.code))).casefold()
        for name, kind in catalogue().items()
    }


@cache
def _caseless_kinds() -> Mapping[str, Kind]:
    return {name.casefold(): kind for name, kind in catalogue().items() if name.startswith(_CASELESS_PREFIX)}
