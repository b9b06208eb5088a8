"""The catalogue: complete, well formed, spelled as the systems spell it, and easy to search."""

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from importlib.resources import files

import pytest

from tidings.kinds import Kind, catalogue, describe, find

SYSTEMS = ["lxd", "ovirt", "container-station", "oci", "tidings"]
SEVERITIES = {"debug", "normal", "warning", "error", "alert", ""}
COLUMNS = ["kind", "system", "title", "description", "severity", "fields", "code"]

# The actions in the tables of LXD's events page (the newer of the two editions
# that we follow; it has all those of the older one).
LXD_DOCUMENTED_ACTIONS = {
    "certificate": "created deleted updated",
    "cluster-certificate": "updated",
    "cluster": "disabled enabled",
    "cluster-group": "created deleted renamed updated",
    "cluster-member": "added removed renamed updated",
    "cluster-token": "created",
    "config": "updated",
    "image-alias": "created deleted renamed updated",
    "image": "created deleted refreshed retrieved updated",
    "image-secret": "created",
    "instance-backup": "created deleted renamed retrieved",
    "instance": (
        "console console-reset console-retrieved created deleted exec paused ready "
        "renamed restarted restored resumed shutdown started stopped updated"
    ),
    "instance-file": "deleted pushed retrieved",
    "instance-log": "deleted retrieved",
    "instance-metadata": "retrieved updated",
    "instance-metadata-template": "created deleted retrieved",
    "instance-snapshot": "created deleted renamed updated",
    "network-acl": "created deleted renamed updated",
    "network": "created deleted renamed updated",
    "network-forward": "created deleted updated",
    "network-peer": "created deleted updated",
    "network-zone": "created deleted updated",
    "network-zone-record": "created deleted updated",
    "operation": "cancelled",
    "profile": "created deleted renamed updated",
    "project": "created deleted renamed updated",
    "storage-pool": "created deleted updated",
    "storage-volume-backup": "created deleted renamed retrieved",
    "storage-volume": "created deleted renamed restored updated",
    "storage-volume-snapshot": "created deleted renamed updated",
    "warning": "acknowledged deleted reset",
}

# The other kinds of message that LXD and Incus servers send.
LXD_OTHER = {
    "lxd.operation",
    "lxd.logging",
    "lxd.ovn",
    "lxd.unreadable",
    "lxd.security",
    "lxd.network-acl",
    "lxd.config",
    "lxd.device",
}

# Category and JSON of the messages in the samples of Container Station's page
# "Log and Event", one of each sort, without names and numbers.
CONTAINER_STATION_SAMPLES = [
    ("import", '{"state": "completed", "result": 0}'),
    ("import", '{"state": "running"}'),
    ("export", '{"state": "completed", "result": 0}'),
    ("export", '{"state": "running"}'),
    ("image", '{"action": "update", "from": "local"}'),
    ("image", '{"action": "update", "state": "pull", "from": "local"}'),
    ("image", '{"action": "download", "state": "success", "from": "dockerhub"}'),
    ("image", '{"action": "delete", "state": "error"}'),
    ("container", '{"state": "create"}'),
    ("container", '{"state": "start"}'),
    ("container", '{"state": "stop"}'),
    ("container", '{"state": "destroy"}'),
    ("container", '{"port": "add"}'),
]

# Number, name and severity of the events in the samples of oVirt's page "Events".
OVIRT_SAMPLES = [
    (30, "USER_VDC_LOGIN", "normal"),
    (31, "USER_VDC_LOGOUT", "normal"),
    (10780, "AFFINITY_RULES_ENFORCEMENT_MANAGER_START", "normal"),
]

OCI_TYPES = [
    "com.oraclecloud.DatabaseService.CreateDatabaseSoftwareImage.begin",
    "com.oraclecloud.DatabaseService.CreateDatabaseSoftwareImage.end",
    "com.oraclecloud.DatabaseService.DeleteDatabaseSoftwareImage.begin",
    "com.oraclecloud.DatabaseService.DeleteDatabaseSoftwareImage.end",
    "com.oraclecloud.DatabaseService.ListDatabaseSoftwareImages",
    "com.oraclecloud.DatabaseService.GetDatabaseSoftwareImage",
    "com.oraclecloud.DatabaseService.MoveDatabaseSoftwareImage.begin",
    "com.oraclecloud.DatabaseService.MoveDatabaseSoftwareImage.end",
    "com.oraclecloud.DatabaseService.UpdateDatabaseSoftwareImage",
]

TIDINGS_FIELDS = {
    "tidings.trimmed": ("before", "count", "reason"),
    "tidings.segment-quarantined": ("segment", "first", "last", "reason"),
    "tidings.collector-gap": ("collector", "source", "from", "to", "seconds", "reason"),
    "tidings.token-created": ("name", "role", "scope"),
    "tidings.token-revoked": ("name",),
    "tidings.user-added": ("name", "role"),
    "tidings.user-removed": ("name",),
    "tidings.password-changed": ("name",),
    "tidings.config-updated": (),
    "tidings.certificate-created": ("fingerprint", "name", "role", "scope", "requestor"),
    "tidings.certificate-updated": ("fingerprint", "name", "role", "scope", "requestor"),
    "tidings.certificate-deleted": ("fingerprint", "name", "role", "scope", "requestor"),
    "tidings.certificate-token-created": ("id", "name", "role", "scope", "requestor"),
    "tidings.certificate-token-revoked": ("id", "name", "role", "scope", "requestor"),
    "tidings.job": (
        "id",
        "class",
        "description",
        "created",
        "updated",
        "status",
        "resources",
        "progress",
        "may_cancel",
        "error",
    ),
    "tidings.warning-raised": ("id", "type", "entity", "status", "message"),
    "tidings.warning-resolved": ("id", "type", "entity", "status"),
    "tidings.warning-acknowledged": ("id", "type", "entity", "status", "requestor"),
    "tidings.warning-reset": ("id", "type", "entity", "status", "requestor"),
    "tidings.warning-deleted": ("id", "type", "entity", "status", "requestor"),
    "tidings.event-removed": ("index", "requestor"),
    "tidings.events-restored": ("indexes",),
}


def of_system(system: str) -> list[Kind]:
    return [kind for kind in catalogue().values() if kind.system == system]


def known(name: str) -> Kind:
    kind = describe(name)
    assert kind is not None, name
    return kind


def raw_rows(system: str) -> list[dict[str, str]]:
    text = (files("tidings.kinds") / "data" / f"{system}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def names(kinds: list[Kind]) -> list[str]:
    return [kind.kind for kind in kinds]


def test_each_system_has_its_documented_number_of_kinds() -> None:
    counts = Counter(kind.system for kind in catalogue().values())
    assert counts == {
        "lxd": 162 + len(LXD_OTHER),
        "ovirt": 1363,
        "container-station": 30,
        "oci": 9,
        "tidings": 22,
    }


def test_no_kind_is_listed_twice() -> None:
    listed = [row["kind"] for system in SYSTEMS for row in raw_rows(system)]
    assert len(listed) == len({name.casefold() for name in listed}) == len(catalogue())


def test_kinds_come_in_the_order_of_the_files() -> None:
    listed = [row["kind"] for system in SYSTEMS for row in raw_rows(system)]
    assert listed == list(catalogue())


@pytest.mark.parametrize("system", SYSTEMS)
def test_data_files_are_plain_utf8_with_the_agreed_columns(system: str) -> None:
    data = (files("tidings.kinds") / "data" / f"{system}.csv").read_bytes()
    assert b"\r" not in data
    assert data.endswith(b"\n")
    assert data.decode("utf-8").splitlines()[0].split(",")[: len(COLUMNS)] == COLUMNS
    for row in raw_rows(system):
        assert None not in row
        assert None not in row.values()
        assert row["system"] == system


def test_every_kind_is_a_name_without_blanks_under_its_system() -> None:
    prefixes = {system: f"{system}." for system in SYSTEMS} | {"oci": "com.oraclecloud."}
    for name, kind in catalogue().items():
        assert name == kind.kind
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        assert name.startswith(prefixes[kind.system])


def test_every_kind_has_a_short_title_and_a_sentence() -> None:
    for kind in catalogue().values():
        assert kind.title == kind.title.strip() != ""
        assert len(kind.title) <= 100
        assert "\n" not in kind.title + kind.description
        assert re.fullmatch(r"\S.*[^.\s]\.", kind.description), kind.kind


def test_severities_are_ours_or_left_open() -> None:
    assert {kind.severity for kind in catalogue().values()} <= SEVERITIES


def test_fields_are_separate_names() -> None:
    for kind in catalogue().values():
        assert all(re.fullmatch(r"[A-Za-z_.-]+", field) for field in kind.fields), kind.kind
        assert len(kind.fields) == len(set(kind.fields))


def test_only_ovirt_numbers_its_kinds_and_each_number_once() -> None:
    codes = [kind.code for kind in of_system("ovirt")]
    assert None not in codes
    assert len(codes) == len(set(codes))
    assert {kind.code for kind in catalogue().values() if kind.system != "ovirt"} == {None}


def test_lxd_has_162_lifecycle_actions_and_the_other_kinds() -> None:
    listed = set(names(of_system("lxd")))
    lifecycle = {name for name in listed if name.startswith("lxd.lifecycle.")}
    assert len(lifecycle) == 162
    assert listed - lifecycle == LXD_OTHER


def test_every_documented_lxd_action_is_there() -> None:
    actions = [
        f"{object_}-{action}" for object_, actions in LXD_DOCUMENTED_ACTIONS.items() for action in actions.split()
    ]
    assert len(actions) == 108
    for action in actions:
        known(f"lxd.lifecycle.{action}")


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("instance-created", {"storage-pool", "type"}),
        ("instance-file-pushed", {"path", "file-source", "file-destination", "info"}),
        ("instance-file-retrieved", {"path", "file-source", "file-destination"}),
        ("instance-file-deleted", {"path", "file"}),
        ("instance-exec", {"command"}),
        ("instance-renamed", {"old_name"}),
        ("image-alias-created", {"target"}),
        ("storage-volume-restored", {"snapshot"}),
    ],
)
def test_lxd_fields_hold_the_documented_and_the_real_keys(action: str, fields: set[str]) -> None:
    assert fields <= set(known(f"lxd.lifecycle.{action}").fields)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("replicator-run", "only newer LXD emits this, Incus does not"),
        ("instance-agent-started", "only Incus emits this"),
        ("storage-bucket-created", "only newer LXD and Incus emit this"),
        ("instance-ready", "not emitted by the oldest LXD versions"),
    ],
)
def test_lxd_descriptions_say_which_servers_lack_an_action(action: str, words: str) -> None:
    assert words in known(f"lxd.lifecycle.{action}").description


def test_lxd_descriptions_name_no_server_when_all_emit_an_action() -> None:
    assert "emit" not in known("lxd.lifecycle.instance-started").description


@pytest.mark.parametrize(("code", "name", "severity"), OVIRT_SAMPLES)
def test_every_ovirt_code_of_the_samples_is_there(code: int, name: str, severity: str) -> None:
    kind = known(f"ovirt.{name}")
    assert (kind.code, kind.severity) == (code, severity)


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("EXTERNAL_EVENT_NORMAL", "normal"),
        ("EXTERNAL_EVENT_WARNING", "warning"),
        ("EXTERNAL_EVENT_ERROR", "error"),
        ("EXTERNAL_ALERT", "alert"),
    ],
)
def test_ovirt_external_events_list_what_a_caller_may_set(name: str, severity: str) -> None:
    kind = known(f"ovirt.{name}")
    assert kind.severity == severity
    assert {"origin", "custom_id", "vm", "data_center"} <= set(kind.fields)


def test_ovirt_flood_rates_are_kept_and_told() -> None:
    limited = [row for row in raw_rows("ovirt") if int(row["flood_rate_s"])]
    assert len(limited) == 120
    assert all("drops repeats" in row["description"] for row in limited)


@pytest.mark.parametrize(("category", "message"), CONTAINER_STATION_SAMPLES)
def test_every_container_station_sample_has_its_kind(category: str, message: str) -> None:
    body: dict[str, object] = json.loads(message)
    what = body.get("action") or body.get("state") or f"port-{body['port']}"
    kind = known(f"container-station.{category}.{what}")
    assert set(body) <= set(kind.fields)


@pytest.mark.parametrize("category", ["container", "image", "import", "export", "backup", "system"])
def test_every_container_station_log_category_has_its_kind(category: str) -> None:
    assert known(f"container-station.{category}.log").severity == ""


def test_oci_types_are_spelled_exactly() -> None:
    assert names(of_system("oci")) == OCI_TYPES


def test_oci_kinds_are_found_in_any_case_and_keep_their_spelling() -> None:
    for name in OCI_TYPES:
        assert known(name.lower()).kind == known(name.upper()).kind == name


def test_kinds_of_other_systems_are_found_only_as_spelled() -> None:
    assert describe("OVIRT.user_run_vm") is None
    assert describe("LXD.OPERATION") is None


def test_unknown_kinds_are_not_described() -> None:
    assert describe("") is None
    assert describe("com.oraclecloud.objectstorage.createbucket") is None


def test_our_own_kinds_have_the_agreed_fields() -> None:
    assert {kind.kind: kind.fields for kind in of_system("tidings")} == TIDINGS_FIELDS


@pytest.mark.parametrize("text", ["", "  \t"])
def test_find_without_a_word_returns_all(text: str) -> None:
    assert find(text) == list(catalogue().values())


def test_find_ignores_case() -> None:
    assert find("USER_run_Vm") == find("user_RUN_vm") != []


def test_find_wants_every_word_in_any_order_and_column() -> None:
    assert names(find("31 logout")) == ["ovirt.USER_VDC_LOGOUT"]
    assert find("snapshot lxd restored") == find("restored snapshot lxd") != []
    assert find("snapshot nosuchword") == []


def test_find_looks_in_kind_title_description_and_code() -> None:
    assert "lxd.lifecycle.instance-exec" in names(find("instance-exec"))
    assert "lxd.lifecycle.instance-exec" in names(find("command run"))
    assert "lxd.lifecycle.instance-exec" in names(find("somebody inside"))
    assert "ovirt.AFFINITY_RULES_ENFORCEMENT_MANAGER_START" in names(find("10780"))


def test_find_does_not_look_in_other_columns() -> None:
    assert find("eventGroupingId leads back") != []
    assert find("availabilityDomain") == []


def test_find_does_not_match_across_columns() -> None:
    kind = known("tidings.trimmed")
    assert find(kind.kind + kind.title) == []


def test_find_keeps_the_order_of_the_catalogue() -> None:
    order = list(catalogue())
    found = names(find("volume"))
    assert found == sorted(found, key=order.index)


def test_find_returns_a_list_of_the_callers_own() -> None:
    find("").clear()
    assert len(find("")) == len(catalogue())


def test_the_catalogue_is_read_once_and_read_only() -> None:
    assert catalogue() is catalogue()
    assert not hasattr(catalogue(), "__setitem__")


def test_the_files_are_read_at_the_first_call_and_not_on_import() -> None:
    script = """
import sys
opened = []
sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name == "open" else None)
import tidings.kinds
before = sum(path.endswith(".csv") for path in opened)
tidings.kinds.catalogue()
tidings.kinds.find("vm")
print(before, sum(path.endswith(".csv") for path in opened))
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["0", str(len(SYSTEMS))]
