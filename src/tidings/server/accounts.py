"""Tokens, users and deleting old events: what only an admin may do. Each change is announced in the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from tidings import rfc3339
from tidings.answers import Oldest
from tidings.auth import Principal, Role, TokenInfo
from tidings.own_events import announce
from tidings.server.context import Context
from tidings.server.errors import BadRequest
from tidings.server.parameters import MAX_INDEX
from tidings.server.replies import read_json, reply, reply_nothing
from tidings.server.retention import reachable
from tidings.server.retention import trim as trim_log


class TokenWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to create; without scopes it sees all events, without expires_s it never expires."""

    name: str
    role: Role
    scopes: tuple[str, ...] = ()
    expires_s: float | None = None


class TokenRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token without its secret; *token* is the secret, in the answer that created it and never again."""

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    created: str
    expires: str | None
    last_used: str | None
    token: str = ""


class UserWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user to add."""

    name: str
    password: str
    role: Role


class UserRow(msgspec.Struct, frozen=True):
    """A user without the password."""

    name: str
    role: Role


class PasswordWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user's new password."""

    password: str


class TrimWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Delete what lies below this index, as far as whole segments allow."""

    before: Annotated[int, Meta(ge=0, le=MAX_INDEX)]


async def list_tokens(context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer all tokens."""
    return reply([_row(info) for info in context.tokens.list()])


async def create_token(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Make a token and show its secret, this once."""
    wish = await read_json(request, TokenWish)
    info, secret = await context.blocking(
        lambda: context.tokens.create(wish.name, wish.role, wish.scopes, wish.expires_s)
    )
    limits = f" for {', '.join(info.scopes)}" if info.scopes else ""
    payload = {"name": info.name, "role": info.role.value, "scope": list(info.scopes)}
    await _announce(
        context, who, "token-created", f"Token {info.name} created ({info.role}){limits}", info.name, payload
    )
    return reply(_row(info, secret), 201)


async def revoke_token(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Delete a token; it is refused from now on."""
    name = request.match_info["name"]
    await context.blocking(lambda: context.tokens.revoke(name))
    await context.blocking(lambda: context.sessions.end_of(name, "token"))
    context.subscriptions.end_of(name, "token", "this token was revoked")
    await _announce(context, who, "token-revoked", f"Token {name} revoked", name, {"name": name})
    return reply_nothing()


async def list_users(context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer all users."""
    users = await context.blocking(context.passwords.list)
    return reply([UserRow(user.name, user.role) for user in users])


async def add_user(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Add a user."""
    wish = await read_json(request, UserWish)
    user = await context.blocking(lambda: context.passwords.add(wish.name, wish.password, wish.role))
    payload = {"name": user.name, "role": user.role.value}
    await _announce(context, who, "user-added", f"User {user.name} added ({user.role})", user.name, payload)
    return reply(UserRow(user.name, user.role), 201)


async def set_password(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Give a user another password."""
    name = request.match_info["name"]
    wish = await read_json(request, PasswordWish)
    await context.blocking(lambda: context.passwords.set_password(name, wish.password))
    await context.blocking(lambda: context.sessions.end_of(name))
    await _announce(context, who, "password-changed", f"Password of user {name} changed", name, {"name": name})
    return reply_nothing()


async def remove_user(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Delete a user."""
    name = request.match_info["name"]
    await context.blocking(lambda: context.passwords.remove(name))
    await context.blocking(lambda: context.sessions.end_of(name))
    context.subscriptions.end_of(name, "password", "this user was removed")
    await _announce(context, who, "user-removed", f"User {name} removed", name, {"name": name})
    return reply_nothing()


async def trim(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Delete old events."""
    wish = await read_json(request, TrimWish)
    if wish.before > context.core.head + 1:
        raise BadRequest(
            "before", f"before is {wish.before}, but the newest event is {context.core.head}; nothing was deleted"
        )
    before = reachable((await context.look_at_log()).segments, wish.before)
    return reply(Oldest(await trim_log(context.core, context.clock, context.jobs, before, "request", who.name)))


async def _announce(
    context: Context, who: Principal, kind: str, message: str, name: str, payload: Mapping[str, object]
) -> None:
    subject = f"{kind.partition('-')[0].replace('password', 'user')} {name}"
    await announce(context.core, context.clock, kind, message, actor=who.name, subject=subject, payload=payload)


def _row(info: TokenInfo, secret: str = "") -> TokenRow:
    return TokenRow(
        id=info.id,
        name=info.name,
        role=info.role,
        scopes=info.scopes,
        created=rfc3339.render(info.created_ns),
        expires=None if info.expires_ns is None else rfc3339.render(info.expires_ns),
        last_used=None if info.last_used_ns is None else rfc3339.render(info.last_used_ns),
        token=secret,
    )
