"""The description of the API, OpenAPI 3.1, from the route table and the very structs that are read and written."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.server.context import Body, Route
from tidings.server.parameters import Parameter
from tidings.server.problems import MEDIA_TYPE, PROBLEMS

_PLACE = re.compile(r"{(\w+)}")
_TITLES = {problem.status: problem.title for problem in reversed(list(PROBLEMS.values()))} | {500: "The server failed"}


class ProblemDocument(msgspec.Struct, frozen=True):
    """An error (RFC 9457). *type* ends with a word for it; some errors have members of their own beside these."""

    type: str
    title: str
    status: int
    detail: str


def describe(routes: Sequence[Route]) -> bytes:
    """Return the document as JSON."""
    types = [body.type for route in routes for body in (route.takes, route.gives) if body is not None and body.type]
    schemas, components = msgspec.json.schema_components(
        [*types, ProblemDocument], ref_template="#/components/schemas/{name}"
    )
    schema_of = {id(shape): schema for shape, schema in zip(types, schemas, strict=False)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "tidings",
            "description": "One durable, searchable, live event log for infrastructure.",
            "version": _version(),
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }
    return msgspec.json.encode(document)


def _version() -> str:
    try:
        return importlib.metadata.version("tidings")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that isn't installed
        return "0"


def _operation(route: Route, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {str(route.status): _answer(route.gives, schema_of)}
    guard = () if route.role is None else (401, 403, 503)
    for status in sorted({400, 500, *guard, *route.errors}):
        problem = {"$ref": "#/components/schemas/ProblemDocument"}
        answers[str(status)] = {"description": _TITLES.get(status, ""), "content": {MEDIA_TYPE: {"schema": problem}}}
    operation: dict[str, Any] = {
        "operationId": route.answer.__name__,
        "summary": route.help,
        "security": [] if route.role is None else [{"token": []}, {"password": []}],
        "parameters": [*map(_place, _PLACE.findall(route.path)), *map(_parameter, route.parameters)],
        "responses": answers,
    }
    if route.role is not None:
        operation["x-role"] = route.role.value
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": _content(route.takes, schema_of)}
    return operation


def _answer(gives: Body | None, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    if gives is None:
        return {"description": "Done"}
    return {"description": "The answer", "content": _content(gives, schema_of)}


def _content(body: Body, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    schema = schema_of[id(body.type)] if body.type else {}
    return {media_type: {"schema": schema} for media_type in body.media_types}


def _place(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.type}
    if parameter.choices:
        schema["enum"] = parameter.choices
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {"name": parameter.name, "in": "query", "description": parameter.help, "schema": schema}
