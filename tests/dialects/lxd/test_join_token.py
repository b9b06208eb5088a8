"""The text of a join token: what `lxc` reads, and garbage refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.auth import InvalidAccount
from tidings.dialects.lxd.join_token import NEVER, JoinTokenText, decode_join_token, encode_join_token

FINGERPRINT, SECRET = "ab" * 32, "cd" * 32
ADDRESSES = ["192.0.2.7:8443", "[2001:db8::7]:8443"]
# text without surrogates, which JSON in UTF-8 can't carry
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def members(**changes: Any) -> dict[str, Any]:
    return {"client_name": "web1", "fingerprint": FINGERPRINT, "addresses": ADDRESSES, "secret": SECRET} | changes


def test_a_token_is_the_base64_of_the_object_that_lxd_prints() -> None:
    text = encode_join_token("web1", FINGERPRINT, ADDRESSES, SECRET, 1_790_000_000_000_000_000)
    assert base64.b64decode(text).decode() == (
        f'{{"client_name":"web1","fingerprint":"{FINGERPRINT}","addresses":["192.0.2.7:8443","[2001:db8::7]:8443"],'
        f'"secret":"{SECRET}","expires_at":"2026-09-21T14:13:20Z"}}'
    )


def test_never_is_the_year_one() -> None:
    text = encode_join_token("web1", FINGERPRINT, ADDRESSES, SECRET, None)
    assert json.loads(base64.b64decode(text))["expires_at"] == "0001-01-01T00:00:00Z"


@given(name=_TEXT, fingerprint=_TEXT, addresses=st.lists(_TEXT, min_size=1, max_size=4), secret=_TEXT)
def test_what_was_encoded_is_decoded(name: str, fingerprint: str, addresses: list[str], secret: str) -> None:
    text = encode_join_token(name, fingerprint, addresses, secret, None)
    assert decode_join_token(text) == JoinTokenText(name, fingerprint, tuple(addresses), secret, NEVER)


def test_line_breaks_of_a_copied_token_do_not_matter() -> None:
    text = encode_join_token("web1", FINGERPRINT, ADDRESSES, SECRET, None)
    assert decode_join_token(f" {text[:70]}\r\n{text[70:]}\n").secret == SECRET


def test_members_of_other_versions_do_not_matter() -> None:
    assert decode_join_token(encoded(members(type="client"))).secret == SECRET


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password",
        "tdg_" + "A" * 43,
        "ü",
        "\udcff",
        "AAAA",
        "[[[[" * 100,
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 10_000).decode(),
        "A" * 10_000_000,
        encoded([]),
        encoded(None),
        encoded({}),
        encoded(members(secret="")),
        encoded(members(secret=None)),
        encoded(members(secret=7)),
        encoded(members(fingerprint="")),
        encoded(members(addresses=[])),
        encoded(members(addresses="192.0.2.7:8443")),
        encoded(members(client_name=["web1"])),
    ],
    ids=range(20),
)
def test_garbage_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(
        InvalidAccount, match=r"^this is no join token: the text that 'tidings trust token NAME'"
    ) as caught:
        decode_join_token(text)
    assert caught.value.field == "token"
    assert SECRET not in str(caught.value)
