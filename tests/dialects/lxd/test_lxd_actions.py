"""Every lifecycle action that LXD and Incus know is in the catalogue and reads as a sentence."""

import csv
import json
from pathlib import Path

import pytest

from tidings.dialects.lxd.codec import decode
from tidings.event import Draft
from tidings.kinds import describe

ACTIONS = [
    row["action"]
    for row in csv.DictReader(
        (Path(__file__).parents[2] / "data/lxd/lifecycle-actions.csv").read_text(encoding="utf-8").splitlines()
    )
]
FINGERPRINT = "2672058d49bc1a9fc2d7a148816cdee928033dc5fe593d88b237dd4a1a56d0f3"
OPERATION = "493fbef8-7ff5-440f-a4d9-0cdd72718ab0"
WARNING = "06fd3d5e-d8a4-4e58-885a-ec95df2436be"

# What the action is about (its longest beginning listed here), the URL of one such object, and how a person would call it.
OBJECTS = {
    "auth-group": ("/1.0/auth/groups/ops", "Auth group ops"),
    "certificate": (f"/1.0/certificates/{FINGERPRINT}", "Certificate 2672058d49bc"),
    "cluster": ("/1.0/cluster", "Cluster"),
    "cluster-group": ("/1.0/cluster/groups/gpu", "Cluster group gpu"),
    "cluster-link": ("/1.0/cluster/links/east", "Cluster link east"),
    "cluster-member": ("/1.0/cluster/members/node1", "Cluster member node1"),
    "cluster-token": (f"/1.0/operations/{OPERATION}", "Cluster token"),
    "config": ("/1.0", "Server configuration"),
    "identity": ("/1.0/auth/identities/oidc/jane", "Identity jane"),
    "identity-provider-group": ("/1.0/auth/identity-provider-groups/staff", "Identity provider group staff"),
    "image": (f"/1.0/images/{FINGERPRINT}", "Image 2672058d49bc"),
    "image-alias": ("/1.0/images/aliases/tiny", "Image alias tiny"),
    "instance": ("/1.0/instances/c1", "Instance c1"),
    "instance-backup": ("/1.0/instances/c1/backups/b0", "Instance c1 backup b0"),
    "instance-metadata": ("/1.0/instances/c1/metadata", "Instance c1 metadata"),
    "instance-snapshot": ("/1.0/instances/c1/snapshots/s1", "Instance c1 snapshot s1"),
    "network": ("/1.0/networks/br0", "Network br0"),
    "network-acl": ("/1.0/network-acls/web", "Network ACL web"),
    "network-address-set": ("/1.0/network-address-sets/office", "Network address set office"),
    "network-forward": ("/1.0/networks/br0/forwards/10.0.0.1", "Network br0 forward 10.0.0.1"),
    "network-integration": ("/1.0/network-integrations/ovn1", "Network integration ovn1"),
    "network-load-balancer": ("/1.0/networks/br0/load-balancers/10.0.0.9", "Network br0 load balancer 10.0.0.9"),
    "network-peer": ("/1.0/networks/br0/peers/p1", "Network br0 peer p1"),
    "network-zone": ("/1.0/network-zones/example.test", "Network zone example.test"),
    "network-zone-record": ("/1.0/network-zones/example.test/records/www", "Network zone example.test record www"),
    "operation": (f"/1.0/operations/{OPERATION}", f"Operation {OPERATION}"),
    "placement-group": ("/1.0/placement-groups/spread", "Placement group spread"),
    "profile": ("/1.0/profiles/gpu", "Profile gpu"),
    "project": ("/1.0/projects/web", "Project web"),
    "replicator": ("/1.0/replicators/nightly", "Replicator nightly"),
    "storage-bucket": ("/1.0/storage-pools/pool0/buckets/bk", "Storage bucket bk"),
    "storage-bucket-backup": ("/1.0/storage-pools/pool0/buckets/bk/backups/b0", "Storage bucket bk backup b0"),
    "storage-bucket-key": ("/1.0/storage-pools/pool0/buckets/bk/keys/k1", "Storage bucket bk key k1"),
    "storage-pool": ("/1.0/storage-pools/pool0", "Storage pool pool0"),
    "storage-volume": ("/1.0/storage-pools/pool0/volumes/custom/v1", "Storage volume v1"),
    "storage-volume-backup": ("/1.0/storage-pools/pool0/volumes/custom/v1/backups/b0", "Storage volume v1 backup b0"),
    "storage-volume-snapshot": (
        "/1.0/storage-pools/pool0/volumes/custom/v1/snapshots/s0",
        "Storage volume v1 snapshot s0",
    ),
    "warning": (f"/1.0/warnings/{WARNING}", f"Warning {WARNING}"),
}


def object_of(action: str) -> tuple[str, str]:
    """Return the URL of an object that *action* can be about, and what it is called."""
    return OBJECTS[max((noun for noun in OBJECTS if f"{action}-".startswith(f"{noun}-")), key=len)]


def done(action: str) -> Draft:
    """Return the draft of an event of *action*."""
    metadata = {"action": action, "source": object_of(action)[0]}
    members = {"type": "lifecycle", "timestamp": "2026-11-20T22:18:27Z", "metadata": metadata, "project": "default"}
    return decode(json.dumps(members).encode())


def test_there_are_162_actions() -> None:
    assert len(set(ACTIONS)) == 162


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_a_documented_kind_with_a_severity(action: str) -> None:
    draft, kind = done(action), describe(f"lxd.lifecycle.{action}")
    assert kind is not None
    assert (draft.type, draft.severity) == (kind.kind, kind.severity)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_reads_as_a_sentence_that_names_its_object(action: str) -> None:
    message, name = done(action).message, object_of(action)[1]
    assert message.startswith(name)
    assert len(message) > len(name)
    assert action not in message
    assert "-" not in message.replace(name, "").replace(object_of(action)[0], "")
