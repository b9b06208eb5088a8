"""Which TLS clients are trusted, and join tokens: what only an admin may do. Each change is announced in the log."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from aiohttp import web

from tidings import rfc3339
from tidings.auth import Certificate, JoinToken, Principal, Role
from tidings.dialects.lxd.join_token import encode_join_token
from tidings.own_events import announce
from tidings.server.context import Context
from tidings.server.errors import BadRequest
from tidings.server.replies import read_json, reply, reply_nothing

MAX_ADDRESSES = 20
_ADDRESS = re.compile(r"(?:\[[0-9a-f:.]{2,45}\]|[\w.-]{1,253}):([0-9]{1,5})", re.ASCII | re.IGNORECASE)


class CertificateWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate (PEM) to trust; without scopes it sees all events."""

    name: str
    certificate: str
    role: Role
    scopes: tuple[str, ...] = ()


class CertificateRow(msgspec.Struct, frozen=True):
    """A trusted certificate; *expires* is the end of its own validity."""

    fingerprint: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    added: str
    expires: str


class JoinTokenWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A join token to make; without expires_s it never expires, without addresses the server says its own."""

    name: str
    role: Role
    scopes: tuple[str, ...] = ()
    expires_s: float | None = None
    addresses: tuple[str, ...] = ()


class JoinTokenRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A join token without its secret; *token* is what the client needs, in the answer that made it and never again."""

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    created: str
    expires: str | None
    token: str = ""


async def list_certificates(context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer all trusted certificates."""
    return reply([_row(certificate) for certificate in context.certificates.list()])


async def add_certificate(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Trust a certificate."""
    wish = await read_json(request, CertificateWish)
    content = wish.certificate.encode()
    added = await context.blocking(lambda: context.certificates.add(wish.name, content, wish.role, wish.scopes))
    message = f"Certificate {added.name} trusted ({added.role}){_limits(added.scopes)}"
    await _announce(context, who, "certificate-created", message, added)
    return reply(_row(added), 201)


async def remove_certificate(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Trust a certificate no more; it is refused from now on, and the streams it opened end."""
    fingerprint = request.match_info["fingerprint"]
    gone = await context.blocking(lambda: context.certificates.remove(fingerprint))
    context.subscriptions.end_of(gone.fingerprint, "tls", "this certificate is no longer trusted")
    await _announce(context, who, "certificate-deleted", f"Certificate {gone.name} no longer trusted", gone)
    return reply_nothing()


async def list_join_tokens(context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer the join tokens that can still be used."""
    return reply([_token_row(token) for token in context.certificates.join_tokens()])


async def create_join_token(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Make a join token and show it, this once."""
    wish = await read_json(request, JoinTokenWish)
    server = context.server_certificate
    if server is None:
        raise BadRequest("body", "no TLS listener: set tls_listen, since a client can join by TLS only")
    addresses = _checked_addresses(wish.addresses) or context.tls_addresses
    token, secret = await context.blocking(
        lambda: context.certificates.create_join_token(wish.name, wish.role, wish.scopes, wish.expires_s)
    )
    message = f"Join token for {token.name} created ({token.role}){_limits(token.scopes)}"
    await _announce_token(context, who, "certificate-token-created", message, token)
    text = encode_join_token(token.name, server.fingerprint, addresses, secret, token.expires_ns)
    return reply(_token_row(token, text), 201)


async def revoke_join_token(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Take a join token back; it is refused from now on."""
    number = request.match_info["id"]
    token = await context.blocking(lambda: context.certificates.revoke_join_token(number))
    await _announce_token(context, who, "certificate-token-revoked", f"Join token for {token.name} revoked", token)
    return reply_nothing()


def _checked_addresses(addresses: Sequence[str]) -> list[str]:
    if len(addresses) > MAX_ADDRESSES:
        raise BadRequest("addresses", f"a join token names at most {MAX_ADDRESSES} addresses, not {len(addresses)}")
    for address in addresses:
        match = _ADDRESS.fullmatch(address)
        if match is None or not 0 < int(match[1]) < 65536:
            raise BadRequest("addresses", f"{address[:80]!r} is no address; write HOST:PORT or [IPv6]:PORT")
    return list(dict.fromkeys(addresses))


def _limits(scopes: Sequence[str]) -> str:
    return f" for {', '.join(scopes)}" if scopes else ""


async def _announce(context: Context, who: Principal, kind: str, message: str, one: Certificate) -> None:
    payload = {"fingerprint": one.fingerprint, "name": one.name, "role": one.role.value, "scope": list(one.scopes)}
    subject = f"certificate {one.fingerprint}"
    await announce(context.core, context.clock, kind, message, actor=who.name, subject=subject, payload=payload)


async def _announce_token(context: Context, who: Principal, kind: str, message: str, one: JoinToken) -> None:
    payload = {"id": one.id, "name": one.name, "role": one.role.value, "scope": list(one.scopes)}
    subject = f"certificate token {one.id}"
    await announce(context.core, context.clock, kind, message, actor=who.name, subject=subject, payload=payload)


def _row(one: Certificate) -> CertificateRow:
    added, expires = rfc3339.render(one.added_ns), rfc3339.render(one.expires_ns)
    return CertificateRow(one.fingerprint, one.name, one.role, one.scopes, added, expires)


def _token_row(one: JoinToken, text: str = "") -> JoinTokenRow:
    expires = None if one.expires_ns is None else rfc3339.render(one.expires_ns)
    return JoinTokenRow(one.id, one.name, one.role, one.scopes, rfc3339.render(one.created_ns), expires, text)
