"""Trusted client certificates and join tokens: kept by fingerprint, read from memory, joined once."""

import datetime as dt
import hashlib
import re
import threading
from pathlib import Path

import pytest

from tests.server.client_certificates import Made, make_certificate
from tidings.auth import Certificates, InvalidAccount, Principal, Role, fingerprint_of
from tidings.clock import ManualClock
from tidings.errors import Forbidden, NotFound, StorageError
from tidings.store import Store

HOUR_S = 3_600.0
NO_TOKEN = r"^No matching certificate add operation found$"


@pytest.fixture
def certificates(store: Store, clock: ManualClock) -> Certificates:
    return Certificates(store, clock)


@pytest.fixture(scope="module")
def web1() -> Made:
    return make_certificate("web1")


@pytest.fixture(scope="module")
def web2() -> Made:
    return make_certificate("web2")


def in_an_hour(clock: ManualClock) -> dt.datetime:
    return dt.datetime.fromtimestamp(clock.now_ns() // 1_000_000_000, dt.UTC) + dt.timedelta(hours=1)


def test_a_fingerprint_is_the_sha_256_of_the_der(web1: Made) -> None:
    assert fingerprint_of(web1.der) == hashlib.sha256(web1.der).hexdigest() == web1.fingerprint


def test_an_added_certificate_opens_with_its_role_and_scopes(certificates: Certificates, web1: Made) -> None:
    certificates.add("web1", web1.pem, Role.WRITER, ["default", "qa"])
    expected = Principal(web1.fingerprint, Role.WRITER, ("default", "qa"), "tls")
    assert certificates.principal(web1.fingerprint) == expected


@pytest.mark.parametrize("form", ["pem", "der"])
def test_pem_and_der_are_the_same_certificate(
    certificates: Certificates, clock: ManualClock, web1: Made, form: str
) -> None:
    added = certificates.add("web1", getattr(web1, form), Role.READER)
    assert (added.fingerprint, added.pem.encode(), added.added_ns) == (web1.fingerprint, web1.pem, clock.now_ns())


def test_only_the_first_of_several_certificates_is_trusted(certificates: Certificates, web1: Made, web2: Made) -> None:
    certificates.add("web1", web1.pem + web2.pem, Role.READER)
    assert certificates.principal(web2.fingerprint) is None


def test_an_unknown_certificate_opens_nothing(certificates: Certificates, web1: Made, web2: Made) -> None:
    certificates.add("web1", web1.pem, Role.READER)
    assert certificates.principal(web2.fingerprint) is None


def test_a_certificate_opens_until_its_own_validity_ends(certificates: Certificates, clock: ManualClock) -> None:
    short = make_certificate(ends=in_an_hour(clock))
    certificates.add("web1", short.pem, Role.READER)
    clock.advance(HOUR_S - 0.001)
    assert certificates.principal(short.fingerprint) is not None
    clock.advance(0.001)
    assert certificates.principal(short.fingerprint) is None
    assert [one.name for one in certificates.list()] == ["web1"]


def test_an_expired_certificate_is_refused(certificates: Certificates, clock: ManualClock) -> None:
    short = make_certificate(ends=in_an_hour(clock))
    clock.advance(HOUR_S)
    with pytest.raises(InvalidAccount, match=r"validity ended on 20.*; make a new one") as caught:
        certificates.add("web1", short.pem, Role.READER)
    assert caught.value.field == "certificate"


def test_a_certificate_without_end_is_kept_like_any_other(
    certificates: Certificates, store: Store, clock: ManualClock
) -> None:
    endless = make_certificate()
    added = certificates.add("web1", endless.der, Role.READER)
    assert list(Certificates(store, clock).list()) == [added]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\x30\x82" * 100,
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        make_certificate().key,
        make_certificate().der[:-1],
        make_certificate().der + b"\0",
        b"x" * 100_000,
    ],
    ids=["nothing", "garbage", "DER's beginning", "empty PEM", "a key", "cut off", "too long", "far too long"],
)
def test_what_is_no_certificate_is_refused_and_not_quoted(certificates: Certificates, content: bytes) -> None:
    with pytest.raises(InvalidAccount, match=r"this is no certificate|at most 65536 bytes") as caught:
        certificates.add("web1", content, Role.READER)
    assert caught.value.field == "certificate"
    assert "BEGIN" not in str(caught.value)
    assert list(certificates.list()) == []


def test_a_certificate_is_trusted_once(certificates: Certificates, web1: Made) -> None:
    certificates.add("web1", web1.pem, Role.READER)
    with pytest.raises(InvalidAccount, match=f"{web1.fingerprint} is trusted already, as 'web1'; remove it first"):
        certificates.add("other", web1.der, Role.ADMIN)
    assert certificates.get(web1.fingerprint).role is Role.READER


def test_two_certificates_may_have_one_name(certificates: Certificates, web1: Made, web2: Made) -> None:
    certificates.add("web", web1.pem, Role.READER)
    certificates.add("web", web2.pem, Role.READER)
    assert len(certificates.list()) == 2


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "x" * 65])
def test_a_bad_name_is_refused_with_the_rule(certificates: Certificates, web1: Made, name: str) -> None:
    with pytest.raises(InvalidAccount, match="can't be a certificate name: use 1 to 64 letters"):
        certificates.add(name, web1.pem, Role.READER)


@pytest.mark.parametrize("scopes", [[""], ["a\nb"], ["x" * 256], [f"s{n}" for n in range(101)]])
def test_bad_scopes_are_refused(certificates: Certificates, web1: Made, scopes: list[str]) -> None:
    with pytest.raises(InvalidAccount) as caught:
        certificates.add("web1", web1.pem, Role.READER, scopes)
    assert caught.value.field == "scopes"


def test_an_admin_certificate_with_scopes_is_refused(certificates: Certificates, web1: Made) -> None:
    with pytest.raises(InvalidAccount, match="an admin certificate can't be limited to scopes"):
        certificates.add("web1", web1.pem, Role.ADMIN, ["default"])


def test_certificates_and_tokens_survive_a_restart(
    certificates: Certificates, store: Store, clock: ManualClock, web1: Made, web2: Made
) -> None:
    added = certificates.add("web1", web1.pem, Role.WRITER, ["default"])
    token, secret = certificates.create_join_token("web2", Role.READER, ["qa"], HOUR_S)
    reopened = Certificates(store, clock)
    assert list(reopened.list()) == [added]
    assert reopened.principal(web1.fingerprint) == certificates.principal(web1.fingerprint)
    assert list(reopened.join_tokens()) == [token]
    assert reopened.join(secret, web2.der).scopes == ("qa",)


def test_looking_up_needs_no_disk(certificates: Certificates, store: Store, web1: Made) -> None:
    certificates.add("web1", web1.pem, Role.READER)
    certificates.create_join_token("web2", Role.READER)
    store.close()
    assert certificates.principal(web1.fingerprint) is not None
    assert certificates.get(web1.fingerprint) == certificates.list()[0]
    assert len(certificates.join_tokens()) == 1


def test_twelve_digits_of_a_fingerprint_are_enough(certificates: Certificates, web1: Made, web2: Made) -> None:
    added = certificates.add("web1", web1.pem, Role.READER)
    certificates.add("web2", web2.pem, Role.READER)
    assert certificates.get(web1.fingerprint[:12]) == added
    assert certificates.get(web1.fingerprint.upper()) == added


@pytest.mark.parametrize("length", [0, 1, 11])
def test_fewer_digits_are_not(certificates: Certificates, web1: Made, length: int) -> None:
    certificates.add("web1", web1.pem, Role.READER)
    with pytest.raises(NotFound, match="at least its first 12 digits"):
        certificates.get(web1.fingerprint[:length])


def test_a_beginning_that_two_share_is_refused(certificates: Certificates, store: Store, clock: ManualClock) -> None:
    for end in ("a", "b"):
        store.execute(
            "INSERT INTO certificates VALUES (?, 'web', 'reader', '[]', '', 1, 9000000000000000000)", ("0" * 63 + end,)
        )
    with pytest.raises(NotFound, match=r"2 fingerprints begin with '0+'; give more digits"):
        Certificates(store, clock).get("0" * 63)


@pytest.mark.parametrize("fingerprint", ["", "f" * 64, "\udcff" * 12, "%" * 12, "_" * 12])
def test_what_is_not_trusted_is_not_found(certificates: Certificates, web1: Made, fingerprint: str) -> None:
    certificates.add("web1", web1.pem, Role.READER)
    for ask in (certificates.get, certificates.remove):
        with pytest.raises(NotFound):
            ask(fingerprint)
    with pytest.raises(NotFound):
        certificates.update(fingerprint, name="web1", role=Role.ADMIN, scopes=())


def test_certificates_are_listed_by_name(certificates: Certificates, web1: Made, web2: Made) -> None:
    certificates.add("b", web1.pem, Role.READER)
    certificates.add("a", web2.pem, Role.READER)
    assert [one.name for one in certificates.list()] == ["a", "b"]


def test_a_change_counts_at_once_and_after_a_restart(
    certificates: Certificates, store: Store, clock: ManualClock, web1: Made
) -> None:
    certificates.add("web1", web1.pem, Role.READER)
    changed = certificates.update(web1.fingerprint[:12], name="w", role=Role.WRITER, scopes=["qa", "qa"])
    assert (changed.name, changed.role, changed.scopes) == ("w", Role.WRITER, ("qa",))
    for one in (certificates, Certificates(store, clock)):
        assert one.get(web1.fingerprint) == changed
        assert one.principal(web1.fingerprint) == Principal(web1.fingerprint, Role.WRITER, ("qa",), "tls")


def test_a_change_for_the_worse_is_refused(certificates: Certificates, web1: Made) -> None:
    before = certificates.add("web1", web1.pem, Role.READER)
    with pytest.raises(InvalidAccount):
        certificates.update(web1.fingerprint, name="web1", role=Role.ADMIN, scopes=["qa"])
    with pytest.raises(InvalidAccount):
        certificates.update(web1.fingerprint, name="", role=Role.READER, scopes=[])
    assert certificates.get(web1.fingerprint) == before


def test_a_removed_certificate_opens_nothing_now_and_after_a_restart(
    certificates: Certificates, store: Store, clock: ManualClock, web1: Made
) -> None:
    added = certificates.add("web1", web1.pem, Role.READER)
    assert certificates.remove(web1.fingerprint[:12]) == added
    for one in (certificates, Certificates(store, clock)):
        assert one.principal(web1.fingerprint) is None
        assert list(one.list()) == []


def test_what_the_disk_refuses_is_not_trusted(certificates: Certificates, store: Store, web1: Made) -> None:
    store.query("PRAGMA query_only = 1")
    with pytest.raises(StorageError):
        certificates.add("web1", web1.pem, Role.READER)
    assert certificates.principal(web1.fingerprint) is None


def test_a_join_token_makes_its_client_trusted(certificates: Certificates, web1: Made) -> None:
    _, secret = certificates.create_join_token("web1", Role.WRITER, ["default"])
    added = certificates.join(secret, web1.der)
    assert (added.name, added.role, added.scopes) == ("web1", Role.WRITER, ("default",))
    assert certificates.principal(web1.fingerprint) == Principal(web1.fingerprint, Role.WRITER, ("default",), "tls")


def test_a_client_may_choose_another_name(certificates: Certificates, web1: Made) -> None:
    _, secret = certificates.create_join_token("web1", Role.READER)
    assert certificates.join(secret, web1.der, "laptop").name == "laptop"


def test_a_bad_name_does_not_spend_the_token(certificates: Certificates, web1: Made) -> None:
    _, secret = certificates.create_join_token("web1", Role.READER)
    with pytest.raises(InvalidAccount, match="can't be a certificate name"):
        certificates.join(secret, web1.der, "a b")
    assert len(certificates.join_tokens()) == 1


def test_a_secret_is_256_bits_in_hexadecimal_and_an_id_is_a_uuid(certificates: Certificates) -> None:
    token, secret = certificates.create_join_token("web1", Role.READER)
    assert re.fullmatch(r"[0-9a-f]{64}", secret)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", token.id)
    assert secret != certificates.create_join_token("web1", Role.READER)[1]


def test_the_files_hold_the_hash_of_a_secret_and_never_the_secret(
    certificates: Certificates, store: Store, tmp_path: Path
) -> None:
    _, secret = certificates.create_join_token("web1", Role.READER)
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    store.close()
    on_disk += (tmp_path / "state.db").read_bytes()
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in on_disk
    assert secret.encode() not in on_disk


def test_a_join_token_is_spent_once(
    certificates: Certificates, store: Store, clock: ManualClock, web1: Made, web2: Made
) -> None:
    _, secret = certificates.create_join_token("web1", Role.READER)
    certificates.join(secret, web1.der)
    for one in (certificates, Certificates(store, clock)):
        with pytest.raises(Forbidden, match=NO_TOKEN):
            one.join(secret, web2.der)
        assert one.principal(web2.fingerprint) is None
        assert list(one.join_tokens()) == []


def test_a_join_token_sent_by_many_at_once_is_spent_once(certificates: Certificates) -> None:
    _, secret = certificates.create_join_token("web1", Role.READER)
    clients, start, refused = [make_certificate() for _ in range(4)], threading.Barrier(4), []

    def join(client: Made) -> None:
        start.wait(20)
        try:
            certificates.join(secret, client.der)
        except Forbidden:
            refused.append(client)

    threads = [threading.Thread(target=join, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), len(certificates.list())) == (3, 1)


@pytest.mark.parametrize("secret", ["", "0" * 64, "\udcff", "x" * 100_000])
def test_an_unknown_secret_is_forbidden_in_lxds_words(certificates: Certificates, web1: Made, secret: str) -> None:
    certificates.create_join_token("web1", Role.READER)
    with pytest.raises(Forbidden, match=NO_TOKEN):
        certificates.join(secret, web1.der)


def test_an_expired_join_token_is_forbidden_and_no_longer_listed(
    certificates: Certificates, clock: ManualClock, web1: Made
) -> None:
    token, secret = certificates.create_join_token("web1", Role.READER, expires_s=60)
    clock.advance(59.999)
    assert list(certificates.join_tokens()) == [token]
    clock.advance(0.001)
    assert list(certificates.join_tokens()) == []
    with pytest.raises(Forbidden, match=NO_TOKEN):
        certificates.join(secret, web1.der)
    with pytest.raises(NotFound):
        certificates.revoke_join_token(token.id)


def test_expired_join_tokens_are_forgotten_when_another_is_made(
    certificates: Certificates, store: Store, clock: ManualClock
) -> None:
    certificates.create_join_token("web1", Role.READER, expires_s=60)
    clock.advance(60)
    token, _ = certificates.create_join_token("web2", Role.READER)
    assert store.query("SELECT id FROM join_tokens") == [(token.id,)]


def test_a_client_that_is_trusted_already_does_not_spend_the_token(certificates: Certificates, web1: Made) -> None:
    certificates.add("web1", web1.pem, Role.READER)
    token, secret = certificates.create_join_token("web1", Role.ADMIN)
    with pytest.raises(InvalidAccount, match=r"^Client is already trusted$"):
        certificates.join(secret, web1.der)
    assert list(certificates.join_tokens()) == [token]
    assert certificates.get(web1.fingerprint).role is Role.READER


def test_joining_without_a_certificate_does_not_spend_the_token(certificates: Certificates) -> None:
    token, secret = certificates.create_join_token("web1", Role.READER)
    with pytest.raises(InvalidAccount, match="this is no certificate"):
        certificates.join(secret, b"garbage")
    assert list(certificates.join_tokens()) == [token]


def test_joining_is_all_or_nothing(certificates: Certificates, store: Store, clock: ManualClock, web1: Made) -> None:
    token, secret = certificates.create_join_token("web1", Role.READER)
    store.execute("CREATE TRIGGER full BEFORE INSERT ON certificates BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(Exception, match="no"):
        certificates.join(secret, web1.der)
    for one in (certificates, Certificates(store, clock)):
        assert list(one.join_tokens()) == [token]
        assert list(one.list()) == []


def test_a_revoked_join_token_is_forbidden(
    certificates: Certificates, store: Store, clock: ManualClock, web1: Made
) -> None:
    token, secret = certificates.create_join_token("web1", Role.READER)
    assert certificates.revoke_join_token(token.id) == token
    for one in (certificates, Certificates(store, clock)):
        with pytest.raises(Forbidden, match=NO_TOKEN):
            one.join(secret, web1.der)
    with pytest.raises(NotFound, match=r"no join token .* is pending; 'tidings trust tokens' shows"):
        certificates.revoke_join_token(token.id)


def test_join_tokens_are_listed_oldest_first(certificates: Certificates, clock: ManualClock) -> None:
    for name in ("c", "a", "b"):
        certificates.create_join_token(name, Role.READER)
        clock.advance(1)
    assert [token.name for token in certificates.join_tokens()] == ["c", "a", "b"]


@pytest.mark.parametrize("expires_s", [0, -1, float("nan"), float("inf"), 1e18])
def test_an_impossible_lifetime_is_refused(certificates: Certificates, expires_s: float) -> None:
    with pytest.raises(InvalidAccount, match="a token can't expire in") as caught:
        certificates.create_join_token("web1", Role.READER, expires_s=expires_s)
    assert caught.value.field == "expires_s"


def test_a_join_token_for_what_no_certificate_may_have_is_refused(certificates: Certificates) -> None:
    with pytest.raises(InvalidAccount, match="an admin certificate can't be limited"):
        certificates.create_join_token("web1", Role.ADMIN, ["default"])
    with pytest.raises(InvalidAccount, match="can't be a certificate name"):
        certificates.create_join_token("", Role.READER)
