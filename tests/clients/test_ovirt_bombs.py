"""Bodies that are made to harm their reader, posted as events with curl: each is a fault, and costs the server no memory."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.curl import Curl
from tests.clients.ovirt import add_user
from tests.clients.programs import need
from tests.clients.tidings_server import TidingsServer, tidings_server

EVENTS = "/ovirt-engine/api/events"
MIB = 2**20
MOST_GROWTH = 16 * MIB
HUGE = 100 * MIB
GOOD = "<event><description>{}</description><severity>normal</severity><origin>bomber</origin><custom_id>1</custom_id></event>"
LAUGHS = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))

BODIES = {
    "billion laughs": f'<!DOCTYPE event [<!ENTITY l0 "lol">{LAUGHS}]>{GOOD.format("&l9;")}'.encode(),
    "quadratic blow-up": f'<!DOCTYPE event [<!ENTITY a "{"x" * 50_000}">]>{GOOD.format("&a;" * 50_000)}'.encode(),
    "external entity": f'<!DOCTYPE event [<!ENTITY x SYSTEM "file:///etc/passwd">]>{GOOD.format("&x;")}'.encode(),
    "external document type": f'<!DOCTYPE event SYSTEM "http://127.0.0.1:9/x.dtd">{GOOD.format("x")}'.encode(),
    "parameter entity": f'<!DOCTYPE event [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>{GOOD.format("x")}'.encode(),
    "bare document type": f"<!DOCTYPE event>{GOOD.format('x')}".encode(),
    "unknown entity": GOOD.format("&nbsp;").encode(),
    "wrong root": GOOD.format("x").replace("event>", "events>").encode(),
    "two roots": GOOD.format("x").encode() * 2,
    "cut short": GOOD.format("x").encode()[:-3],
    "nothing": b"",
    "no XML": b"description=x",
    "unreadable encoding": f'<?xml version="1.0" encoding="ISO-8859-1"?>{GOOD.format("é")}'.encode("latin-1"),
    "unheard-of encoding": f'<?xml version="1.0" encoding="x-bogus"?>{GOOD.format("x")}'.encode(),
    "another encoding than it says": f'<?xml version="1.0" encoding="UTF-8"?>{GOOD.format("é")}'.encode("latin-1"),
    "UTF-32": GOOD.format("x").encode("utf-32"),
    "nested 30,000 deep": b"<event>" + b"<a>" * 30_000,
    "10,001 children": b"<event>" + b"<a/>" * 10_001 + b"</event>",
    "a name without end": b"<" + b"a" * 500_000,
    "an attribute without end": b'<event x="' + b"a" * 500_000,
    "50,000 attributes": b"<event " + b" ".join(b'a%d=""' % number for number in range(50_000)) + b"/>",
    "a comment without end": b"<event><!--" + b"a" * 500_000,
}
JSON_BODIES = {
    "nested 100,000 deep": b'{"description":' + b"[" * 100_000,
    "an array": b"[]",
    "not UTF-8": b'{"description": "\xff"}',
    "cut short": b'{"description": "x"',
    "a text": b'"event"',
    "half a surrogate pair": b'{"description": "\\ud800"}',
}


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    need("curl")
    with tidings_server(tls=True) as server:
        add_user(server, "admin", "admin")
        curl = Curl(server)
        assert_fault(curl, b"<event/>")  # whatever is loaded at first use is loaded
        yield server


@pytest.fixture
def curl(server: TidingsServer) -> Iterator[Curl]:
    """Give a curl, and see afterwards that the server lives, has stored nothing, and at no moment held much more than before."""
    curl = Curl(server)
    # From here on the peak is counted anew (man 5 proc).
    Path(f"/proc/{server.pid}/clear_refs").write_text("5", encoding="ascii")
    before = memory_of(server, "VmRSS")
    yield curl
    assert memory_of(server, "VmHWM") - before < MOST_GROWTH
    answer = curl("GET", f"{EVENTS}?search=origin%3Dbomber")
    assert (answer.status, len(answer.xml)) == (200, 0)


def memory_of(server: TidingsServer, kind: str) -> int:
    """Return how many bytes the server has in use (VmRSS), or had at most (VmHWM)."""
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
    return 1024 * int(next(line for line in status.splitlines() if line.startswith(kind)).split()[1])


def assert_fault(curl: Curl, body: bytes, *headers: str) -> None:
    sent = headers or ("Content-Type: application/xml",)
    answer = curl("POST", EVENTS, *(word for header in sent for word in ("--header", header)), body=body)
    assert answer.status == 400, answer
    assert answer.xml.tag == "fault"
    assert answer.xml.findtext("reason")
    detail = answer.xml.findtext("detail")
    assert detail
    assert len(detail) < 500, "it doesn't send back what it was sent"
    assert "root:" not in detail


def repeated(piece: bytes, total: int) -> Iterator[bytes]:
    """Yield *total* bytes, in pieces."""
    block = piece * (65_536 // len(piece))
    for _ in range(total // len(block)):
        yield block


def compressed(piece: bytes, total: int) -> Iterator[bytes]:
    """Yield *total* bytes as gzip makes them, a thousandth of that."""
    packer = zlib.compressobj(9, wbits=31)
    for block in repeated(piece, total):
        yield packer.compress(block)
    yield packer.flush()


@pytest.mark.parametrize("name", BODIES)
def test_xml_that_harms_or_cannot_be_read_is_a_fault(curl: Curl, name: str) -> None:
    assert_fault(curl, BODIES[name])


@pytest.mark.parametrize("name", JSON_BODIES)
def test_json_that_harms_or_cannot_be_read_is_a_fault(curl: Curl, name: str) -> None:
    assert_fault(curl, JSON_BODIES[name], "Content-Type: application/json", "Accept: application/xml")


@pytest.mark.parametrize("piece", [b"<a>", b"<a/>", b"x", b"&amp;"], ids=["nested", "children", "text", "escapes"])
def test_a_hundred_megabytes_are_a_fault_before_they_have_come(curl: Curl, piece: bytes) -> None:
    sent = 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        yield b"<event>"
        for block in repeated(piece, HUGE):
            sent += len(block)
            yield block

    answer = curl.stream(EVENTS, counted(), "--header", "Content-Type: application/xml")
    assert (answer.status, answer.xml.tag) == (413, "fault")
    assert sent < HUGE // 2


def test_a_hundred_megabytes_that_say_so_are_a_fault(curl: Curl, tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.write(b"<event>")
        os.truncate(path, HUGE)
    answer = curl("POST", EVENTS, "--upload-file", str(path), "--header", "Content-Type: application/xml")
    assert (answer.status, answer.xml.tag) == (413, "fault")


def test_a_hundred_megabytes_in_a_hundred_kilobytes_are_a_fault(curl: Curl) -> None:
    packed = b"".join(compressed(b"<a>", HUGE))
    assert len(packed) < 200_000
    answer = curl(
        "POST", EVENTS, "--header", "Content-Type: application/xml", "--header", "Content-Encoding: gzip", body=packed
    )
    assert answer.status in (400, 413, 415), answer
    assert answer.xml.tag == "fault"


def test_a_body_that_only_says_that_it_is_compressed_is_a_fault(curl: Curl) -> None:
    answer = curl(
        "POST", EVENTS, "--header", "Content-Type: application/xml", "--header", "Content-Encoding: gzip",
        body=GOOD.format("x").encode(),
    )  # fmt: skip
    assert answer.status in (400, 415), answer
    assert answer.xml.tag == "fault"


def test_utf_16_is_read(server: TidingsServer) -> None:
    body = GOOD.format("日本語").replace("bomber", "utf-16").encode("utf-16")
    answer = Curl(server)("POST", EVENTS, "--header", "Content-Type: application/xml", body=body)
    assert (answer.status, answer.xml.findtext("description")) == (201, "日本語")
