"""Container Station's API with curl and a cookie jar: the document's lines, as printed, in a shell."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.clients.ovirt import PASSWORD as SECRET
from tests.clients.ovirt import add_user
from tests.clients.programs import need
from tests.clients.tidings_server import TidingsServer, tidings_server
from tests.clients.waiting import until

SEED = json.loads(
    (Path(__file__).parents[1] / "golden" / "container_station" / "seed.json").read_text(encoding="utf-8")
)
# The log begins with the making of ann's account, in the place of the document's first row.
LINES = [SEED["csv_header"], *SEED["csv_lines"][1:]]
CSV = "".join(f"{line}\r\n" for line in LINES)
PREFIXES = ("api/v1", "containerstation/api/v1", "container-station/api/v1")
BODIES = {
    "form": f"'username=ann&password={SECRET}'",
    "JSON": f"""'{{"username": "ann", "password": "{SECRET}"}}'""",
}
_TIMEOUT_S = 30
_OFFICE_TIMEOUT_S = 120

LOGIN = f"curl -sq -XPOST -c cookies.txt -d {BODIES['form']} http://${{QIP}}:${{QPORT}}/api/v1/login"
REFRESH = "curl -sq -XGET -b cookies.txt http://${QIP}:${QPORT}/api/v1/login_refresh"
LOGOUT = "curl -sq -XPUT -b cookies.txt http://${QIP}:${QPORT}/api/v1/logout"
# as the document prints them
LOG = 'curl -sq -XGET -b cookies.txt "http://${QIP}:${QPORT}/api/v1/log?limit=5"'
EXPORT = "curl -sq -XGET -b cookies.txt http://${QIP}:${QPORT}/api/v1/log/export"
EVENT = "curl -sq -XGET -b cookies.txt http://${QIP}:${QPORT}/api/v1/event"
WAIT = 'curl -sq -XGET -b cookies.txt "http://${QIP}:${QPORT}/api/v1/event/wait/lxc/utest/stopped?duration=5"'


class Shell(NamedTuple):
    """A shell with QIP and QPORT set, in a folder that keeps the cookies."""

    server: TidingsServer
    folder: Path

    def __call__(self, line: str) -> bytes:
        """Return what *line* prints; it must end well."""
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, env=self._environment(), capture_output=True, timeout=_TIMEOUT_S,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    def status(self, line: str) -> tuple[int, bytes]:
        """Return the status of the answer that curl got, and its body."""
        body, _, status = self(f"{line} -w '\\n%{{http_code}}'").rpartition(b"\n")
        return int(status), body

    def start(self, line: str) -> subprocess.Popen[bytes]:
        """Run *line* in the background; it ends by itself."""
        return subprocess.Popen(["sh", "-c", line], cwd=self.folder, env=self._environment(), stdout=subprocess.PIPE)

    def _environment(self) -> dict[str, str]:
        address = re.search(r"http://([\d.]+):(\d+)", self.server.log())
        assert address, self.server.log()
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "QIP": address[1], "QPORT": address[2]}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Give a shell at a server of its own, where ann has an account: indexes are to be the document's."""
    need("curl")
    with tidings_server() as server:
        add_user(server, "ann", "reader")
        yield Shell(server, tmp_path)


def load(shell: Shell, text: str) -> None:
    reply = shell.server.ask(
        "POST", "/v1/events?format=container-station", text.encode(), {"Content-Type": "text/plain"}
    )
    assert reply.status == 200, reply


def load_events(shell: Shell) -> None:
    """Store the document's event lines at the document's places, behind 56 others, the first of which is there."""
    older = [f'container:all:{{"container": "c{number}", "state": "start", "type": "lxc"}}' for number in range(55)]
    load(shell, "\n".join([*older, *reversed(SEED["event_messages"])]))


def waiting_in(shell: Shell) -> int:
    """Return how many requests wait for an event."""
    found = re.search(rb"^tidings_streams (\d+)", shell.server.ask("GET", "/metrics").body, re.MULTILINE)
    assert found
    return int(found[1])


def exported(shell: Shell, line: str = EXPORT) -> list[str]:
    """Return the lines that *line* exports, without the row of ann's account."""
    header, account, *rest, end = shell(line).decode().split("\r\n")
    assert ("User ann added" in account, end) == (True, "")
    return [header, *rest]


def error_of(answer: tuple[int, bytes]) -> tuple[int, Any]:
    """Return the status and the code in the body."""
    status, body = answer
    return status, json.loads(body)["error"]["code"]


def test_the_cookie_jar_is_good_from_login_to_logout(shell: Shell) -> None:
    assert error_of(shell.status(LOG)) == (401, 401)
    session = json.loads(shell(LOGIN))
    assert (session["username"], session["anonymous"], session["isAdmin"]) == ("ann", False, False)
    assert json.loads(shell(REFRESH))["username"] == "ann"
    assert json.loads(shell(LOGOUT)) == {"username": "ann"}
    for line in (REFRESH, LOG, EXPORT, EVENT, WAIT):
        assert error_of(shell.status(line)) == (401, 401)


def test_a_wrong_password_puts_nothing_into_the_jar(shell: Shell) -> None:
    assert error_of(shell.status(LOGIN.replace(SECRET, "wrong"))) == (401, 401)
    assert b"CS_SESS_ID" not in (shell.folder / "cookies.txt").read_bytes()


@pytest.mark.parametrize("form", BODIES)
def test_every_prefix_takes_every_body_and_a_session_is_good_at_all(shell: Shell, form: str) -> None:
    load(shell, CSV)
    for at in PREFIXES:
        (shell.folder / "cookies.txt").unlink(missing_ok=True)
        # curl calls either body a form
        login = LOGIN.replace(BODIES["form"], BODIES[form]).replace(PREFIXES[0], at)
        assert shell.status(login)[0] == 200
        for prefix in PREFIXES:
            assert json.loads(shell(LOG.replace(PREFIXES[0], prefix))) == SEED["log_records"]
            assert exported(shell, EXPORT.replace(PREFIXES[0], prefix)) == LINES
            assert len(json.loads(shell(EVENT.replace(PREFIXES[0], prefix)))["messages"]) == 20
        assert shell.status(LOGOUT.replace(PREFIXES[0], at))[0] == 200
        assert shell.status(LOG)[0] == 401


def test_the_log_and_its_export_are_what_the_document_prints(shell: Shell) -> None:
    load(shell, CSV)
    shell(LOGIN)
    assert shell(LOG).decode() == json.dumps(SEED["log_records"], indent=2, sort_keys=True) + "\n"
    assert exported(shell) == LINES


def test_the_events_are_what_the_document_prints(shell: Shell) -> None:
    load_events(shell)
    shell(LOGIN)
    assert json.loads(shell(EVENT)) == {"index": 56, "messages": SEED["event_messages"], "offset": 76}


def test_jq_reads_the_answers(shell: Shell) -> None:
    need("jq")
    load(shell, CSV)
    shell(LOGIN)
    assert shell(f"{LOG} | jq -c 'map(.id)'") == b"[52,51,50,49,48]\n"
    event = shell(f"{EVENT} | jq -r '.messages[0] | split(\":\")[0]'").decode().strip()
    assert event == SEED["log_records"][0]["category"]


def test_a_wait_ends_when_the_container_is_in_the_state(shell: Shell) -> None:
    load_events(shell)
    shell(LOGIN)
    with shell.start(WAIT.replace("duration=5", "duration=60")) as waiting:
        until(lambda: waiting_in(shell) == 1, "curl to wait")
        load(shell, 'container:all:{"container": "utest", "state": "stop", "type": "lxc"}')
        output, _ = waiting.communicate(timeout=_TIMEOUT_S)
    answer = json.loads(output)
    assert (waiting.returncode, answer["id"], answer["state"]) == (0, "utest", "stopped")


def test_a_wait_in_vain_answers_as_the_document_prints_after_its_duration(shell: Shell) -> None:
    load_events(shell)
    shell(LOGIN)
    *_, took = shell(f"{WAIT.replace('duration=5', 'duration=1')} -o wait.json -w '%{{time_total}}'").split()
    answer = json.loads((shell.folder / "wait.json").read_bytes())
    # nobody asks the NAS for what an event doesn't tell
    assert answer == SEED["wait_response"] | {"image": "", "ipaddress": [], "memory": 0}
    assert float(took) >= 1


def test_a_wait_for_a_container_that_nobody_told_of_is_refused(shell: Shell) -> None:
    shell(LOGIN)
    assert error_of(shell.status(WAIT)) == (404, 404)


def test_libreoffice_reads_the_export_back_unchanged(shell: Shell) -> None:
    need("soffice")
    messages = ['say "hi"', "a, b", "two\nlines", "日本語", "🎉", "=1+1", "0012", "2015-03-17"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(SEED["csv_header"].split(","))
    writer.writerows(
        (f"2015-03-17 17:27:0{second}.000000", "INFO", "system", "admin", message)
        for second, message in enumerate(messages)
    )
    load(shell, text.getvalue())
    shell(LOGIN)
    shell(f"{EXPORT} -o log.csv")
    utf8_text_in_all_columns = "CSV:44,34,76,1,1/2/2/2/3/2/4/2/5/2"
    command = [
        "soffice", f"-env:UserInstallation={(shell.folder / 'profile').as_uri()}", "--headless",
        f"--infilter={utf8_text_in_all_columns}", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true",
        "--outdir", "read-back", "log.csv",
    ]  # fmt: skip
    subprocess.run(command, cwd=shell.folder, capture_output=True, timeout=_OFFICE_TIMEOUT_S, check=True)
    assert rows_of(shell.folder / "read-back" / "log.csv") == rows_of(shell.folder / "log.csv")
    assert [row[4] for row in rows_of(shell.folder / "log.csv")[2:]] == messages


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))
