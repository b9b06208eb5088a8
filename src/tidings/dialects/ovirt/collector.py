"""Collects from an oVirt engine, or from another tidings, by polling its REST API for JSON.

The engine can't push, so it is asked every few seconds for what is above the last event read; how that loses and repeats
nothing is said in `polling`. Signing on is that of the SDK: a token for user and password at the host's SSO, used until it is
refused, revoked at the end; an engine without SSO gets user and password with each request. Redirections are not followed, so
that the password goes nowhere but to the address in the configuration. One request at a time.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import NamedTuple

import aiohttp

from tidings.collect import (
    Collector,
    Disconnected,
    Intake,
    Pause,
    Settings,
    load_context,
    read_password,
    unknown_certificate,
    wrong_certificate,
)
from tidings.collect import Row as Table
from tidings.dialects.ovirt.collector_settings import OvirtSettings, Plan, plan
from tidings.dialects.ovirt.engine_answers import Row, read_list, read_product, read_reason, read_row, read_token
from tidings.dialects.ovirt.polling import Polling
from tidings.dialects.ovirt.sweep import Oversized, Unknowable
from tidings.dialects.ovirt.texts import one_line

MAX_ANSWER = 64 * 1024 * 1024

_TOKEN_PATH = "/ovirt-engine/sso/oauth/token"  # noqa: S105 (a path)
_LOGOUT_PATH = "/ovirt-engine/services/sso-logout"
_AUTHORITY = "/ovirt-engine/services/pki-resource"
_SCOPE = "ovirt-app-api"
_ANSWER_S, _CONNECT_S, _LOGOUT_S = 120.0, 15.0, 2.0
_TIMEOUT = aiohttp.ClientTimeout(total=_ANSWER_S, sock_connect=_CONNECT_S)
_MAX_REST_S = 600.0
# The engine must not narrow silently what somebody without all rights may see: lists would end early without saying so.
_HEADERS = {"Accept": "application/json", "Filter": "false", "User-Agent": "tidings", "Version": "4"}


def prepare(row: Table) -> Collector:
    """Return the collector that *row* asks for. Raises ConfigError."""
    settings = row.read(OvirtSettings)
    return OvirtCollector(settings, plan(row, settings))


class OvirtCollector:
    """Reads one engine."""

    def __init__(self, settings: Settings, asked: Plan, pause: Pause = asyncio.sleep) -> None:
        self.settings = settings
        self.resumes = True
        self._asked, self._pause = asked, pause
        self._rest_s = 0.0

    async def run(self, intake: Intake) -> None:
        """Collect until the engine fails. Raises Disconnected with the reason."""
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
                polling = Polling(connection, intake, await connection.greet(), self._pause)
                await polling.run(asked.interval_s, from_now=asked.from_now)
            finally:
                self._rest_s = connection.rest_s
                await connection.sign_off()

    @asynccontextmanager
    async def _explained(self) -> AsyncIterator[None]:
        """Turn what the HTTP library raises into Disconnected, with what to do about it."""
        root = self._asked.root
        try:
            yield
        except aiohttp.ServerFingerprintMismatch as fault:
            raise wrong_certificate(root, fault.expected, fault.got) from None
        except aiohttp.ClientConnectorCertificateError as fault:
            advice = f"set ca_file to the engine's own authority, which it hands out at {root}{_AUTHORITY}"
            reason = str(fault.certificate_error)
            raise await asyncio.to_thread(unknown_certificate, root, reason, advice) from None
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
    status: int
    body: bytes


class Connection:
    """An `Engine` at the other end of HTTP."""

    def __init__(self, session: aiohttp.ClientSession, asked: Plan, password: str) -> None:
        self._session, self._asked, self._password = session, asked, password
        self._token = ""
        self._has_sso = True
        self.batch = asked.batch
        self.is_narrowed = bool(asked.search)
        self.rest_s = 0.0
        """For how long the engine asked not to be asked."""

    async def greet(self) -> str:
        """Return what the engine calls itself. Raises Disconnected when it doesn't let us in."""
        answer = await self._get("", {})
        return read_product(answer.body) if answer.status == 200 else ""

    def shrink(self) -> None:
        """See `Engine.shrink`."""
        if self.batch == 1:
            raise Disconnected(
                f"{self._asked.root} answers one event with more than {MAX_ANSWER} bytes; remove it there"
            )
        self.batch = max(1, self.batch // 2)

    async def oldest_first(self, after: int, size: int, *, everything: bool = False) -> list[Row]:
        """See `Engine.oldest_first`."""
        return await self._list(after, size, "sortby time asc", everything=everything)

    async def newest_first(self, after: int, size: int, page: int, *, everything: bool = False) -> list[Row]:
        """See `Engine.newest_first`."""
        rows = await self._list(after, size, f"page {page}", everything=everything)
        if any(former.id <= latter.id for former, latter in pairwise(rows)):
            raise Disconnected(f"{self._asked.root} doesn't list the newest number first, as an engine does")
        return rows

    async def get(self, id: int) -> Row | None:
        """See `Engine.get`."""
        answer = await self._get(f"/events/{id}", {})
        match answer.status:
            case 200:
                return read_row(answer.body.strip())
            case 404:
                return None
            case 400 | 403:
                raise Unknowable
        raise self._failure(answer)

    async def _list(self, after: int, size: int, order: str, *, everything: bool) -> list[Row]:
        search = order if everything else f"{self._asked.search} {order}".strip()
        where = {"from": str(after)} if after else {}
        answer = await self._get("/events", {**where, "max": str(size), "search": search})
        if answer.status != 200:
            raise self._failure(answer)
        rows = read_list(answer.body)
        if len(rows) > size or any(row.id <= after for row in rows):
            raise Disconnected(
                f"{self._asked.root} ignores from or max; is {self._asked.user} an administrator, who sees all events?"
            )
        return rows

    async def _get(self, path: str, parameters: Mapping[str, str]) -> _Answer:
        """Return the answer, signing on first where need be, and once more when a token is refused."""
        while True:
            is_fresh = await self._sign_on()
            async with self._session.get(
                self._asked.api + path, params=parameters, headers=self._credentials(), allow_redirects=False
            ) as response:
                answer = _Answer(response.status, await _read(response))
                warning = response.headers.get("Warning", "")
                retry_after = response.headers.get("Retry-After", "")
            match answer.status:
                case 401 if self._has_sso and not is_fresh:
                    self._token = ""
                case 401:
                    raise Disconnected(f"{self._asked.root} doesn't let {self._asked.user} in; check user and password")
                case 429 | 503:
                    self.rest_s = min(float(retry_after), _MAX_REST_S) if retry_after.isdecimal() else 0.0
                    raise self._failure(answer)
                case _ if warning.startswith("299 "):
                    raise Disconnected(f"{self._asked.root} can't read search: {one_line(warning, 300)}")
                case _:
                    return answer

    def _credentials(self) -> dict[str, str]:
        if self._has_sso:
            return {"Authorization": f"Bearer {self._token}"}
        pair = base64.b64encode(f"{self._asked.user}:{self._password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    async def _sign_on(self) -> bool:
        """Get a token unless there is one; return whether it is new. Raises Disconnected."""
        if self._token or not self._has_sso:
            return False
        form = {"grant_type": "password", "scope": _SCOPE, "username": self._asked.user, "password": self._password}
        async with self._session.post(self._asked.root + _TOKEN_PATH, data=form, allow_redirects=False) as response:
            answer = _Answer(response.status, await _read(response))
        if answer.status == 404:
            self._has_sso = False
            return False
        self._token, reason = read_token(answer.body, (self._password,))
        if not self._token:
            raise Disconnected(
                f"{self._asked.root} refuses to sign {self._asked.user} on: {reason} ({answer.status}); check user, with its "
                "profile, and password"
            )
        return True

    async def sign_off(self) -> None:
        """Revoke the token. The engine may be gone; then the token ends when nobody uses it."""
        if not self._token:
            return
        form = {"scope": _SCOPE, "token": self._token}
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with (
                asyncio.timeout(_LOGOUT_S),
                self._session.post(self._asked.root + _LOGOUT_PATH, data=form, allow_redirects=False),
            ):
                self._token = ""

    def _failure(self, answer: _Answer) -> Disconnected:
        if 300 <= answer.status < 400:
            return Disconnected(f"{self._asked.api} redirects ({answer.status}); set url to where it really is")
        reason = read_reason(answer.body, (self._password, self._token))
        return Disconnected(f"{self._asked.api} answers {answer.status}{reason and f': {reason}'}")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body. Raises Oversized as soon as it is known to be too large."""
    pieces = bytearray()
    async for piece in response.content.iter_any():
        pieces += piece
        if len(pieces) > MAX_ANSWER:
            response.close()
            raise Oversized(f"an answer has more than {MAX_ANSWER} bytes")
    return bytes(pieces)
