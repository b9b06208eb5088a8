"""The one line for people that every LXD event gets."""

import json

import pytest

from tidings.dialects.lxd.codec import decode

FINGERPRINT = "5254da0c14ca8131be0e451cbfb7dc9497b5ab9d4cffc7354866771c806c8b08"


def message(type: str, metadata: object, project: str = "default") -> str:
    """Return the message of an event."""
    members = {"type": type, "timestamp": "2026-11-20T22:18:27Z", "metadata": metadata, "project": project}
    return decode(json.dumps(members).encode()).message


@pytest.mark.parametrize(
    ("action", "source", "context", "expected"),
    [
        ("instance-started", "/1.0/instances/c1", None, "Instance c1 started by root"),
        ("instance-exec", "/1.0/instances/c1", {"command": ["ls", "/"]}, "Instance c1: command executed by root: ls /"),
        ("instance-console", "/1.0/instances/c1", {"type": "vga"}, "Instance c1: console attached by root (type=vga)"),
        ("instance-shutdown", "/1.0/instances/c1", None, "Instance c1 shut down by root"),
        ("instance-ready", "/1.0/instances/c1", None, "Instance c1 became ready by root"),
        ("instance-foo-barred", "/1.0/instances/c1", None, "Instance c1 foo barred by root"),
        ("instance-renamed", "/1.0/instances/c3", {"old_name": "c2"}, "Instance c3 renamed from c2 by root"),
        ("instance-restored", "/1.0/instances/c1", {"snapshot": "c1/s2"}, "Instance c1 restored from snapshot c1/s2 by root"),
        ("instance-file-pushed", "/1.0/instances/c1", {"path": "/root/f"}, "Instance c1 file pushed by root: /root/f"),
        ("network-acl-created", "/1.0/network-acls/a", None, "Network ACL a created by root"),
        ("network-zone-record-created", "/1.0/network-zones/z/records/w", None, "Network zone z record w created by root"),
        ("storage-pool-created", "/1.0/storage-pools/p", None, "Storage pool p created by root"),
        ("storage-volume-created", "/1.0/storage-pools/p/volumes/custom/v", None, "Storage volume v created in pool p by root"),
        ("storage-bucket-created", "/1.0/storage-pools/p/buckets/b", None, "Storage bucket b created in pool p by root"),
        ("certificate-created", f"/1.0/certificates/{FINGERPRINT}", None, "Certificate 5254da0c14ca created by root"),
        ("cluster-member-evacuated", "/1.0/cluster/members/node1", None, "Cluster member node1 evacuated by root"),
        ("auth-group-created", "/1.0/auth/groups/ops", None, "Auth group ops created by root"),
        ("config-updated", "/1.0", None, "Server configuration updated by root"),
        ("cluster-enabled", "/1.0/cluster", None, "Cluster enabled by root (/1.0/cluster)"),
        ("never-heard-of", "/1.0/nevers/x", None, "Never heard of by root (/1.0/nevers/x)"),
        ("", "", None, "Lifecycle event by root"),
    ],
)  # fmt: skip
def test_a_lifecycle_event_reads_as_a_sentence(action: str, source: str, context: object, expected: str) -> None:
    requestor = {"username": "root", "protocol": "unix", "address": "@"}
    assert (
        message("lifecycle", {"action": action, "source": source, "context": context, "requestor": requestor})
        == expected
    )


def test_an_actor_from_elsewhere_is_named_with_the_way_in() -> None:
    requestor = {"username": FINGERPRINT, "protocol": "tls"}
    metadata = {"action": "profile-created", "source": "/1.0/profiles/gpu-nodes", "requestor": requestor}
    assert (
        message("lifecycle", metadata, "finance")
        == "Profile gpu-nodes created in project finance by 5254da0c14ca (tls)"
    )


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"description": "Freezing instance", "status": "Success"}, "Freezing instance c1: Success"),
        ({"description": "Executing command", "status": "Running", "metadata": {"command": ["ls", "/"]}},
         "Executing command for instance c1: Running (ls /)"),
        ({"description": "Executing command", "status": "Success", "metadata": {"return": 3}},
         "Executing command for instance c1: Success (exit status 3)"),
        ({"description": "Creating instance", "status": "Running", "metadata": {"x_progress": "Unpack: 7% (747.52MB/s)"}},
         "Creating instance c1: Running (Unpack: 7%)"),
        ({"description": "Creating instance", "status": "Success", "metadata": {"x_progress": "Unpack: 100% (1MB/s)"}},
         "Creating instance c1: Success"),
        ({"description": "Creating instance", "status": "Failure", "err": "Invalid CPU limit"},
         "Creating instance c1: Failure: Invalid CPU limit"),
        ({}, "Operation for instance c1: status unknown"),
    ],
)  # fmt: skip
def test_an_operation_says_what_on_what_and_how_far(metadata: dict[str, object], expected: str) -> None:
    resources = {"containers": ["/1.0/containers/c1"], "instances": ["/1.0/instances/c1"]}
    assert message("operation", metadata | {"resources": resources}) == expected


def test_an_operation_on_nothing_is_its_description() -> None:
    assert (
        message("operation", {"description": "Pruning", "status": "Running", "resources": None}) == "Pruning: Running"
    )


def test_a_log_line_shows_its_first_line_and_small_context() -> None:
    context = {"err": "no such file", "empty": "", "big": "x" * 200, "fingerprint": FINGERPRINT}
    assert message("logging", {"message": "\nWriteJSON\n\t{}", "context": context}) == (
        'WriteJSON (err="no such file" fingerprint=5254da0c14ca)'
    )


def test_a_long_log_line_is_cut() -> None:
    assert len(message("logging", {"message": "word " * 1000, "context": {"n": "1"}})) < 520


def test_an_empty_log_line_says_so() -> None:
    assert message("logging", {"message": " \n", "context": {}}) == "Log entry without a message"


@pytest.mark.parametrize(
    ("type", "metadata", "expected"),
    [
        ("security", {"name": "sys_startup", "description": "LXD started"}, "sys_startup: LXD started"),
        ("security", {}, "security event"),
        ("ovn", {"message": "lost connection", "level": "warning"}, "lost connection"),
        ("config", {"key": "user.password", "old_value": "a", "value": "b"}, "Configuration key user.password changed"),
        ("device", {"action": "added", "name": "eth0"}, "Device eth0 added"),
        ("device", {}, "Device (unnamed) changed"),
        ("new", {"description": "a thing happened"}, "new: a thing happened"),
        ("new", {"on": True, "count": 2, "deep": {}}, "new event (on=true count=2)"),
    ],
)
def test_other_types_have_their_sentences(type: str, metadata: object, expected: str) -> None:
    assert message(type, metadata) == expected
