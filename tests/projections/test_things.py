"""Things as events change them, and how they are found."""

from __future__ import annotations

import pytest

from tests.projections.drafts import of_lxd, of_nas, of_ovirt, stored
from tidings.event import Draft
from tidings.projections import things as things_module
from tidings.projections.rules import states
from tidings.projections.telling import Teller
from tidings.projections.thing import Key, Thing
from tidings.projections.things import Things

HASH = "08fd4fac14b85af65da4a7d9c4f9d8feb5f3ef39f2ccd978c753151de9a42765"
OTHER = "08fd4fac14b8ffffffffffffffffffffffffffffffffffffffffffffffffffff"


def after(*drafts: Draft, things: Things | None = None, first: int = 1) -> Things:
    things = things or Things()
    for told in Teller(states()).told_by(stored(drafts, first)):
        things.apply(told)
    return things


def shown(things: list[Thing]) -> list[tuple[str, str]]:
    return [(thing.name or thing.id, thing.state) for thing in things]


def test_the_last_event_tells_the_state_and_since_when() -> None:
    things = after(of_lxd("instance-created"), of_lxd("instance-started"))
    (thing,) = things.existing()
    assert (thing.state, thing.index, thing.kind) == ("running", 2, "lxd.lifecycle.instance-started")
    assert things.count == 1


def test_the_last_changed_comes_first() -> None:
    web, db = "/1.0/instances/web", "/1.0/instances/db"
    things = after(of_lxd("instance-started", web), of_lxd("instance-started", db), of_lxd("instance-stopped", web))
    assert shown(things.existing()) == [("web", "stopped"), ("db", "running")]


def test_instances_of_one_name_in_two_projects_are_two() -> None:
    things = after(of_lxd("instance-started", project="a"), of_lxd("instance-stopped", project="b"))
    assert [(thing.scope, thing.state) for thing in things.existing()] == [("b", "stopped"), ("a", "running")]


def test_what_is_gone_exists_no_more_until_it_is_made_again() -> None:
    things = after(of_lxd("instance-started"), of_lxd("instance-deleted"))
    assert (things.count, shown(things.gone())) == (0, [("web1", "gone")])
    assert things.called("instance", "web1") == []
    after(of_lxd("instance-created"), things=things, first=3)
    assert (shown(things.existing()), things.gone()) == ([("web1", "stopped")], [])


def test_an_event_that_was_applied_before_changes_nothing() -> None:
    things = after(of_lxd("instance-started"), of_lxd("instance-stopped"))
    after(of_lxd("instance-started"), of_lxd("instance-deleted"), things=things)
    assert shown(things.existing()) == [("web1", "stopped")]


def test_a_renamed_instance_stays_as_it_is_under_its_new_name() -> None:
    things = after(
        of_lxd("instance-created", "/1.0/instances/old", type="container"),
        of_lxd("instance-renamed", "/1.0/instances/new", old_name="old"),
    )
    assert (shown(things.existing()), shown(things.gone())) == ([("new", "stopped")], [("old", "gone")])
    (thing,) = things.existing()
    assert (thing.index, thing.details) == (2, {"location": "node1", "type": "container"})


def test_a_renaming_of_what_nobody_knows_tells_nothing() -> None:
    assert after(of_lxd("instance-renamed", "/1.0/instances/new", old_name="old")).count == 0


def test_a_renaming_to_itself_changes_nothing_but_the_index() -> None:
    things = after(of_lxd("instance-started"), of_lxd("instance-renamed", old_name="web1"))
    assert (shown(things.existing()), things.gone()) == ([("web1", "running")], [])


def test_a_thing_is_found_by_its_id_its_name_and_the_beginning_of_a_hash() -> None:
    things = after(of_nas(container="utest", id=HASH, state="start"))
    for text in (HASH, "utest", HASH[:12], HASH[:30]):
        assert shown(things.called("container", text)) == [("utest", "running")]
    for text in (HASH[:11], HASH[:12] + "x", "utes", HASH.upper(), ""):
        assert things.called("container", text) == []
    assert things.called("instance", "utest") == []


def test_an_image_of_lxd_is_found_by_the_beginning_of_its_fingerprint() -> None:
    things = after(of_lxd("image-created", f"/1.0/images/{HASH}"))
    assert shown(things.called("image", HASH[:12])) == [(HASH, "available")]


def test_a_beginning_that_two_hashes_share_finds_neither() -> None:
    things = after(of_nas(container="a", id=HASH, state="start"), of_nas(container="b", id=OTHER, state="start"))
    assert things.called("container", HASH[:12]) == []
    assert shown(things.called("container", HASH[:13])) == [("a", "running")]


def test_an_id_goes_before_a_name_that_is_the_same() -> None:
    things = after(of_ovirt("VM_DOWN", vm="web1=x-1"), of_ovirt("USER_RUN_VM", vm="x-1=x-2"))
    assert [thing.id for thing in things.called("vm", "x-1")] == ["x-1"]


def test_of_several_sources_the_last_changed_is_found_first() -> None:
    here, there = of_nas(container="utest", state="start"), of_nas(container="utest", state="stop")
    there.source = "nas/2"
    things = after(here, there)
    assert [thing.source for thing in things.called("container", "utest")] == ["nas/2", "nas/1"]
    assert [thing.source for thing in things.called("container", "utest", "nas/1")] == ["nas/1"]


def test_an_event_may_name_a_thing_by_less_than_its_id() -> None:
    things = after(of_nas(container="utest", id=HASH, state="start"), of_nas(container="utest", state="stop"))
    assert [(thing.id, thing.state) for thing in things.existing()] == [(HASH, "stopped")]
    after(of_nas(container=None, id=HASH[:12], state="start"), things=things, first=3)
    assert [(thing.id, thing.name, thing.state) for thing in things.existing()] == [(HASH, "utest", "running")]


def test_what_has_an_id_is_not_taken_for_what_has_that_for_its_name() -> None:
    things = after(of_ovirt("VM_DOWN", vm="x-1=x-9"), of_ovirt("USER_RUN_VM", vm="web=x-1"))
    assert sorted(shown(things.existing())) == [("web", "up"), ("x-1", "down")]


def test_an_event_without_a_scope_changes_the_thing_that_has_one() -> None:
    things = after(
        of_ovirt("VM_DOWN", vm="web1=x-1", data_center="Finance=d-1"), of_ovirt("USER_RUN_VM", vm="web1=x-1")
    )
    assert [(thing.scope, thing.state) for thing in things.existing()] == [("Finance", "up")]


def test_an_event_of_one_scope_changes_nothing_of_another() -> None:
    things = after(
        of_ovirt("VM_DOWN", vm="web1=x-1", data_center="Finance=d-1"),
        of_ovirt("USER_RUN_VM", vm="=x-1", data_center="Sales=d-2"),
    )
    assert [(thing.scope, thing.name, thing.state) for thing in things.existing()] == [
        ("Sales", "", "up"),
        ("Finance", "web1", "down"),
    ]
    assert [thing.scope for thing in things.called("vm", "x-1", scopes=("Finance",))] == ["Finance"]


def test_a_new_name_is_found_and_the_old_one_no_more() -> None:
    things = after(of_ovirt("VM_DOWN", vm="old=x-1"), of_ovirt("USER_RUN_VM", vm="new=x-1"))
    assert (things.called("vm", "old"), shown(things.called("vm", "new"))) == ([], [("new", "up")])


def test_what_was_told_of_longest_ago_is_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(things_module, "MAX_THINGS", 2)
    monkeypatch.setattr(things_module, "MAX_GONE", 1)
    paths = [f"/1.0/instances/i{number}" for number in range(4)]
    things = after(*(of_lxd("instance-started", path) for path in paths))
    assert shown(things.existing()) == [("i3", "running"), ("i2", "running")]
    assert things.called("instance", "i0") == []
    after(*(of_lxd("instance-deleted", path) for path in paths), things=things, first=5)
    assert (things.count, shown(things.gone())) == (0, [("i3", "gone")])
    assert things.take_unsaved()[Key("instance", "lxd/prod-1", "default", paths[0])] is None


def test_what_changed_is_told_once_to_who_saves_it() -> None:
    things = after(of_lxd("instance-started"))
    (thing,) = things.existing()
    assert things.take_unsaved() == {thing.key: thing}
    assert things.take_unsaved() == {}
    things.put_back([thing.key])
    assert things.take_unsaved() == {thing.key: thing}
    assert Things([thing]).take_unsaved() == {}
    assert Things([thing]).existing() == [thing]
