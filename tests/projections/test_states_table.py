"""The table of what tells which state."""

from __future__ import annotations

import re

import pytest

from tests.projections.drafts import of_lxd, of_nas, of_oracle, of_ovirt, stored
from tidings.event import Draft, decode_line
from tidings.kinds import catalogue
from tidings.projections.rules import read_rules, states
from tidings.projections.telling import Teller
from tidings.query.predicate import matches

HEAD = "kind,type,state,when,id,name,former,details\n"


def test_every_kind_in_it_is_a_documented_one() -> None:
    assert set(states().kinds()) <= catalogue().keys()


def test_every_state_is_one_small_word() -> None:
    rules = [rule for kind in states().kinds() for rule in states().of(kind)]
    assert {rule.state for rule in rules if not re.fullmatch("[a-z_]+", rule.state)} == {""}
    assert all(rule.former for rule in rules if not rule.state)


def test_kinds_of_snapshots_and_backups_tell_nothing_of_their_instance() -> None:
    assert states().of("lxd.lifecycle.instance-snapshot-created") == ()
    assert states().of("lxd.lifecycle.instance-backup-deleted") == ()


def test_a_kind_is_matched_in_its_own_letter_case_but_a_pattern_in_any() -> None:
    assert states().of("ovirt.vm_down") == ()
    assert len(states().of("com.oraclecloud.ComputeApi.TerminateInstance.end")) == len(
        states().of("com.oraclecloud.computeapi.terminateinstance.end")
    )


def test_another_table_has_another_version() -> None:
    one, other = read_rules(HEAD + "a.b,x,on,,,,,\n"), read_rules(HEAD + "a.b,x,off,,,,,\n")
    assert one.version == read_rules(HEAD + "a.b,x,on,,,,,\n").version != other.version


@pytest.mark.parametrize(
    "draft",
    [
        of_lxd("instance-started"),
        of_lxd("instance-exec"),
        of_ovirt("VM_DOWN", vm="web1=aae9"),
        of_ovirt("USER_VDC_LOGIN"),
        of_nas(container="utest", state="start", type="lxc"),
        of_nas("image", action="update", type="lxc"),
        of_oracle("ComputeApi.LaunchInstance.begin"),
        of_oracle("ComputeApi.GetInstance"),
    ],
    ids=lambda draft: draft.type,
)
def test_the_condition_holds_for_all_events_that_tell_a_state(draft: Draft) -> None:
    line = stored([draft]).rstrip()
    told = Teller(states()).read(line)
    assert told is None or matches(states().condition(), decode_line(line))
    assert told is not None or draft.type in (
        "lxd.lifecycle.instance-exec",
        "ovirt.USER_VDC_LOGIN",
        "container-station.image.update",
        "com.oraclecloud.ComputeApi.GetInstance",
    )
