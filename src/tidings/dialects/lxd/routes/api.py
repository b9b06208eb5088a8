"""The table of LXD's routes."""

from __future__ import annotations

from tidings.auth import Role
from tidings.dialects.lxd.routes import devlxd, events, operations, server, trust, warnings
from tidings.dialects.lxd.routes.envelope import refuse
from tidings.dialects.routes import Api, Route

_ADMIN = Role.ADMIN
_CERTIFICATE, _OPERATION, _WARNING = "/1.0/certificates/{fingerprint}", "/1.0/operations/{id}", "/1.0/warnings/{id}"

API = Api(
    ("/1.0",),
    (
        Route("GET", "/", server.root, None),
        Route("GET", "/1.0", server.describe, None),
        Route("GET", "/1.0/projects", server.list_projects),
        Route("GET", "/1.0/projects/{name}", server.one_project),
        Route("GET", "/1.0/events", events.events, lasting=True),
        Route("GET", "/1.0/certificates", trust.list_certificates),
        # open: who joins by a token isn't trusted yet
        Route("POST", "/1.0/certificates", trust.add_certificate, None),
        Route("GET", _CERTIFICATE, trust.one_certificate),
        Route("PUT", _CERTIFICATE, trust.change_certificate, _ADMIN),
        Route("PATCH", _CERTIFICATE, trust.change_certificate, _ADMIN),
        Route("DELETE", _CERTIFICATE, trust.remove_certificate, _ADMIN),
        Route("GET", "/1.0/operations", operations.list_operations),
        Route("GET", _OPERATION, operations.one_operation),
        Route("GET", f"{_OPERATION}/wait", operations.wait, lasting=True),
        Route("DELETE", _OPERATION, operations.cancel, _ADMIN),
        Route("GET", "/1.0/warnings", warnings.list_warnings),
        Route("GET", _WARNING, warnings.one_warning),
        Route("PUT", _WARNING, warnings.change_warning, _ADMIN),
        Route("PATCH", _WARNING, warnings.change_warning, _ADMIN),
        Route("DELETE", _WARNING, warnings.delete_warning, _ADMIN),
    ),
    refuse,
)

DEVLXD = Api(
    ("/",),
    (
        Route("GET", "/", devlxd.root, None),
        Route("GET", "/1.0", devlxd.describe, None),
        Route("GET", "/1.0/events", devlxd.events, None, lasting=True),
    ),
    devlxd.refuse,
)
