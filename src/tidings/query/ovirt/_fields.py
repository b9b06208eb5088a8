"""The words of the language: an event's fields, the objects an event is linked to, and what each is in our events.

==========================  =======================================================================================
oVirt                       tidings
==========================  =======================================================================================
severity                    severity; ``debug``, which the engine doesn't know, counts as normal, as it is shown
type                        kind; whoever searches says which kinds are shown with a number
message, time               message, time
usrname                     actor
event_vm, _event_vm_id, …   name and id of the link ``vm``, ``host``, ``storage_domain``, ``data_center``, …;
                            instances and containers are shown as a vm, so their names count too
correlation_id              correlation
origin                      ``origin`` in the payload of an oVirt event, the source of any other
custom_event_id             ``custom_id`` in the payload of an oVirt event; -1 where there is none
deleted                     false: removed events are left out by whoever searches
vm.name, vm.id, …           name and id of the link, as they were when the event happened
users.name                  name of the link ``user``, and the actor, who is shown as one
==========================  =======================================================================================
"""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from tidings.query.ast import Column, LinkTo

Relation = Literal["=", "!=", "<", "<=", ">", ">="]
Targets = tuple[Column | LinkTo, ...]

_EQUAL: tuple[Relation, ...] = ("=", "!=")
_ORDERED: tuple[Relation, ...] = ("=", "!=", "<", "<=", ">", ">=")
_DATES: tuple[Relation, ...] = ("=", ">", "<")


class FieldKind(enum.Enum):
    """What a field's values are."""

    TEXT = enum.auto()
    SEVERITY = enum.auto()
    CODE = enum.auto()
    TIME = enum.auto()
    ORIGIN = enum.auto()
    CUSTOM_ID = enum.auto()
    DELETED = enum.auto()


class EventField(msgspec.Struct, frozen=True):
    """One field of an event. No *relations*: the engine knows the name and refuses whatever is asked of it.

    *targets* are what a TEXT field compares, one of which has to match. *sort* is the column to sort by, None where our order can't express it.
    """

    kind: FieldKind
    relations: tuple[Relation, ...] = _EQUAL
    targets: Targets = ()
    sort: Column | None = None


class LinkedField(msgspec.Struct, frozen=True):
    """One field of a linked object. Without *targets* it is known only to an inventory, which a log isn't."""

    relations: tuple[Relation, ...] = _EQUAL
    targets: Targets = ()


_VM_NAMES: Targets = (LinkTo("vm"), LinkTo("instance"), LinkTo("container"))
_USER_NAMES: Targets = (LinkTo("user"), Column.ACTOR)


def _text(*targets: Column | LinkTo, sort: Column | None = None) -> EventField:
    return EventField(FieldKind.TEXT, _EQUAL, targets, sort)


def _column(column: Column) -> EventField:
    return _text(column, sort=column)


def _id(type_: str) -> EventField:
    return _text(LinkTo(type_, "id"))


EVENT_FIELDS: dict[str, EventField] = {
    "severity": EventField(FieldKind.SEVERITY, _ORDERED, sort=Column.SEVERITY),
    "type": EventField(FieldKind.CODE),
    "message": _column(Column.MESSAGE),
    "time": EventField(FieldKind.TIME, _DATES, sort=Column.TIME),
    "usrname": _column(Column.ACTOR),
    "event_host": _text(LinkTo("host")),
    "event_vm": _text(*_VM_NAMES),
    "event_template": _text(LinkTo("template")),
    "event_storage": _text(LinkTo("storage_domain")),
    "event_datacenter": _text(LinkTo("data_center")),
    "event_volume": _text(LinkTo("volume")),
    "correlation_id": _column(Column.CORRELATION),
    "origin": EventField(FieldKind.ORIGIN),
    "custom_event_id": EventField(FieldKind.CUSTOM_ID),
    # the same for all that can be found, so only the ties are left to sort by
    "deleted": EventField(FieldKind.DELETED, sort=Column.INDEX),
    "_event_vm_id": _id("vm"),
    "_event_template_id": _id("template"),
    "_event_host_id": _id("host"),
    "_event_datacenter_id": _id("data_center"),
    "_event_quota_id": _id("quota"),
    "usrid": EventField(FieldKind.TEXT, ()),
    "_event_storage_id": EventField(FieldKind.TEXT, ()),
}

FREE_TEXT: Targets = (
    Column.MESSAGE,
    Column.CORRELATION,
    Column.ACTOR,
    LinkTo("vm", "any"),
    LinkTo("instance"),
    LinkTo("container"),
    LinkTo("template", "any"),
    LinkTo("host", "any"),
    LinkTo("storage_domain", "any"),
    LinkTo("data_center", "any"),
    LinkTo("volume", "any"),
    LinkTo("user", "id"),
    LinkTo("quota", "id"),
)
"""Where text without a field is looked for, beside the origin."""


def _linked(kept: dict[str, Targets], texts: str, numbers: str = "") -> dict[str, LinkedField]:
    return (
        {name: LinkedField(targets=targets) for name, targets in kept.items()}
        | {name: LinkedField() for name in texts.split()}
        | {name: LinkedField(_ORDERED) for name in numbers.split()}
    )


LINKED_FIELDS: dict[str, dict[str, LinkedField]] = {
    "vm": _linked(
        {"name": _VM_NAMES, "id": (LinkTo("vm", "id"),)},
        "status ip fqdn os type description comment cluster datacenter pool loggedinuser quota on_host tag",
        "uptime creationdate cpu_usage mem_usage network_usage memory vcpus",
    ),
    "host": _linked({"name": (LinkTo("host"),)}, ""),
    "template": _linked(
        {"name": (LinkTo("template"),)}, "description os cluster datacenter status tag", "mem creationdate"
    ),
    "user": _linked(
        {"name": _USER_NAMES, "usrname": _USER_NAMES},
        "lastname login directory department user_and_domain tag type",
    ),
    "cluster": _linked({"name": (LinkTo("cluster"),)}, "description comment cpu_type architecture compatibility_level"),
    "volume": _linked({"name": (LinkTo("volume"),)}, "type status transport_type", "replica_count stripe_count"),
    "quota": _linked({"name": (LinkTo("quota"),)}, "description storagepoolname"),
}
"""Fields by object; each object is also called by its plural."""

LINKED_TEXTS: dict[str, Targets] = {type_: (LinkTo(type_, "any"),) for type_ in LINKED_FIELDS} | {
    "vm": (LinkTo("vm", "any"), LinkTo("instance"), LinkTo("container")),
    "user": (LinkTo("user", "any"), Column.ACTOR),
}
"""Where a text without a field is looked for, by object."""
