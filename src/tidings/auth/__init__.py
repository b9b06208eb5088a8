"""Who may do what: tokens, passwords, sessions, client certificates, the Unix socket's peers, and the gate that asks them all."""

from tidings.auth._x509 import fingerprint_of
from tidings.auth.certificates import Certificate, Certificates, JoinToken
from tidings.auth.errors import InvalidAccount
from tidings.auth.gate import Gate
from tidings.auth.passwords import Passwords, UserInfo
from tidings.auth.peer import Peer, peer_uid, socket_principal
from tidings.auth.principals import Principal, Role, condition, may_write_scope
from tidings.auth.sessions import Sessions
from tidings.auth.throttle import Throttle
from tidings.auth.tokens import TokenInfo, Tokens

__all__ = [
    "Certificate",
    "Certificates",
    "Gate",
    "InvalidAccount",
    "JoinToken",
    "Passwords",
    "Peer",
    "Principal",
    "Role",
    "Sessions",
    "Throttle",
    "TokenInfo",
    "Tokens",
    "UserInfo",
    "condition",
    "fingerprint_of",
    "may_write_scope",
    "peer_uid",
    "socket_principal",
]
