"""The one table of searchable fields: it drives the parser, completion, the docs and the console."""

from __future__ import annotations

import enum

import msgspec

from tidings.query.ast import Column


class FieldType(enum.StrEnum):
    """What a field's values are, and so which operators it takes."""

    TEXT = "text"
    INTEGER = "integer"
    SEVERITY = "severity"
    TIME = "time"


OPERATORS: dict[FieldType, tuple[str, ...]] = {
    FieldType.TEXT: ("=", "!=", "~"),
    FieldType.INTEGER: ("=", "!=", "<", "<=", ">", ">="),
    FieldType.SEVERITY: ("=", "!=", "<", "<=", ">", ">="),
    FieldType.TIME: ("=", "!=", "<", "<=", ">", ">="),
}


class Field(msgspec.Struct, frozen=True):
    """One searchable field: its names, its values and its help in one line. *facet*: few enough values to count them."""

    column: Column
    type: FieldType
    help: str
    aliases: tuple[str, ...] = ()
    example: str = ""
    facet: bool = False

    @property
    def name(self) -> str:
        """The canonical name."""
        return self.column.value


FIELDS: tuple[Field, ...] = (
    Field(Column.INDEX, FieldType.INTEGER, "Position in the log.", ("sequence",), "index > 1000"),
    Field(Column.ID, FieldType.TEXT, "The producer's own id; the index where it gave none.", (), "id = 4f8d*"),
    Field(Column.TIME, FieldType.TIME, "When it happened, as the source says.", (), "time > -2h"),
    Field(Column.RECEIVED, FieldType.TIME, "When tidings stored it.", (), "received > today"),
    Field(
        Column.SEVERITY,
        FieldType.SEVERITY,
        "debug, normal, warning, error or alert, in this order.",
        ("level",),
        "severity >= warning",
        True,
    ),
    Field(
        Column.KIND,
        FieldType.TEXT,
        "What happened; the CloudEvents type.",
        ("type",),
        "kind = lxd.lifecycle.instance-*",
        True,
    ),
    Field(Column.SOURCE, FieldType.TEXT, "Which system sent it.", (), "source = lxd/prod-1", True),
    Field(Column.DIALECT, FieldType.TEXT, "The language it came in.", (), "dialect = lxd", True),
    Field(Column.ACTOR, FieldType.TEXT, "Who did it.", ("user",), "actor = root", True),
    Field(Column.SUBJECT, FieldType.TEXT, "What it is about.", (), "subject = /1.0/instances/c1", True),
    Field(
        Column.SCOPE,
        FieldType.TEXT,
        "Tenancy boundary: project, data centre or compartment.",
        ("project",),
        "scope = finance",
        True,
    ),
    Field(Column.LOCATION, FieldType.TEXT, "Cluster member or node.", ("node",), "location = node1", True),
    Field(Column.CORRELATION, FieldType.TEXT, "What belongs to one operation.", (), "correlation = 493fbef8*"),
    Field(Column.MESSAGE, FieldType.TEXT, "One line for people.", (), 'message = "*timed out*"'),
)

LINK_TYPES: tuple[str, ...] = (
    "vm", "host", "cluster", "storage_domain", "data_center", "template", "volume", "quota",
    "instance", "container", "image", "network", "profile", "storage_pool", "operation", "snapshot", "backup",
)  # fmt: skip
"""Types of links that can be named bare in a query (``vm = web1``, ``vm.id = …``); any other as ``link.<type>``."""

BY_NAME: dict[str, Field] = {name: field for field in FIELDS for name in (field.name, *field.aliases)}
BY_COLUMN: dict[Column, Field] = {field.column: field for field in FIELDS}
FACETS: tuple[Column, ...] = tuple(field.column for field in FIELDS if field.facet)
