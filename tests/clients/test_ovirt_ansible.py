"""Ansible's own modules for oVirt events, unmodified, in playbooks that ansible-playbook runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.clients.ovirt import (
    ADMIN,
    PASSWORD,
    VM,
    add_token,
    add_user,
    bearer_works,
    certificate,
    engine_url,
    required,
    sdk_connection,
)
from tests.clients.short_folder import short_folder
from tests.clients.tidings_server import TidingsServer, tidings_server

required("ansible")
required("ansible_collections.ovirt.ovirt")
required("ovirtsdk4")

Task = Mapping[str, Any]
Play = Callable[..., dict[str, Any]]

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
MODULE = "ovirt.ovirt.ovirt_event"
INFO = "ovirt.ovirt.ovirt_event_info"
AUTH = "ovirt.ovirt.ovirt_auth"
_RUN_S = 55


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    with tidings_server(tls=True) as server:
        add_user(server, "admin", "admin")
        yield server


@pytest.fixture
def origin() -> str:
    """Give an origin of this test alone: all tests share one log."""
    return f"monitor-{uuid.uuid4()}"


@pytest.fixture
def play(server: TidingsServer) -> Iterator[Play]:
    """Give a function that runs tasks, each by the name that its result is wanted under."""
    with short_folder() as home:

        def play(tasks: Mapping[str, Task], **login: str) -> dict[str, Any]:
            who = login or {"username": ADMIN, "password": PASSWORD}
            auth = {"url": engine_url(server), "ca_file": certificate(server), **who}
            return _run(home, tasks, auth)

        yield play


def _run(home: Path, tasks: Mapping[str, Task], auth: Mapping[str, str]) -> dict[str, Any]:
    results = home / "results.json"
    shown = {name: f"{{{{ {name} }}}}" for name in tasks}
    steps = [{"name": name, **task, "register": name, "ignore_errors": True} for name, task in tasks.items()]
    save = {
        "name": "save",
        "copy": {"dest": str(results), "content": "{{ results | to_json }}"},
        "vars": {"results": shown},
    }
    book = {
        "hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [*steps, save],
        "vars": {"ansible_python_interpreter": sys.executable, "auth": auth},
    }  # fmt: skip
    path = home / "play.json"
    path.write_text(json.dumps([book]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(PLAYBOOK), "--inventory", "localhost,", str(path)],
        cwd=home, env=_environment(home), capture_output=True, text=True, timeout=_RUN_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return found


def _environment(home: Path) -> dict[str, str]:
    foreign = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "OVIRT_"))}
    return {**foreign, "HOME": str(home), "ANSIBLE_HOME": str(home), "LC_ALL": "C.UTF-8"}


def present(origin: str, custom_id: int, **members: Any) -> Task:
    usual = {"state": "present", "description": f"number {custom_id}", "origin": origin, "custom_id": custom_id}
    return {MODULE: {"auth": "{{ auth }}", **usual, **members}}


def absent(id: str, **members: Any) -> Task:
    return {MODULE: {"auth": "{{ auth }}", "state": "absent", "id": id, "wait": False, **members}}


def info(**members: Any) -> Task:
    return {INFO: {"auth": "{{ auth }}", **members}}


def texts(result: Mapping[str, Any]) -> list[str]:
    events: Sequence[Mapping[str, str]] = result["ovirt_events"]
    return [event["description"] for event in events]


def test_a_playbook_adds_finds_and_removes_events(play: Play, origin: str) -> None:
    of = f"origin={origin}"
    found = play(
        {
            "plain": present(origin, 1, severity="warning", description="The file system /home is almost full!"),
            "linked": present(origin, 2, vm=VM, correlation_id="c0ffee"),
            "severe": present(origin, 3, severity="error"),
            "all": info(),
            "own": info(search=of),
            "newest": info(search=of, max=2),
            "later": info(search=of, from_="{{ plain.id | int }}", follow=["vm"]),
            "severest": info(search=f"{of} and severity>normal sortby time asc"),
            "removal": absent("{{ plain.id }}"),
            "again": absent("{{ plain.id }}"),
            "rest": info(search=of),
        }
    )
    event = found["plain"]["event"]
    assert found["plain"]["changed"]
    assert found["plain"]["id"] == event["id"]
    assert (event["description"], event["severity"], event["origin"], event["custom_id"], event["code"]) == (
        "The file system /home is almost full!", "warning", origin, 1, 9802,
    )  # fmt: skip
    linked = found["linked"]["event"]
    assert (linked["vm"]["id"], linked["correlation_id"]) == (VM, "c0ffee")
    down = ["number 3", "number 2", "The file system /home is almost full!"]
    assert texts(found["own"]) == down
    assert [event["id"] for event in found["all"]["ovirt_events"] if event.get("origin") == origin] == [
        found[name]["id"] for name in ("severe", "linked", "plain")
    ]
    assert texts(found["newest"]) == down[:2]
    assert texts(found["later"]) == down[:2]
    assert texts(found["severest"]) == [down[2], down[0]]
    assert found["removal"]["changed"]
    assert not found["again"]["failed"]
    assert texts(found["rest"]) == down[:2]


def test_absent_leaves_an_unknown_event_unchanged(play: Play) -> None:
    found = play({"first": absent("999999999999"), "second": absent("999999999999")})
    for result in found.values():
        assert (result["changed"], result["failed"]) == (False, False)


def test_a_refused_event_fails_its_task_with_the_reason(play: Play, origin: str) -> None:
    found = play(
        {
            "first": present(origin, 7),
            "twice": present(origin, 7),
            "engine": present("oVirt", 8),
            "incomplete": {MODULE: {"auth": "{{ auth }}", "description": "x", "origin": origin}},
            "waiting": absent("{{ first.id }}", wait=True),
        }
    )
    assert not found["first"]["failed"]
    assert all(found[name]["failed"] for name in ("twice", "engine", "incomplete", "waiting"))
    assert "duplicate custom id" in found["twice"]["msg"]
    assert "Operation Failed" in found["engine"]["msg"]
    assert "customId" in found["incomplete"]["msg"]


def test_a_dry_run_changes_nothing(play: Play, server: TidingsServer, origin: str) -> None:
    with sdk_connection(server) as connection:
        events = connection.system_service().events_service()
        found = play({"added": {**present(origin, 1), "check_mode": True}})
        assert found["added"]["changed"]
        assert events.list(search=f"origin={origin}") == []


def test_case_counts_in_a_search_unless_that_is_turned_off(play: Play, origin: str) -> None:
    of = f"origin={origin} message=NUMBER*"
    found = play({"added": present(origin, 1), "strict": info(search=of), "lax": info(search=of, case_sensitive=False)})
    assert (texts(found["strict"]), texts(found["lax"])) == ([], ["number 1"])


def test_one_login_serves_all_tasks_until_it_is_given_up(play: Play, server: TidingsServer, origin: str) -> None:
    login = {AUTH: {"url": engine_url(server), "ca_file": certificate(server), "username": ADMIN, "password": PASSWORD}}
    shared = "{{ login.ansible_facts.ovirt_auth }}"
    found = play(
        {
            "login": login,
            "added": present(origin, 1, auth=shared),
            "listed": info(search=f"origin={origin}", auth=shared),
            "logout": {AUTH: {"state": "absent", "ovirt_auth": shared}},
        }
    )
    assert texts(found["listed"]) == ["number 1"]
    assert not found["logout"]["failed"]
    assert not bearer_works(server, found["login"]["ansible_facts"]["ovirt_auth"]["token"])


def test_a_wrong_password_fails_the_task(play: Play) -> None:
    found = play({"listed": info()}, username="nobody@internal", password="wrong-password")
    assert found["listed"]["failed"]
    assert "access_denied" in found["listed"]["msg"]


def test_whoever_is_limited_to_a_scope_plays_within_it(play: Play, server: TidingsServer, origin: str) -> None:
    token = add_token(server, origin, "writer", origin)
    added = {"added": present(origin, 1), "listed": info()}
    within = play(added, username="north@internal", password=token)
    assert texts(within["listed"]) == ["number 1"]
    other = add_token(server, f"{origin}-2", "writer", f"{origin}-2")
    outside = play({"listed": info()}, username="south@internal", password=other)
    assert texts(outside["listed"]) == []
