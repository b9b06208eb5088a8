"""Who may do what: tokens, passwords, the Unix socket's peers, and the gate that asks them all."""

from tidings.auth.errors import InvalidAccount
from tidings.auth.gate import Gate
from tidings.auth.passwords import Passwords, UserInfo
from tidings.auth.peer import Peer, peer_uid, socket_principal
from tidings.auth.principals import Principal, Role, condition, may_write_scope
from tidings.auth.throttle import Throttle
from tidings.auth.tokens import TokenInfo, Tokens

__all__ = [
    "Gate",
    "InvalidAccount",
    "Passwords",
    "Peer",
    "Principal",
    "Role",
    "Throttle",
    "TokenInfo",
    "Tokens",
    "UserInfo",
    "condition",
    "may_write_scope",
    "peer_uid",
    "socket_principal",
]
