"""oVirt's own Python SDK, unmodified, over TLS: how it signs on and off."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.clients.ovirt import PASSWORD, Add, add_user, bearer_works, of, required, said, sdk_connection
from tests.clients.tidings_server import TidingsServer, tidings_server

sdk = required("ovirtsdk4")


def test_a_connection_can_be_tested(connection: Any) -> None:
    assert connection.test(raise_exception=True)


def test_the_entry_point_says_which_api_it_is(connection: Any) -> None:
    api = connection.system_service().get()
    assert (api.product_info.version.major, api.product_info.version.minor) == (4, 5)
    assert abs(api.time.timestamp() - time.time()) < 60


def test_a_slash_at_the_end_of_the_address_does_no_harm(server: TidingsServer) -> None:
    with sdk_connection(server, url=f"https://{server.tls_address}/ovirt-engine/api/") as connection:
        assert connection.test(raise_exception=True)
        assert connection.system_service().events_service().list(max=0) == []


@pytest.mark.parametrize("name", ["admin", "admin@internal", "admin@internal-authz"])
def test_a_profile_behind_the_user_name_makes_no_difference(server: TidingsServer, name: str) -> None:
    with sdk_connection(server, username=name) as connection:
        assert connection.test(raise_exception=True)


@pytest.mark.parametrize(
    ("name", "password"),
    [("careless@internal", "wrong-password"), ("nobody@internal", PASSWORD), ("admin@internal", "")],
    ids=["password", "name", "nothing"],
)
def test_a_wrong_name_or_password_is_an_error_of_authentication(
    server: TidingsServer, name: str, password: str
) -> None:
    with sdk_connection(server, username=name, password=password) as connection:
        assert not connection.test()
        with pytest.raises(sdk.AuthError, match=r"access_denied|invalid_request"):
            connection.authenticate()


def test_the_error_does_not_tell_whether_there_is_such_a_user(server: TidingsServer) -> None:
    messages = []
    for name in ("forgetful", "nobody"):
        with sdk_connection(server, username=name, password="wrong-password") as connection:
            with pytest.raises(sdk.AuthError) as caught:
                connection.authenticate()
            messages.append(str(caught.value).replace(name, "somebody"))
    assert messages[0] == messages[1]
    assert "wrong-password" not in messages[0]


def test_kerberos_is_refused_in_words(server: TidingsServer) -> None:
    with (
        sdk_connection(server, kerberos=True) as connection,
        pytest.raises(sdk.AuthError, match="unsupported_grant_type"),
    ):
        connection.authenticate()


def test_closing_revokes_the_token(server: TidingsServer) -> None:
    with sdk_connection(server) as connection:
        token = connection.authenticate()
        assert bearer_works(server, token)
    assert not bearer_works(server, token)


def test_closing_without_signing_off_leaves_the_token_to_others(server: TidingsServer) -> None:
    with sdk_connection(server) as connection:
        token = connection.authenticate()
        connection.close(logout=False)
        with sdk_connection(server, token=token, username=None, password=None) as other:
            assert other.test(raise_exception=True)


def test_closing_twice_is_no_error(server: TidingsServer) -> None:
    with sdk_connection(server) as connection:
        connection.authenticate()
        connection.close()  # and the block closes it again


def test_a_token_that_has_ended_is_replaced_without_a_word(server: TidingsServer, connection: Any) -> None:
    ended = connection.authenticate()
    with sdk_connection(server, token=ended):
        pass  # closing revokes it
    assert not bearer_works(server, ended)
    assert connection.test(raise_exception=True)
    assert connection.authenticate() != ended


def test_an_event_is_added_once_though_the_token_had_ended(
    server: TidingsServer, connection: Any, events: Any, add: Add, origin: str
) -> None:
    with sdk_connection(server, token=connection.authenticate()):
        pass  # closing revokes it
    add("after all")
    assert said(events.list(search=of(origin))) == ["after all"]


def test_a_token_that_has_ended_helps_nobody_without_a_password(server: TidingsServer) -> None:
    with sdk_connection(server, token="tds_unheard-of", username="stranger", password="wrong-password") as connection:
        with pytest.raises(sdk.AuthError):
            connection.test(raise_exception=True)
        connection._sso_token = None  # there is nothing to sign off


def test_a_token_survives_a_restart_of_the_server() -> None:
    with tidings_server(tls=True) as server:
        add_user(server, "admin", "admin")
        with sdk_connection(server) as connection:
            token = connection.authenticate()
            server.stop()
            server.start()
            with sdk_connection(server, token=token, username=None, password=None) as other:
                assert other.test(raise_exception=True)
