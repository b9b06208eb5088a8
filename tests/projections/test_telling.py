"""What events tell of the state of things."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.projections.drafts import OCID, TIME, of_lxd, of_nas, of_oracle, of_ovirt, stored
from tidings.event import Draft, Link, encode_links
from tidings.projections.rules import read_rules, states
from tidings.projections.telling import Teller, Told
from tidings.projections.thing import Key

DOCKER = "08fd4fac14b85af65da4a7d9c4f9d8feb5f3ef39f2ccd978c753151de9a42765"
TELLER = Teller(states())


def told_by(*drafts: Draft) -> list[Told]:
    return list(TELLER.told_by(stored(drafts)))


def one(draft: Draft) -> Told:
    (told,) = told_by(draft)
    return told


def nothing_known(draft: Draft) -> bool:
    return told_by(draft) == []


def test_an_instance_of_lxd_is_told_by_its_path_and_its_name() -> None:
    assert one(of_lxd("instance-started", project="web")) == Told(
        key=Key("instance", "lxd/prod-1", "web", "/1.0/instances/web1"),
        id="/1.0/instances/web1",
        name="web1",
        state="running",
        since=TIME,
        index=1,
        kind="lxd.lifecycle.instance-started",
        details={"location": "node1"},
    )


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("created", "stopped"),
        ("started", "running"),
        ("restarted", "running"),
        ("paused", "frozen"),
        ("resumed", "running"),
        ("stopped", "stopped"),
        ("shutdown", "stopped"),
        ("deleted", "gone"),
    ],
)
def test_states_of_instances_are_in_the_words_of_lxd(action: str, state: str) -> None:
    assert one(of_lxd(f"instance-{action}")).state == state


def test_a_volume_is_told_by_its_path_because_pools_may_have_volumes_of_one_name() -> None:
    told = one(of_lxd("storage-volume-created", "/1.0/storage-pools/p0/volumes/custom/v1", type="custom"))
    assert (told.key.type, told.name, told.id) == ("volume", "v1", "/1.0/storage-pools/p0/volumes/custom/v1")
    assert told.details["type"] == "custom"


def test_a_renamed_thing_tells_the_path_it_had_also_with_the_project_in_it() -> None:
    told = one(of_lxd("storage-volume-renamed", "/1.0/storage-pools/p0/volumes/custom/default_new", old_name="o d"))
    assert told.state == ""
    assert told.former == (
        "/1.0/storage-pools/p0/volumes/custom/o%20d",
        "/1.0/storage-pools/p0/volumes/custom/default_o%20d",
    )


def test_a_machine_of_ovirt_is_told_by_its_uuid_and_not_by_the_host_it_is_on() -> None:
    told = one(of_ovirt("USER_RUN_VM", cluster="Default=c-1", host="node1=h-1", vm="web1=aae98225"))
    assert (told.key.type, told.name, told.id, told.state) == ("vm", "web1", "aae98225", "up")
    assert told.details == {"location": "node1"}


def test_a_paused_container_runs_and_that_it_is_paused_is_a_detail() -> None:
    paused = one(of_nas(container="utest", id=DOCKER, state="pause", type="docker"))
    assert (paused.state, paused.details) == ("running", {"type": "docker", "paused": "true"})
    assert one(of_nas(container="utest", state="unpause", type="lxc")).details == {"type": "lxc"}


def test_a_container_without_an_id_is_told_by_its_name_and_one_without_a_name_by_its_id() -> None:
    assert (named := one(of_nas(container="utest", state="die"))).id == ""
    assert (named.name, named.state) == ("utest", "stopped")
    by_id = one(of_nas(container=None, id=DOCKER, state="destroy"))
    assert (by_id.name, by_id.id, by_id.state) == ("", DOCKER, "gone")


@pytest.mark.parametrize(
    ("action", "state", "word"), [("download", "success", "available"), ("delete", "success", "gone")]
)
def test_an_image_is_there_or_gone_only_when_that_succeeded(action: str, state: str, word: str) -> None:
    told = one(of_nas("image", action=action, name="ubuntu", tag="latest", state=state))
    assert (told.key.type, told.name, told.state) == ("image", "ubuntu:latest", word)
    assert nothing_known(of_nas("image", action=action, name="ubuntu", tag="latest", state="error"))


@pytest.mark.parametrize(
    ("word", "state"),
    [("PROVISIONING", "provisioning"), ("AVAILABLE", "available"), ("TERMINATED", "gone"), ("DELETED", "gone")],
)
def test_a_resource_of_oracle_is_in_the_state_that_the_event_says(word: str, state: str) -> None:
    told = one(of_oracle("DatabaseService.UpdateX.end", stateChange={"current": {"lifecycleState": word}}))
    assert (told.key.type, told.id, told.name, told.state) == ("databasesoftwareimage", OCID, "DBImage_19c", state)
    assert one(of_oracle("X.UpdateX", additionalDetails={"lifecycleState": word}, stateChange=None)).state == state


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("DatabaseService.CreateDatabaseSoftwareImage.begin", "creating"),
        ("DatabaseService.CreateDatabaseSoftwareImage.end", "available"),
        ("computeapi.launchinstance.begin", "creating"),
        ("DatabaseService.DeleteDatabaseSoftwareImage.begin", "deleting"),
        ("computeapi.terminateinstance.end", "gone"),
        ("objectstorage.deletebucket", "gone"),
    ],
)
def test_without_a_word_for_it_the_state_follows_from_what_was_done(what: str, state: str) -> None:
    assert one(of_oracle(what)).state == state


@pytest.mark.parametrize(
    "draft",
    [
        of_oracle("ComputeApi.GetInstance"),
        of_oracle("ComputeApi.LaunchInstance.begin", resourceId="/n/files/b/photos"),
        of_oracle("ComputeApi.LaunchInstance.begin", resourceId=None),
        of_oracle("X.UpdateX", additionalDetails={"lifecycleState": "no word"}),
        of_oracle("X.UpdateX", additionalDetails=["lifecycleState"]),
        of_lxd("instance-exec"),
        of_lxd("instance-started", "/1.0"),
        of_ovirt("USER_VDC_LOGIN"),
        of_ovirt("VM_DOWN", host="node1=h-1"),
        of_nas(state="start"),
        of_nas("image", action="update"),
    ],
    ids=lambda draft: draft.type,
)
def test_an_event_that_names_no_thing_or_no_state_tells_nothing(draft: Draft) -> None:
    assert nothing_known(draft)


def test_without_links_the_subject_says_what_it_is_about() -> None:
    by_path, by_name = of_lxd("instance-started", "/1.0/instances/web%201"), of_ovirt("VM_DOWN", vm="web1=aae98225")
    by_path.links = by_name.links = ""
    assert [(told.id, told.name, told.key.id) for told in told_by(by_path, by_name)] == [
        ("/1.0/instances/web%201", "web 1", "/1.0/instances/web%201"),
        ("", "web1", "web1"),
    ]


def test_a_resource_of_oracle_may_be_told_by_the_subject() -> None:
    draft = of_oracle("ComputeApi.LaunchInstance.begin", resourceId=None)
    draft.subject = OCID
    assert one(draft).id == OCID


def test_names_without_end_tell_nothing() -> None:
    draft = of_lxd("instance-started")
    draft.links = encode_links([Link("instance", "x" * 2000)])
    assert nothing_known(draft)


def test_what_only_looks_like_it_in_a_payload_or_a_text_tells_nothing() -> None:
    quoting = of_oracle("ComputeApi.GetInstance")
    inner = json.loads(stored([of_lxd("instance-started")]))
    quoting.data = msgspec.Raw(json.dumps(inner, separators=(",", ":")).encode())
    quoting.type = "test.quoting"
    spoof = of_lxd("instance-exec")
    spoof.source = '","type":"lxd.lifecycle.instance-started'
    assert told_by(quoting, spoof) == []


def test_in_a_batch_the_lines_that_tell_are_found_among_the_others() -> None:
    drafts = [
        of_lxd("instance-exec"),
        of_lxd("instance-started"),
        of_ovirt("USER_VDC_LOGIN"),
        of_lxd("instance-stopped"),
    ]
    assert [(told.index, told.state) for told in told_by(*drafts)] == [(2, "running"), (4, "stopped")]


def test_a_payload_that_is_no_json_is_none() -> None:
    draft = of_nas("image", action="download", name="ubuntu", state="success")
    draft.data, draft.data_base64 = Draft().data, "AAAA"
    assert nothing_known(draft)


def test_of_several_rows_for_a_kind_the_first_that_tells_counts() -> None:
    rows = (
        "kind,type,state,when,id,name,former,details\n"
        "container-station.container.start,container,odd,type=lxc,,,,\n"
        "container-station.container.start,container,even,,,,,\n"
    )
    teller = Teller(read_rules(rows))
    lines = stored([of_nas(container="a", state="start", type=type) for type in ("lxc", "docker")])
    assert [told.state for told in teller.told_by(lines)] == ["odd", "even"]
