"""Events of devlxd, the socket inside an instance: a configuration key or a device changed."""

import json

import pytest

from tidings.dialects.lxd.codec import decode
from tidings.event import Draft, payload_of

KEY = {"key": "user.x", "old_value": "1", "value": "2"}


def event(type: str, **metadata: object) -> Draft:
    """Return the draft of an event with *metadata*."""
    members = {"type": type, "timestamp": "2026-11-20T22:18:27Z", "metadata": metadata}
    return decode(json.dumps(members, separators=(",", ":")).encode(), "devlxd/c1")


def kept(draft: Draft) -> dict[str, object]:
    """Return the metadata as they are stored."""
    metadata: dict[str, object] = json.loads(payload_of(draft))["metadata"]
    return metadata


def test_a_changed_key_is_the_subject() -> None:
    draft = event("config", **KEY)
    assert (draft.type, draft.subject, draft.severity, draft.source) == ("lxd.config", "user.x", "normal", "devlxd/c1")


def test_a_device_is_the_subject_and_what_it_is_made_of_is_linked() -> None:
    draft = event("device", action="added", config={"network": "lxdbr0", "type": "nic"}, name="eth1")
    assert (draft.type, draft.subject, draft.severity, draft.links) == (
        "lxd.device", "eth1", "normal", "network=lxdbr0",
    )  # fmt: skip


def test_a_disks_pool_is_linked() -> None:
    draft = event("device", action="removed", config={"path": "/srv", "pool": "pool0", "type": "disk"}, name="data")
    assert draft.links == "storage_pool=pool0"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1", "2", "Configuration key user.x changed"),
        ("", "2", "Configuration key user.x set"),
        ("1", "", "Configuration key user.x removed"),
        (None, None, "Configuration key user.x changed"),
    ],
)
def test_the_message_says_what_became_of_a_key_and_never_its_values(old: object, new: object, message: str) -> None:
    assert event("config", key="user.x", old_value=old, value=new).message == message


@pytest.mark.parametrize("action", ["added", "removed", "updated"])
def test_the_message_says_what_became_of_a_device(action: str) -> None:
    assert event("device", action=action, config={}, name="eth1").message == f"Device eth1 {action}"


@pytest.mark.parametrize("type", ["config", "device"])
def test_without_its_name_an_event_is_about_nothing(type: str) -> None:
    assert event(type).subject == ""


@pytest.mark.parametrize("key", ["user.password", "user.db.token", "user.API_SECRET"])
def test_the_values_of_a_key_that_names_a_secret_are_redacted(key: str) -> None:
    assert kept(event("config", key=key, old_value="hunter2", value="hunter3")) == {
        "key": key,
        "old_value": "REDACTED",
        "value": "REDACTED",
    }


def test_they_are_redacted_in_any_order_and_an_empty_one_stays() -> None:
    metadata = kept(event("config", value="hunter3", old_value="", key="user.token"))
    assert metadata == {"value": "REDACTED", "old_value": "", "key": "user.token"}


def test_other_values_stay_also_when_they_speak_of_secrets() -> None:
    metadata = {"key": "user.x", "old_value": "the password", "value": "a token"}
    assert kept(event("config", **metadata)) == metadata


def test_a_value_elsewhere_is_not_the_settings() -> None:
    metadata = {"key": "user.password", "other": {"value": "a"}, "list": ["b"]}
    assert kept(event("config", **metadata)) == metadata
