"""Event subscriptions: whose they are, what is kept of them, and in which form they are answered."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Reply, Serving, serving
from tidings.dialects.ovirt.record import made_id
from tidings.kinds import catalogue

API = "/ovirt-engine/api"
XML = {"Content-Type": "application/xml"}
STRANGER = "57d91d48-00da-0137-0138-000000000244"
PASSWORD = "long enough"


def own_id(name: str) -> str:
    """Return the id of an account's user, as tidings' own events show it."""
    return made_id("tidings", "", "user", name)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(tmp_path) as running:
        yield running


async def add(
    server: Serving, event: str = "vm_paused", user: str = "admin", token: str | None = None, **members: str
) -> Reply:
    return await server.send("POST", place(user), {"event": event, **members}, token)


async def add_account(server: Serving, name: str) -> None:
    reply = await server.send("POST", "/v1/users", {"name": name, "password": PASSWORD, "role": "reader"})
    assert reply.status == 201


async def listed(server: Serving, user: str = "admin", **parameters: Any) -> list[Mapping[str, object]]:
    reply = await server.get(place(user), headers={"Accept": "application/json"}, **parameters)
    assert reply.status == 200, reply.body
    found: list[Mapping[str, object]] = reply.json.get("event_subscription", [])
    return found


def place(user: str, event: str = "") -> str:
    return f"{API}/users/{user}/eventsubscriptions" + (f"/{event}" if event else "")


def fault(reply: Reply) -> str:
    assert reply.status == 400, reply.body
    found = re.search(r"<detail>(.*)</detail>", reply.body.decode())
    assert found
    return found[1]


async def test_an_added_subscription_is_answered_with_its_event_as_its_id(server: Serving) -> None:
    body = b"<event_subscription><event>host_failure</event><address>a@example.com</address></event_subscription>"
    reply = await server.ask("POST", place("admin"), headers=XML, data=body)
    admin = own_id("admin")
    assert reply.status == 201
    assert reply.headers["Location"] == f"{server.url}{place(admin, 'host_failure')}"
    assert reply.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<event_subscription href="{place(admin, "host_failure")}" id="host_failure">\n'
        "    <address>a@example.com</address>\n"
        "    <event>host_failure</event>\n"
        "    <notification_method>smtp</notification_method>\n"
        f'    <user href="{API}/users/{admin}" id="{admin}"/>\n'
        "</event_subscription>\n"
    )


async def test_a_list_is_sorted_by_event_and_cut_by_max(server: Serving) -> None:
    for event in ("vm_paused", "host_failure", "engine_stop"):
        await add(server, event)
    assert [each["id"] for each in await listed(server)] == ["engine_stop", "host_failure", "vm_paused"]
    assert [each["id"] for each in await listed(server, max=2)] == ["engine_stop", "host_failure"]
    assert await listed(server, max=0) == []
    assert "negative" in fault(await server.get(place("admin"), max=-1))


async def test_a_list_in_xml_has_the_plural_root_also_when_it_is_empty(server: Serving) -> None:
    assert b"<event_subscriptions/>" in (await server.get(place("admin"))).body
    await add(server)
    body = (await server.get(place("admin"))).body
    assert b'<event_subscriptions>\n    <event_subscription href="' in body
    assert body.endswith(b"    </event_subscription>\n</event_subscriptions>\n")


async def test_one_subscription_as_json_has_what_was_given_and_no_more(server: Serving) -> None:
    await add(server, "vm_paused", notification_method="snmp")
    admin = own_id("admin")
    reply = await server.get(place("admin", "vm_paused"), headers={"Accept": "application/json"})
    assert reply.json == {
        "id": "vm_paused",
        "href": place(admin, "vm_paused"),
        "event": "vm_paused",
        "notification_method": "snmp",
        "user": {"href": f"{API}/users/{admin}", "id": admin},
    }


async def test_a_subscription_outlives_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await add(server, address="a@example.com")
    async with serving(tmp_path) as server:
        assert [(each["id"], each["address"]) for each in await listed(server)] == [("vm_paused", "a@example.com")]


async def test_a_removed_subscription_is_gone_and_can_not_be_removed_again(server: Serving) -> None:
    await add(server)
    reply = await server.ask("DELETE", place("admin", "vm_paused"))
    assert (reply.status, b"<status>complete</status>" in reply.body) == (200, True)
    for method in ("GET", "DELETE"):
        reply = await server.ask(method, place("admin", "vm_paused"))
        assert (reply.status, reply.body) == (404, b"")
    assert (await add(server)).status == 201


async def test_who_does_not_want_to_wait_for_the_removal_is_told_that_it_is_under_way(server: Serving) -> None:
    await add(server)
    reply = await server.ask("DELETE", place("admin", "vm_paused"), params={"async": "true"})
    assert (reply.status, b"<status>in_progress</status>" in reply.body) == (202, True)


async def test_a_second_subscription_to_an_event_is_refused_and_leaves_the_first_as_it_is(server: Serving) -> None:
    await add(server, address="a@example.com")
    again = await add(server, "VM_PAUSED", address="b@example.com")
    assert "vm_paused already" in fault(again)
    assert [each["address"] for each in await listed(server)] == ["a@example.com"]


@pytest.mark.parametrize("named", ["ann", "ann@internal", own_id("ann"), own_id("ann").upper()])
async def test_a_user_is_named_by_account_with_or_without_profile_or_by_id(server: Serving, named: str) -> None:
    await add_account(server, "ann")
    assert (await add(server, user=named)).status == 201
    assert [each["id"] for each in await listed(server, own_id("ann"))] == ["vm_paused"]


async def test_an_account_whose_name_has_an_at_sign_is_not_taken_for_another_with_a_profile(server: Serving) -> None:
    await add_account(server, "ann")
    await add_account(server, "ann@example.com")
    await add(server, user="ann@example.com")
    assert await listed(server, "ann") == []
    assert len(await listed(server, own_id("ann@example.com"))) == 1


async def test_the_id_of_an_account_is_the_one_that_events_show(server: Serving) -> None:
    await add_account(server, "ann")  # an event whose actor is admin
    reply = await server.get(f"{API}/events", headers={"Accept": "application/json"}, search="usrname=admin", max=1)
    assert reply.json["event"][0]["user"]["id"] == own_id("admin")


async def test_an_admin_keeps_subscriptions_for_users_that_only_an_engine_knows(server: Serving) -> None:
    assert (await add(server, user=STRANGER)).status == 201
    assert len(await listed(server, STRANGER.upper())) == 1
    assert await listed(server) == []


async def test_a_name_that_is_no_account_is_not_found(server: Serving) -> None:
    for method, path in (("GET", place("nobody")), ("POST", place("nobody")), ("DELETE", place("nobody", "vm_paused"))):
        reply = await server.ask(method, path)
        assert (reply.status, reply.body) == (404, b"")


async def test_a_reader_deals_with_its_own_subscriptions(server: Serving) -> None:
    reader = server.make_token("ann", "reader", ["red"])
    assert (await add(server, user="ann", token=reader)).status == 201
    assert (await server.get(place(own_id("ann"), "vm_paused"), token=reader)).status == 200
    assert (await server.ask("DELETE", place("ann", "vm_paused"), token=reader)).status == 200


@pytest.mark.parametrize("other", ["ann", "nobody", STRANGER, own_id("ann")])
@pytest.mark.parametrize("role", ["reader", "writer"])
async def test_other_peoples_subscriptions_are_for_admins_only(server: Serving, other: str, role: str) -> None:
    await add_account(server, "ann")
    await add(server, user="ann")
    token = server.make_token("eve", role)
    replies = [
        await server.get(place(other), token=token),
        await server.get(place(other, "vm_paused"), token=token),
        await add(server, "vm_failure", other, token),
        await server.ask("DELETE", place(other, "vm_paused"), token=token),
    ]
    assert [reply.status for reply in replies] == [403] * 4
    assert [each["id"] for each in await listed(server, "ann")] == ["vm_paused"]


async def test_nobody_gets_a_challenge(server: Serving) -> None:
    reply = await server.get(place("admin"), token="")
    assert (reply.status, reply.body) == (401, b"")


async def test_every_event_of_the_engine_can_be_subscribed_to_by_its_name(server: Serving) -> None:
    names = sorted(kind.partition(".")[2].lower() for kind in catalogue() if kind.startswith("ovirt."))
    assert len(names) == 1363
    for name in (names[0], names[len(names) // 2], names[-1]):
        assert (await add(server, name)).status == 201


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "[event] required"),
        ({"event": " "}, "[event] required"),
        ({"event": "vm_flies"}, "'vm_flies' is none of the engine's"),
        ({"event": "x.y"}, "is none"),
        ({"event": {"name": "vm_paused"}}, "event must be a text"),
        ({"event": "vm_paused", "notification_method": "pigeon"}, "none of smtp, snmp"),
        ({"event": "vm_paused", "address": "nowhere"}, "address is not valid"),
        ({"event": "vm_paused", "address": "a@b\nBcc: c@d"}, "address is not valid"),
        ({"event": "vm_paused", "address": "a@" + "b" * 254}, "at most 255"),
        ({"event": "vm_paused", "notification_method": "snmp", "address": "two words"}, "address is not valid"),
    ],
)
async def test_what_can_not_be_kept_is_refused_with_the_reason(
    server: Serving, members: dict[str, object], reason: str
) -> None:
    reply = await server.send("POST", place("admin"), members)
    assert reason in fault(reply)
    assert await listed(server) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<event><event>vm_paused</event></event>", "send 'event_subscription'"),
        (b"<!DOCTYPE x><event_subscription/>", "DOCTYPE"),
        (b"<event_subscription>", "not XML"),
    ],
)
async def test_another_body_than_a_subscription_is_refused(server: Serving, body: bytes, reason: str) -> None:
    reply = await server.ask("POST", place("admin"), headers=XML, data=body)
    assert reason in fault(reply)


async def test_a_body_over_the_limit_is_refused(server: Serving) -> None:
    size = server.context.config.max_event_size + 1
    reply = await server.ask("POST", place("admin"), headers=XML, data=io.BytesIO(b"x" * size))
    assert reply.status == 413
    assert b"max_event_size" in reply.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", place("admin"), 405),
        ("DELETE", place("admin"), 405),
        ("POST", place("admin", "vm_paused"), 405),
        ("GET", place("admin", "vm_paused/x"), 404),
        ("GET", f"{API}/users/admin", 404),
    ],
)
async def test_what_is_no_request_of_the_service_is_refused(
    server: Serving, method: str, path: str, status: int
) -> None:
    await add(server)
    assert (await server.ask(method, path)).status == status
    assert len(await listed(server)) == 1
