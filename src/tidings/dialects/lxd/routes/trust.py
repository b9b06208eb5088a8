"""``/1.0/certificates``: who is trusted, joining by token, and ending trust. Each change is announced as LXD announces it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from tidings.auth import Certificate, InvalidAccount, JoinToken, Principal, Role
from tidings.dialects.lxd.join_token import decode_join_token
from tidings.dialects.lxd.routes.envelope import background, is_recursive, read_body, requestor_of, sync, time_of
from tidings.dialects.routes import Host, Refusal
from tidings.errors import Forbidden, NotFound
from tidings.own_events import announce

T = TypeVar("T")

_URL = "/1.0/certificates/"
_RUNNING = 103
_HIDDEN = "REDACTED"


class CertificateWish(msgspec.Struct, frozen=True):
    """What a client sends to be trusted, to have another trusted, or to have a token made; members we don't know are LXD's own."""

    name: str = ""
    type: str = "client"
    restricted: bool = False
    projects: tuple[str, ...] | None = None
    certificate: str = ""
    password: str = ""
    trust_token: str = ""
    token: bool = False


class CertificateChange(msgspec.Struct, frozen=True):
    """What can be changed of a trusted certificate; None leaves it as it is."""

    name: str | None = None
    restricted: bool | None = None
    projects: tuple[str, ...] | None = None


async def list_certificates(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the trusted certificates: an admin sees all, anybody else his own."""
    found = [one for one in host.certificates.list() if who.is_admin or one.fingerprint == who.name]
    return sync([_shown(one) if is_recursive(request) else _URL + one.fingerprint for one in found])


async def one_certificate(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer one certificate, named by its fingerprint or the beginning of it."""
    return sync(_shown(_visible(host, request, who)))


async def add_certificate(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Trust a certificate: by a join token for everybody, without one for admins; or make a join token."""
    wish = await read_body(request, CertificateWish)
    if wish.trust_token or (wish.password and not who.is_admin):
        return await _join(host, request, wish)
    if not who.is_admin:
        raise Refusal(403, "not authorized")
    if wish.type not in ("", "client"):
        raise Refusal(400, f"certificates of type {wish.type[:40]!r} have no use here; only client is known")
    if wish.token:
        return await _make_token(host, request, who, wish)
    certificate = _certificate(host, request, wish)
    name = wish.name or f"added-by-{who.name}"
    scopes = _scopes(restricted=wish.restricted, projects=wish.projects)
    added = await _change(host, lambda: host.certificates.add(name, certificate, Role.READER, scopes))
    await _announce(host, request, who, "certificate-created", added)
    return sync(None, _URL + added.fingerprint)


async def _join(host: Host, request: web.Request, wish: CertificateWish) -> web.StreamResponse:
    """Trust the certificate of somebody who shows a join token."""
    certificate = _certificate(host, request, wish)
    try:
        secret = decode_join_token(wish.trust_token or wish.password).secret
    except InvalidAccount:
        raise Refusal(403, "not authorized") from None
    added = await _change(host, lambda: host.certificates.join(secret, certificate))
    joined = Principal(added.fingerprint, added.role, added.scopes, "tls")
    await _announce(host, request, joined, "certificate-created", added)
    return sync(None, _URL + added.fingerprint)


async def _make_token(host: Host, request: web.Request, who: Principal, wish: CertificateWish) -> web.StreamResponse:
    if host.server_certificate is None:
        raise Refusal(400, "there is no TLS listener to join through; set tls_listen")
    scopes = _scopes(restricted=wish.restricted, projects=wish.projects)
    token, secret = await _change(
        host, lambda: host.certificates.create_join_token(wish.name, Role.READER, scopes, None)
    )
    requestor = requestor_of(host, request, who)
    await announce(
        host.core, host.clock, "certificate-token-created", f"Join token for {token.name} created",
        actor=who.name, subject=f"certificate token {token.id}",
        payload={"id": token.id, "name": token.name, "scope": list(token.scopes), "requestor": requestor},
    )  # fmt: skip
    # in this answer only: a listing of operations, or an event, must not open the door
    return background(token_operation(host, token, secret))


def token_operation(host: Host, token: JoinToken, secret: str = _HIDDEN) -> dict[str, object]:
    """Return a pending join token as the operation that LXD makes of it.

    Clients list and revoke only those with all members that make the token's text; without its secret that opens nothing.
    """
    certificate = host.server_certificate
    metadata: dict[str, object] = {
        "addresses": host.tls_addresses,
        "fingerprint": certificate.fingerprint if certificate else "",
        "request": {"name": token.name, "restricted": bool(token.scopes), "projects": list(token.scopes)},
        "secret": secret,
    }
    if token.expires_ns is not None:
        metadata["expiresAt"] = time_of(token.expires_ns)
    return {
        "id": token.id, "class": "token", "description": "Executing operation", "created_at": time_of(token.created_ns),
        "updated_at": time_of(token.created_ns), "status": "Running", "status_code": _RUNNING, "resources": None,
        "metadata": metadata, "may_cancel": True, "err": "", "location": "none",
    }  # fmt: skip


async def change_certificate(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Change a certificate's name or projects; with other projects, streams it has open end."""
    old = _visible(host, request, who)
    wish = await read_body(request, CertificateChange)
    restricted = bool(old.scopes) if wish.restricted is None else wish.restricted
    projects = wish.projects if wish.projects is not None else old.scopes
    scopes = _scopes(restricted=restricted, projects=projects)
    name = old.name if wish.name is None else wish.name
    new = await _change(
        host, lambda: host.certificates.update(old.fingerprint, name=name, role=old.role, scopes=scopes)
    )
    if set(new.scopes) != set(old.scopes):
        # its streams would go on with what it might see before
        _end_streams(host, new, "this certificate may see other projects now; connect again")
    await _announce(host, request, who, "certificate-updated", new)
    return sync({})


async def remove_certificate(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """End the trust in a certificate; streams it has open end too."""
    fingerprint = _visible(host, request, who).fingerprint
    removed = await _change(host, lambda: host.certificates.remove(fingerprint))
    _end_streams(host, removed, "this certificate is trusted no more")
    await _announce(host, request, who, "certificate-deleted", removed)
    return sync({})


def _end_streams(host: Host, one: Certificate, reason: str) -> None:
    host.end_streams(Principal(one.fingerprint, one.role, one.scopes, "tls"), reason)


def _visible(host: Host, request: web.Request, who: Principal) -> Certificate:
    try:
        found = host.certificates.get(request.match_info["fingerprint"].lower())
    except NotFound:
        raise Refusal(404, "Certificate not found") from None
    if not (who.is_admin or found.fingerprint == who.name):
        raise Refusal(404, "Certificate not found")
    return found


def _certificate(host: Host, request: web.Request, wish: CertificateWish) -> bytes:
    """Return the DER in the body, or that of the connection when the body holds none."""
    if wish.certificate:
        try:
            # pylxd breaks the lines, and Go's decoder, which LXD uses, doesn't mind
            return base64.b64decode("".join(wish.certificate.split()), validate=True)
        except binascii.Error:
            raise Refusal(400, "certificate must be the base64 of its DER") from None
    shown = host.certificate(request)
    if shown is None:
        raise Refusal(400, "No client certificate provided")
    return shown


def _scopes(*, restricted: bool, projects: tuple[str, ...] | None) -> tuple[str, ...]:
    if not restricted:
        if projects:
            raise Refusal(
                400, "projects are given, but the certificate is not restricted: set restricted, or it sees all"
            )
        return ()
    if not projects:
        raise Refusal(400, "a restricted certificate needs at least one project; without any it could see nothing")
    return projects


async def _change(host: Host, work: Callable[[], T]) -> T:
    try:
        return await host.blocking(work)
    except (InvalidAccount, Forbidden) as fault:
        raise Refusal(403 if isinstance(fault, Forbidden) else 400, str(fault)) from None


async def _announce(host: Host, request: web.Request, who: Principal, kind: str, one: Certificate) -> None:
    payload = {
        "fingerprint": one.fingerprint, "name": one.name, "role": one.role.value, "scope": list(one.scopes),
        "requestor": requestor_of(host, request, who),
    }  # fmt: skip
    message = f"Certificate {one.name or one.fingerprint[:12]} {kind.rpartition('-')[2]}"
    await announce(
        host.core, host.clock, kind, message, actor=who.name, subject=f"certificate {one.fingerprint}", payload=payload
    )


def _shown(one: Certificate) -> dict[str, object]:
    return {
        "name": one.name, "type": "client", "restricted": bool(one.scopes), "projects": list(one.scopes),
        "certificate": one.pem, "fingerprint": one.fingerprint,
    }  # fmt: skip
