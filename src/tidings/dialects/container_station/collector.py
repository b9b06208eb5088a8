"""Collects from Container Station on a QNAP NAS by polling its log and its events.

The API knows no push, so it is asked every few seconds; how that loses and repeats nothing is said in `polling`. Which of the
three addresses the API has depends on the version: the one that answers a login is used. A session is a cookie, used until it
is refused, given back at the end. An error is known by the member ``error``, since old versions answer 200 whatever happened.
Redirections are not followed, so that the password goes nowhere but to the host in the configuration. One request at a time.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import aiohttp

from tidings.collect import (
    Collector,
    Disconnected,
    Intake,
    Pause,
    Row,
    Settings,
    load_context,
    read_password,
    unknown_certificate,
    wrong_certificate,
)
from tidings.dialects.container_station.collector_settings import NasSettings, Plan, plan
from tidings.dialects.container_station.nas_answers import (
    Entry,
    Lines,
    is_object,
    read_failure,
    read_lines,
    read_rows,
)
from tidings.dialects.container_station.polling import Polling

COOKIE = "CS_SESS_ID"
MAX_ANSWER = 16 * 1024 * 1024
REFUSED_REST_S = 60.0
"""A NAS may lock out who fails to log in again and again, so a refusal is followed by a rest."""

_ANSWER_S, _CONNECT_S, _LOGOUT_S = 60.0, 15.0, 2.0
_TIMEOUT = aiohttp.ClientTimeout(total=_ANSWER_S, sock_connect=_CONNECT_S)
_MAX_REST_S = 600.0
_HEADERS = {"Accept": "application/json", "User-Agent": "tidings"}
_BUSY = (429, 503)
_UNSIGNED = "a NAS comes with a certificate that nobody signed: set ca_file to its authority"


def prepare(row: Row) -> Collector:
    """Return the collector that *row* asks for. Raises ConfigError."""
    settings = row.read(NasSettings)
    return NasCollector(settings, plan(row, settings))


class NasCollector:
    """Reads one NAS."""

    def __init__(self, settings: Settings, asked: Plan, pause: Pause = asyncio.sleep) -> None:
        self.settings = settings
        self.resumes = True
        self._asked, self._pause = asked, pause
        self._rest_s = 0.0

    async def run(self, intake: Intake) -> None:
        """Collect until the NAS fails. Raises Disconnected with the reason."""
        if self._rest_s:
            rest_s, self._rest_s = self._rest_s, 0.0
            await self._pause(rest_s)
        asked = self._asked
        password = (
            await asyncio.to_thread(read_password, asked.password_file) if asked.password_file else asked.password
        )
        context = await asyncio.to_thread(load_context, asked.ca_file) if asked.root.startswith("https:") else None
        async with self._explained(), _session(asked, context) as session:
            connection = Connection(session, asked, password)
            try:
                await connection.log_in()
                intake.alive()
                await intake.connected(connection.api)
                await Polling(connection, intake, asked.zone, self._pause).run(asked.interval_s)
            finally:
                self._rest_s = connection.rest_s
                await connection.log_out()

    @asynccontextmanager
    async def _explained(self) -> AsyncIterator[None]:
        """Turn what the HTTP library raises into Disconnected, with what to do about it."""
        root = self._asked.root
        try:
            yield
        except aiohttp.ServerFingerprintMismatch as fault:
            raise wrong_certificate(root, fault.expected, fault.got) from None
        except aiohttp.ClientConnectorCertificateError as fault:
            reason = str(fault.certificate_error)
            raise await asyncio.to_thread(unknown_certificate, root, reason, _UNSIGNED) from None
        except aiohttp.ClientConnectorError as fault:
            raise Disconnected(f"can't connect to {root}: {fault.os_error.strerror or fault.os_error}") from None
        except aiohttp.ClientError as fault:
            raise Disconnected(f"{root}: the answer broke off ({type(fault).__name__})") from None
        except TimeoutError:
            raise Disconnected(f"{root} did not answer within {_ANSWER_S:g} s") from None


def _session(asked: Plan, context: ssl.SSLContext | None) -> aiohttp.ClientSession:
    pin = bytes.fromhex(asked.fingerprint)
    connector = aiohttp.TCPConnector(limit=1, ssl=aiohttp.Fingerprint(pin) if pin else context or True)
    return aiohttp.ClientSession(
        connector=connector, timeout=_TIMEOUT, headers=_HEADERS, cookie_jar=aiohttp.DummyCookieJar()
    )


class _Answer(NamedTuple):
    """*code* is what went wrong, 0 if nothing did, whatever the status says; *reason* tells it in words."""

    status: int
    body: bytes
    code: int
    reason: str
    cookie: str


class Connection:
    """A `Nas` at the other end of HTTP."""

    def __init__(self, session: aiohttp.ClientSession, asked: Plan, password: str) -> None:
        self._session, self._asked, self._password = session, asked, password
        self._cookie = ""
        self.api = ""
        """The address that answers."""
        self.rest_s = 0.0
        """For how long not to ask."""

    async def rows(self, limit: int, offset: int) -> list[Entry]:
        """See `Nas.rows`."""
        return read_rows(await self._get("/log", {"limit": str(limit), "offset": str(offset)}))

    async def lines(self, index: int) -> Lines:
        """See `Nas.lines`."""
        return read_lines(await self._get("/event", {"index": str(index)}))

    async def log_in(self) -> None:
        """Get a session; find out where the API is, unless that is known. Raises Disconnected."""
        seen: list[str] = []
        for api in (self.api,) if self.api else self._asked.apis:
            answer = await self._log_in_at(api)
            if not _is_of_the_api(answer):
                seen.append(f"{api} ({answer.status})")
                continue
            if answer.code:
                self.rest_s = REFUSED_REST_S
                raise Disconnected(
                    f"{api} refuses to log {self._asked.user} in: {answer.reason}; check user and password, and that the user "
                    "needs no second step"
                )
            if not answer.cookie:
                raise Disconnected(f"{api} answers a login without the cookie {COOKIE}")
            self.api, self._cookie = api, answer.cookie
            return
        raise Disconnected(
            f"Container Station 1 or 2 doesn't answer at {', '.join(seen)}; is it installed and running, and is url the address "
            "of the NAS's web page?"
        )

    async def _log_in_at(self, api: str) -> _Answer:
        """Return the answer to a login with JSON or, where that is refused, with a form, which is all that the first versions read."""
        url, credentials = f"{api}/login", {"username": self._asked.user, "password": self._password}
        answer = await self._ask("POST", url, json=credentials)
        if answer.code and _is_of_the_api(answer):
            answer = await self._ask("POST", url, data=credentials)
        return answer

    async def log_out(self) -> None:
        """End the session. The NAS may be gone; then it ends when nobody uses it."""
        if not self._cookie:
            return
        with suppress(aiohttp.ClientError, TimeoutError, OSError, Disconnected):
            async with asyncio.timeout(_LOGOUT_S):
                await self._ask("PUT", f"{self.api}/logout")
        self._cookie = ""

    async def _get(self, path: str, parameters: Mapping[str, str]) -> bytes:
        """Return the answer, after one more login when the session is refused."""
        is_fresh = False
        while True:
            answer = await self._ask("GET", self.api + path, params=parameters)
            if not answer.code:
                return answer.body
            if answer.code != 401 or is_fresh:
                advice = "; Container Station 3 has neither log nor events" if answer.code == 404 else ""
                raise Disconnected(f"{self.api}{path} answers {answer.reason}{advice}")
            self._cookie = ""
            await self.log_in()
            is_fresh = True

    async def _ask(self, method: str, url: str, **body: Any) -> _Answer:
        """Return what is answered. Raises Disconnected when it is that we must wait."""
        headers = {"Cookie": f"{COOKIE}={self._cookie}"} if self._cookie else {}
        async with self._session.request(method, url, headers=headers, allow_redirects=False, **body) as response:
            content = await _read(response)
            cookie, status = response.cookies.get(COOKIE), response.status
            retry_after = response.headers.get("Retry-After", "")
        failure = read_failure(content, (self._password, self._cookie))
        code = (failure and failure.code) or status
        is_failed = failure is not None or status >= 300
        reason = f"{failure.message} ({code})" if failure is not None else f"{code}"
        if is_failed and code in _BUSY:
            self.rest_s = min(float(retry_after), _MAX_REST_S) if retry_after.isdecimal() else 0.0
            raise Disconnected(f"{url} answers {reason}")
        return _Answer(status, content, code if is_failed else 0, reason, cookie.coded_value if cookie else "")


def _is_of_the_api(answer: _Answer) -> bool:
    """Whether *answer*, to a login, is one of Container Station's and not that of whatever web server is there."""
    return answer.code != 404 and (answer.status == 401 or is_object(answer.body))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body. Raises Disconnected as soon as it is known to be too large."""
    pieces = bytearray()
    async for piece in response.content.iter_any():
        pieces += piece
        if len(pieces) > MAX_ANSWER:
            response.close()
            raise Disconnected(f"an answer has more than {MAX_ANSWER} bytes; clear the log there")
    return bytes(pieces)
