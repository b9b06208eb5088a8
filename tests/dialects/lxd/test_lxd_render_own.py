"""Our own events as LXD says them: jobs as operations, changes of trust, settings and warnings as its lifecycle actions."""

import json
from typing import Any

import pytest

from tests.dialects.lxd.stored import of_ours
from tidings.dialects.lxd.codec import decode, encode
from tidings.dialects.lxd.operation import job_operation

FINGERPRINT = "5254da0c14ca8131be0e451cbfb7dc9497b5ab9d4cffc7354866771c806c8b08"
WARNING = "06fd3d5e-d8a4-4e58-885a-ec95df2436be"
REQUESTOR = {"username": "root", "protocol": "unix", "address": "@"}
JOB: dict[str, Any] = {
    "id": "493fbef8-7ff5-440f-a4d9-0cdd72718ab0",
    "class": "task",
    "description": "Exporting events",
    "created": "2026-11-20T22:18:27Z",
    "updated": "2026-11-20T22:18:28.5Z",
    "status": "Running",
    "resources": None,
    "progress": {"events": 120000},
    "may_cancel": True,
    "error": "",
}


def operation(**fields: object) -> dict[str, Any]:
    """Return the operation of a job with *fields*."""
    return job_operation(json.dumps(JOB | fields).encode())


def test_a_job_is_an_operation_with_twelve_members_in_lxds_order() -> None:
    assert encode(of_ours("job", JOB, correlation=JOB["id"], actor="admin")).decode() == (
        '{"type":"operation","timestamp":"2026-11-20T22:18:27.5Z","metadata":{'
        '"id":"493fbef8-7ff5-440f-a4d9-0cdd72718ab0","class":"task","description":"Exporting events",'
        '"created_at":"2026-11-20T22:18:27Z","updated_at":"2026-11-20T22:18:28.5Z","status":"Running","status_code":103,'
        '"resources":null,"metadata":{"events":120000},"may_cancel":true,"err":"","location":"none"}}'
    )


@pytest.mark.parametrize(
    ("status", "code"), [("Pending", 105), ("Running", 103), ("Success", 200), ("Failure", 400), ("Cancelled", 401)]
)
def test_each_status_has_lxds_code(status: str, code: int) -> None:
    shown = operation(status=status)
    assert (shown["status"], shown["status_code"]) == (status, code)


def test_a_job_without_progress_or_resources_has_null_for_them() -> None:
    shown = operation(progress=None, resources={})
    assert (shown["metadata"], shown["resources"]) == (None, None)


def test_the_resources_and_the_error_of_a_job_are_told() -> None:
    shown = operation(resources={"images": ["/1.0/images/a"]}, error="disk full", status="Failure", may_cancel=False)
    assert (shown["resources"], shown["err"], shown["may_cancel"]) == (
        {"images": ["/1.0/images/a"]},
        "disk full",
        False,
    )


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"id":1,"status":[],"progress":"x","may_cancel":1}'])
def test_a_payload_that_is_no_job_still_makes_an_operation_that_clients_can_read(payload: bytes) -> None:
    shown = job_operation(payload)
    assert list(shown) == list(operation())
    assert (shown["created_at"], shown["status_code"], shown["metadata"]) == ("0001-01-01T00:00:00Z", 0, None)
    assert (shown["class"], shown["may_cancel"]) == ("task", False)


def test_an_operation_event_can_be_decoded_as_one_of_lxds() -> None:
    draft = decode(encode(of_ours("job", JOB | {"status": "Failure", "error": "disk full"})))
    assert (draft.type, draft.severity, draft.correlation) == ("lxd.operation", "error", JOB["id"])
    assert draft.message == "Exporting events: Failure: disk full"


def test_the_place_and_the_project_of_a_job_are_told_when_it_has_them() -> None:
    frame = json.loads(encode(of_ours("job", JOB, location="node1", scope="web")))
    assert list(frame) == ["type", "timestamp", "metadata", "location", "project"]


@pytest.mark.parametrize(
    ("kind", "subject", "source"),
    [
        ("certificate-created", f"certificate {FINGERPRINT}", f"/1.0/certificates/{FINGERPRINT}"),
        ("certificate-updated", f"certificate {FINGERPRINT}", f"/1.0/certificates/{FINGERPRINT}"),
        ("certificate-deleted", f"certificate {FINGERPRINT}", f"/1.0/certificates/{FINGERPRINT}"),
        ("config-updated", "config", "/1.0"),
        ("warning-acknowledged", f"warning {WARNING}", f"/1.0/warnings/{WARNING}"),
        ("warning-reset", f"warning {WARNING}", f"/1.0/warnings/{WARNING}"),
        ("warning-deleted", f"warning {WARNING}", f"/1.0/warnings/{WARNING}"),
    ],
)
def test_what_lxd_has_an_action_for_is_that_action(kind: str, subject: str, source: str) -> None:
    event = of_ours(kind, {"name": "laptop", "scope": ["web"], "requestor": REQUESTOR}, subject=subject, actor="root")
    assert encode(event).decode() == (
        f'{{"type":"lifecycle","timestamp":"2026-11-20T22:18:27.5Z","metadata":{{"action":"{kind}","source":"{source}",'
        '"context":{"name":"laptop","scope":["web"]},"requestor":{"username":"root","protocol":"unix","address":"@"}}}'
    )


def test_without_other_members_and_an_actor_an_action_has_neither_context_nor_requestor() -> None:
    payloads: tuple[object, ...] = ({}, None, {"requestor": None}, {"requestor": {}})
    for payload in payloads:
        frame = json.loads(encode(of_ours("config-updated", payload, subject="config")))
        assert frame["metadata"] == {"action": "config-updated", "source": "/1.0"}


def test_where_the_payload_names_no_requestor_it_is_who_did_it() -> None:
    frame = json.loads(encode(of_ours("certificate-created", {}, subject="certificate 00", actor="root")))
    assert frame["metadata"]["requestor"] == {"username": "root", "protocol": "tidings", "address": ""}


def test_a_requestor_without_a_name_keeps_its_address() -> None:
    event = of_ours("config-updated", {"requestor": {"address": "10.0.0.1:4"}}, subject="config")
    requestor = json.loads(encode(event))["metadata"]["requestor"]
    assert requestor == {"username": "", "protocol": "", "address": "10.0.0.1:4"}


@pytest.mark.parametrize("kind", ["warning-raised", "certificate-token-created", "user-added", "trimmed"])
def test_what_lxd_has_no_action_for_keeps_our_name(kind: str) -> None:
    metadata = json.loads(encode(of_ours(kind, {"name": "a"}, subject="thing a", actor="root")))["metadata"]
    assert (metadata["action"], metadata["source"]) == (f"tidings.{kind}", "thing a")
    assert metadata["requestor"] == {"username": "root", "protocol": "tidings", "address": ""}


def test_only_our_own_events_are_said_so() -> None:
    for kind in ("job", "config-updated"):
        metadata = json.loads(encode(of_ours(kind, JOB, dialect="cloudevents", subject="config")))["metadata"]
        assert metadata["action"] == f"tidings.{kind}"
