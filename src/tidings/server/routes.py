"""The one table of routes: the application, the API's description and the docs test all follow it."""

from __future__ import annotations

from tidings.answers import NDJSON, Count, Ends, FieldInfo, KindInfo, Oldest, Published
from tidings.auth import Role
from tidings.collect import CollectorStatus
from tidings.server import accounts, collectors, events, health, ingest, queries, states, streams, trust
from tidings.server.context import Body, Route
from tidings.server.parameters import Parameter
from tidings.server.replies import JSON
from tidings.telemetry.metrics import CONTENT_TYPE

_JSON = (JSON,)
_READER, _WRITER, _ADMIN = Role.READER, Role.WRITER, Role.ADMIN

_SEARCH = Parameter("search", "A text of the search language; empty matches everything.")
_ZONE = Parameter("zone", "Time zone, such as Europe/Vienna, of times in the search that have none; UTC if not given.")
_AFTER = Parameter("after", "Only events with a greater index.", "integer")
_QUERY = (_SEARCH, _ZONE)
_PUBLISH = (
    Parameter(
        "format",
        "The language of the events; auto tells by the content of each.",
        choices=ingest.FORMATS,
        default="auto",
    ),
    Parameter("source", "Which system sent them, for events that don't say."),
)
_PAGE = (
    *_QUERY,
    _AFTER,
    Parameter("max", f"Events in the answer, 1 to {events.MAX_PAGE}; in an export any number, 0 for all.", "integer", default=events.DEFAULT_PAGE),
    Parameter("order", "By index, where the search doesn't say how to sort.", choices=("newest", "oldest")),
    Parameter("cursor", "What the header Tidings-Next-Cursor of the page before said."),
    Parameter("format", "The form of the answer, instead of the Accept header.", choices=tuple(events.MEDIA_TYPES)),
    Parameter("export", "1: everything that matches, streamed, oldest first unless order says otherwise.", choices=("0", "1")),
    Parameter("raw", "1: CSV without the apostrophe before cells that a spreadsheet takes for a formula.", choices=("0", "1")),
)  # fmt: skip
_FOLLOW = (
    *_QUERY,
    Parameter(
        "after", "Replay from behind this index, 0 for all that is kept; only new events if not given.", "integer"
    ),
)
_WAIT = (
    *_FOLLOW,
    Parameter("timeout", f"How long to wait, such as 60s, at most {streams.MAX_WAIT_S:g} s.", default="60"),
)
_STATE = (
    Parameter("name", "The name or the id, with * for any text."),
    Parameter("type", "Such as instance, container, vm, host or image."),
    Parameter("source", "Which system told it."),
    Parameter("scope", "Project, data centre or compartment."),
    Parameter("state", "Such as running, stopped, up or down; gone for what is no more, which is left out otherwise."),
    Parameter("max", f"Things in the answer, 1 to {states.MAX_THINGS}.", "integer", default=states.DEFAULT_THINGS),
)
_SPANS = (
    *_QUERY,
    Parameter("from", "The first instant, RFC 3339."),
    Parameter("to", "The first instant after it."),
    Parameter("step", "The length of a span, such as 1h.", default="1h"),
)
_FACETS = (
    *_QUERY,
    Parameter("fields", "Names of fields, joined by commas.", default="kind,severity,source"),
    Parameter("max", f"Values of each, 1 to {queries.MAX_FACET_VALUES}.", "integer", default=20),
)

_EVENTS = Body((events.MANY, NDJSON, events.CSV))
_TAKES = Body((events.ONE, events.MANY, NDJSON, JSON))
_TOKENS, _USERS, _TRUST = "/v1/tokens", "/v1/users", "/v1/trust"
_SEARCHED = (413, 504, 507)

ROUTES: tuple[Route, ...] = (
    Route("POST", "/v1/events", events.publish, _WRITER, "Store events, all or none; they are on disk when it answers.", _PUBLISH, _TAKES, Body(_JSON, Published), errors=(413, 415, 507)),
    Route("GET", "/v1/events", events.search, _READER, "Search, a page at a time or as an export.", _PAGE, None, _EVENTS, errors=(410, *_SEARCHED)),
    Route("GET", "/v1/events/{index}", events.one, _READER, "One event.", (), None, Body((events.ONE,)), errors=(404,)),
    Route("GET", "/v1/head", events.head, _READER, "The newest and the oldest index.", (), None, Body(_JSON, Ends)),
    Route("GET", "/v1/count", events.count, _READER, "How many events match.", _QUERY, None, Body(_JSON, Count), errors=_SEARCHED),
    Route("GET", "/v1/stream", streams.stream, _READER, "Follow: server-sent events, or a WebSocket by upgrade.", _FOLLOW, None, Body(("text/event-stream",)), errors=(410,), lasting=True),
    Route("GET", "/v1/wait", streams.wait, _READER, "The first event that matches, or 204 when none comes in time.", _WAIT, None, Body((events.ONE,)), errors=(410,), lasting=True),
    Route("GET", "/v1/state", states.states, _READER, "The last known state of each thing, the last changed first.", _STATE, None, Body(_JSON, list[states.ThingRow])),
    Route("GET", "/v1/histogram", queries.histogram, _READER, "Events by time and severity.", _SPANS, None, Body(_JSON, queries.Buckets), errors=_SEARCHED),
    Route("GET", "/v1/facets", queries.facets, _READER, "The most frequent values of fields.", _FACETS, None, Body(_JSON, dict[str, list[queries.FacetValue]]), errors=_SEARCHED),
    Route("GET", "/v1/kinds", queries.kinds, _READER, "Kinds of events, documented or seen.", (Parameter("search", "Words that must occur in it."),), None, Body(_JSON, list[KindInfo]), errors=_SEARCHED),
    Route("GET", "/v1/fields", queries.fields, _READER, "The searchable fields.", (), None, Body(_JSON, list[FieldInfo])),
    Route("GET", _TOKENS, accounts.list_tokens, _ADMIN, "All tokens, without their secrets.", (), None, Body(_JSON, list[accounts.TokenRow])),
    Route("POST", _TOKENS, accounts.create_token, _ADMIN, "Create a token; its secret is shown this once.", (), Body(_JSON, accounts.TokenWish), Body(_JSON, accounts.TokenRow), 201, (413,)),
    Route("DELETE", f"{_TOKENS}/{{name}}", accounts.revoke_token, _ADMIN, "Revoke a token.", status=204, errors=(404,)),
    Route("GET", _USERS, accounts.list_users, _ADMIN, "All users.", (), None, Body(_JSON, list[accounts.UserRow])),
    Route("POST", _USERS, accounts.add_user, _ADMIN, "Add a user.", (), Body(_JSON, accounts.UserWish), Body(_JSON, accounts.UserRow), 201, (413,)),
    Route("DELETE", f"{_USERS}/{{name}}", accounts.remove_user, _ADMIN, "Remove a user.", status=204, errors=(404,)),
    Route("PUT", f"{_USERS}/{{name}}/password", accounts.set_password, _ADMIN, "Give a user another password.", (), Body(_JSON, accounts.PasswordWish), status=204, errors=(404, 413)),
    Route("GET", _TRUST, trust.list_certificates, _ADMIN, "All trusted client certificates.", (), None, Body(_JSON, list[trust.CertificateRow])),
    Route("POST", _TRUST, trust.add_certificate, _ADMIN, "Trust a client certificate.", (), Body(_JSON, trust.CertificateWish), Body(_JSON, trust.CertificateRow), 201, (413,)),
    Route("GET", f"{_TRUST}/tokens", trust.list_join_tokens, _ADMIN, "Join tokens that wait to be used, without their secrets.", (), None, Body(_JSON, list[trust.JoinTokenRow])),
    Route("POST", f"{_TRUST}/tokens", trust.create_join_token, _ADMIN, "Create a join token for an LXD client; it is shown this once.", (), Body(_JSON, trust.JoinTokenWish), Body(_JSON, trust.JoinTokenRow), 201, (413,)),
    Route("DELETE", f"{_TRUST}/tokens/{{id}}", trust.revoke_join_token, _ADMIN, "Revoke a join token.", status=204, errors=(404,)),
    Route("DELETE", f"{_TRUST}/{{fingerprint}}", trust.remove_certificate, _ADMIN, "Trust a client certificate no more; its streams end.", status=204, errors=(404,)),
    Route("GET", "/v1/collectors", collectors.list_collectors, _READER, "How each collector is.", (), None, Body(_JSON, list[CollectorStatus])),
    Route("POST", "/v1/trim", accounts.trim, _ADMIN, "Delete old events, by whole segments.", (), Body(_JSON, accounts.TrimWish), Body(_JSON, Oldest), errors=(413, 507)),
    Route("GET", "/healthz", health.healthz, None, "Whether the process lives.", (), None, Body(_JSON, health.Status)),
    Route("GET", "/readyz", health.readyz, None, "Whether it takes requests.", (), None, Body(_JSON, health.Status), errors=(503,)),
    Route("GET", "/metrics", health.metrics, _READER, "Metrics for Prometheus; open to everybody with metrics_public.", (), None, Body((CONTENT_TYPE,))),
    Route("GET", "/openapi.json", health.openapi, _READER, "This description.", (), None, Body(_JSON)),
)  # fmt: skip
