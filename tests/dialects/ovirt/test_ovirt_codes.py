"""oVirt's numbers for kinds."""

import zlib
from collections import Counter

import pytest

from tidings.dialects.ovirt.codes import EXTERNAL_KINDS, code_of, kind_of, kinds_of, usual_severity
from tidings.kinds import catalogue
from tidings.severity import Severity

ENGINE = [kind for kind in catalogue().values() if kind.system == "ovirt"]


def test_every_engine_kind_has_the_engines_code_and_back() -> None:
    assert len(ENGINE) == 1363
    assert [(code_of(kind.kind), kind_of(code_of(kind.kind))) for kind in ENGINE] == [
        (kind.code, kind.kind) for kind in ENGINE
    ]


def test_a_code_that_the_catalogue_lacks_makes_a_kind_of_that_number_and_back() -> None:
    assert (kind_of(77_777), code_of("ovirt.77777")) == ("ovirt.77777", 77_777)


@pytest.mark.parametrize("kind", ["lxd.lifecycle.instance-started", "ovirt.SOMETHING_NEW", "ovirt.-1", "", "日本語"])
def test_any_other_kind_has_a_code_made_from_its_name(kind: str) -> None:
    assert code_of(kind) == 100_000 + zlib.crc32(kind.encode()) % 900_000


def test_a_made_code_never_changes() -> None:
    assert code_of("lxd.lifecycle.instance-started") == 636_466


def test_oracles_kinds_have_one_code_in_every_letter_case() -> None:
    kind = "com.oraclecloud.DatabaseService.CreateDatabaseSoftwareImage.begin"
    assert code_of(kind.lower()) == code_of(kind)


def test_all_documented_kinds_have_different_codes() -> None:
    assert [code for code, times in Counter(map(code_of, catalogue())).items() if times > 1] == []


def test_the_kinds_of_added_events_are_9801_to_9804() -> None:
    assert [code_of(EXTERNAL_KINDS[severity]) for severity in sorted(EXTERNAL_KINDS)] == [9801, 9802, 9803, 9804]


def test_the_kinds_of_a_code_are_those_that_are_shown_with_it() -> None:
    assert [kinds_of(code_of(kind)) for kind in catalogue()] == [(kind,) for kind in catalogue()]


def test_a_code_that_no_documented_kind_has_is_an_engines() -> None:
    assert kinds_of(77_777) == ("ovirt.77777",)


@pytest.mark.parametrize(
    ("code", "severity"), [(12, Severity.ERROR), (9804, Severity.ALERT), (77_777, Severity.NORMAL)]
)
def test_a_code_tells_its_usual_severity(code: int, severity: Severity) -> None:
    assert usual_severity(code) is severity
