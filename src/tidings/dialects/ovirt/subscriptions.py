"""Event subscriptions: what a user wants to be told of, and where. They are kept and shown; nothing is sent because of them.

Form and rules are those of EventSubscription and EventSubscriptionsService in ovirt-engine-api-model, and what
AddEventSubscription refuses in the engine. An event is named as the engine names its code, in small letters, or as the API
does, which says host for VDS and engine for VDC: ``vm_paused``, ``host_failure``, ``engine_stop``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from tidings.dialects.ovirt.codes import NAME
from tidings.dialects.ovirt.faults import INCOMPLETE, INVALID, OvirtFault, refused
from tidings.dialects.ovirt.reading import read_members, written
from tidings.dialects.ovirt.writing import link_href
from tidings.dialects.ovirt.xml import HEADER, escape
from tidings.kinds import describe
from tidings.store import Store

MAX_ADDRESS = 255

_ROOT = "event_subscription"
_METHODS = ("smtp", "snmp")
_NOT_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f]")
_MAIL = re.compile(r"[^@]+@[^@]+")


class Subscription(msgspec.Struct, frozen=True):
    """*user*, a UUID in small letters, wants to be told of *event* by *method*, ``smtp`` or ``snmp``; the *address* may be empty."""

    user: str
    event: str
    method: str
    address: str


def read_subscription(body: bytes, media_type: str, user: str) -> Subscription:
    """Return what *user* asks for in *body*, XML or JSON; a user named in it doesn't count. Raises OvirtFault."""
    members = read_members(body, media_type, _ROOT)
    event = written(members, "event").strip().lower()
    if not event:
        raise OvirtFault(INCOMPLETE, "EventSubscription [event] required for add")
    if not _is_event(event):
        raise OvirtFault(INVALID, f"event {event[:80]!r} is none of the engine's; name one such as 'vm_paused'")
    method = written(members, "notification_method").strip().lower() or _METHODS[0]
    if method not in _METHODS:
        raise OvirtFault(INVALID, f"notification_method {method[:40]!r} is none of {', '.join(_METHODS)}")
    return Subscription(user, event, method, _address(written(members, "address").strip(), method))


def subscription_href(subscription: Subscription) -> str:
    """Return where *subscription* is found."""
    return f"{_user_href(subscription)}/eventsubscriptions/{subscription.event}"


def subscription_xml(subscription: Subscription) -> bytes:
    """Return one subscription."""
    return f"{HEADER}{_element(subscription, '')}".encode()


def subscriptions_xml(subscriptions: Sequence[Subscription]) -> bytes:
    """Return a list, in the order of *subscriptions*."""
    if not subscriptions:
        return f"{HEADER}<{_ROOT}s/>\n".encode()
    elements = "".join(_element(subscription, "    ") for subscription in subscriptions)
    return f"{HEADER}<{_ROOT}s>\n{elements}</{_ROOT}s>\n".encode()


def subscription_json(subscription: Subscription) -> bytes:
    """Return one subscription."""
    return _indented(_object(subscription))


def subscriptions_json(subscriptions: Sequence[Subscription]) -> bytes:
    """Return a list, in the order of *subscriptions*; an empty one is an empty object."""
    return _indented({_ROOT: [_object(subscription) for subscription in subscriptions]} if subscriptions else {})


class Subscriptions:
    """All subscriptions in a store. Every call blocks on the disk; what it changed is durable when it returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, user: str) -> list[Subscription]:
        """Return those of *user*, by event; there are at most as many as the engine has events."""
        rows = self._store.query(
            "SELECT user, event, method, address FROM ovirt_subscriptions WHERE user = ? ORDER BY event", (user,)
        )
        return [Subscription(*row) for row in rows]

    def get(self, user: str, event: str) -> Subscription | None:
        """Return that of *user* to *event*, if there is one."""
        rows = self._store.query(
            "SELECT user, event, method, address FROM ovirt_subscriptions WHERE user = ? AND event = ?", (user, event)
        )
        return Subscription(*rows[0]) if rows else None

    def add(self, new: Subscription) -> bool:
        """Keep *new*; return False, and change nothing, when the user has one to that event."""
        stored = self._store.execute(
            "INSERT INTO ovirt_subscriptions (user, event, method, address) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (new.user, new.event, new.method, new.address),
        )
        return bool(stored)

    def remove(self, user: str, event: str) -> bool:
        """Forget that of *user* to *event*; return whether there was one."""
        return bool(self._store.execute("DELETE FROM ovirt_subscriptions WHERE user = ? AND event = ?", (user, event)))


def _is_event(event: str) -> bool:
    names = (event, event.replace("host", "vds").replace("engine", "vdc"))
    return any(describe(f"{NAME}.{name.upper()}") is not None for name in names)


def _address(address: str, method: str) -> str:
    if len(address) > MAX_ADDRESS:
        raise refused(f"address has {len(address)} characters, at most {MAX_ADDRESS} are allowed")
    if _NOT_IN_ADDRESS.search(address) or (address and method == "smtp" and not _MAIL.fullmatch(address)):
        raise refused("address is not valid: for smtp it must look like name@example.com, without blanks")
    return address


def _user_href(subscription: Subscription) -> str:
    return link_href("user", subscription.user)


def _element(subscription: Subscription, margin: str) -> str:
    inner = f"{margin}    "
    address = f"{inner}<address>{escape(subscription.address)}</address>\n" if subscription.address else ""
    return (
        f'{margin}<{_ROOT} href="{subscription_href(subscription)}" id="{subscription.event}">\n'
        f"{address}"
        f"{inner}<event>{subscription.event}</event>\n"
        f"{inner}<notification_method>{subscription.method}</notification_method>\n"
        f'{inner}<user href="{_user_href(subscription)}" id="{subscription.user}"/>\n'
        f"{margin}</{_ROOT}>\n"
    )


def _object(subscription: Subscription) -> dict[str, object]:
    address = {"address": subscription.address} if subscription.address else {}
    return {
        "id": subscription.event,
        "href": subscription_href(subscription),
        **address,
        "event": subscription.event,
        "notification_method": subscription.method,
        "user": {"href": _user_href(subscription), "id": subscription.user},
    }


def _indented(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value)) + b"\n"
