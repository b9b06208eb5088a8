"""Event subscriptions through oVirt's own Python SDK, unmodified, over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.ovirt import add_user, required, sdk_connection
from tests.clients.tidings_server import TidingsServer, tidings_server

sdk = required("ovirtsdk4")
types = required("ovirtsdk4.types")

USERS = ("admin", "ann", "ben", "cleo")


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    with tidings_server(tls=True) as server:
        for name in USERS:
            add_user(server, name, "admin" if name == "admin" else "reader")
        yield server


def subscriptions_of(connection: Any, user: str) -> Any:
    return connection.system_service().users_service().user_service(user).event_subscriptions_service()


def test_a_user_adds_lists_gets_and_removes_his_own(server: TidingsServer) -> None:
    with sdk_connection(server, username="ann@internal") as connection:
        service = subscriptions_of(connection, "ann@internal")
        event = types.NotifiableEvent.VM_PAUSED
        added = service.add(types.EventSubscription(event=event, address="ann@example.com"))
        assert (added.id, added.event, added.address) == ("vm_paused", event, "ann@example.com")
        assert added.notification_method is types.NotificationMethod.SMTP

        assert [each.id for each in service.list()] == ["vm_paused"]
        one = service.event_subscription_service("vm_paused")
        got = one.get()
        assert (got.href, got.user.id, got.user.href) == (added.href, added.user.id, added.user.href)
        one.remove()
        assert list(service.list()) == []
        with pytest.raises(sdk.NotFoundError):
            one.get()


def test_every_event_that_the_sdk_names_can_be_subscribed_to(server: TidingsServer) -> None:
    with sdk_connection(server, username="ben") as connection:
        service = subscriptions_of(connection, "ben")
        for event in types.NotifiableEvent:
            service.add(types.EventSubscription(event=event))
        assert {each.event for each in service.list()} == set(types.NotifiableEvent)
        assert len(service.list(max=7)) == 7


def test_both_methods_come_back_as_they_were_given(server: TidingsServer) -> None:
    wanted = {"vm_paused": types.NotificationMethod.SNMP, "vm_failure": types.NotificationMethod.SMTP}
    with sdk_connection(server) as connection:
        service = subscriptions_of(connection, "admin")
        for event, method in wanted.items():
            service.add(types.EventSubscription(event=types.NotifiableEvent(event), notification_method=method))
        assert {each.id: each.notification_method for each in service.list()} == wanted


def test_a_subscription_without_an_event_is_refused_in_words(server: TidingsServer) -> None:
    with sdk_connection(server) as connection, pytest.raises(sdk.Error, match=r"EventSubscription \[event\] required"):
        subscriptions_of(connection, "admin").add(types.EventSubscription(address="a@example.com"))


def test_an_admin_finds_another_users_by_the_id_in_their_links(server: TidingsServer) -> None:
    event = types.NotifiableEvent.HOST_FAILURE
    with sdk_connection(server, username="cleo") as connection:
        user = subscriptions_of(connection, "cleo").add(types.EventSubscription(event=event)).user
    with sdk_connection(server) as connection:
        assert [each.event for each in subscriptions_of(connection, user.id).list()] == [event]
        with pytest.raises(sdk.NotFoundError):
            subscriptions_of(connection, "nobody").list()


def test_other_peoples_are_an_error_of_authentication_for_a_reader(server: TidingsServer) -> None:
    with (
        sdk_connection(server, username="cleo") as connection,
        pytest.raises(sdk.AuthError, match="the role admin is needed"),
    ):
        subscriptions_of(connection, "admin").list()
