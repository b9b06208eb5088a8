from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from tests.docs.documents import DOCS, ROOT, codes, first_codes, page, rows, sections
from tidings.cli.exits import Exit
from tidings.cli.main import main
from tidings.config import CLIENT_VARIABLES, SETTINGS, Setting
from tidings.dialects.table import APIS
from tidings.kinds import catalogue
from tidings.query.fields import FACETS, FIELDS, LINK_TYPES, OPERATORS
from tidings.server.context import Route
from tidings.server.problems import PROBLEMS, Problem
from tidings.server.routes import ROUTES
from tidings.telemetry.metrics import METRICS

COMMON = {"--data", "--url", "--token"}


def commands(group: click.Group = main, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        elif command is not None:
            yield f"{path}{name}", command


COMMANDS = dict(commands())


def written(setting: Setting) -> list[str]:
    default = f"`{setting.default}`" if setting.default else "empty"
    return [f"`{setting.name}`", setting.type.value, default, f"`{setting.variable}`", setting.help]


def test_the_settings_are_listed_as_they_are() -> None:
    table = list(rows(sections(page("configuration.md"))["All settings"]))[1:]

    assert table == [written(setting) for setting in SETTINGS]


@pytest.mark.parametrize("variable", [*CLIENT_VARIABLES, "TIDINGS_DATA"])
def test_every_variable_of_the_command_line_is_listed(variable: str) -> None:
    assert variable in first_codes(page("configuration.md"))


def test_the_search_fields_are_listed_as_they_are() -> None:
    table = list(rows(sections(page("search-language.md"))["Fields"]))[1:]

    assert table == [
        [
            f"`{field.name}`",
            field.type.value,
            ", ".join(f"`{alias}`" for alias in field.aliases) or "–",
            f"`{field.example}`",
            field.help,
        ]
        for field in FIELDS
    ]


def test_every_operator_is_explained() -> None:
    explained = first_codes(sections(page("search-language.md"))["Operators"])

    assert {operator for operators in OPERATORS.values() for operator in operators} <= explained


def test_every_type_of_link_is_listed() -> None:
    assert set(LINK_TYPES) <= set(codes(sections(page("search-language.md"))["Links"]))


def test_every_route_has_a_section_with_a_curl_line() -> None:
    described = sections(page("http-api.md"))

    missing = [
        f"{route.method} {route.path}"
        for route in ROUTES
        if "$ curl " not in described.get(f"`{route.method} {route.path}`", "")
    ]

    assert missing == []


def test_no_route_is_described_that_does_not_exist() -> None:
    existing = {f"`{route.method} {route.path}`" for route in ROUTES}

    assert {heading for heading in sections(page("http-api.md")) if heading.startswith("`")} == existing


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_parameter_of_a_route_is_in_its_section(route: Route) -> None:
    described = set(codes(sections(page("http-api.md"))[f"`{route.method} {route.path}`"]))

    assert {parameter.name for parameter in route.parameters} <= described


@pytest.mark.parametrize("name", APIS)
def test_every_route_of_a_dialect_is_on_its_page(name: str) -> None:
    described = set(codes(page(f"{name.split('.')[2].replace('_', '-')}.md")))
    api = import_module(name).API
    # below the first prefix, where there are several; one that finds its way itself has a pattern for a path
    paths = {
        f"{route.method} {route.path.replace('{slash:/?}', '')}"
        for route in api.routes
        if "{target" not in route.path and not route.path.startswith(api.prefixes[1:])
    }

    assert paths <= described


def test_every_facet_is_named() -> None:
    assert {column.value for column in FACETS} <= set(codes(sections(page("http-api.md"))["`GET /v1/facets`"]))


@pytest.mark.parametrize("problem", {(row.status, row.slug): row for row in PROBLEMS.values()}.values(), ids=str)
def test_every_error_is_listed_with_its_members(problem: Problem) -> None:
    listed = {(row[0], row[1]): row[3] for row in rows(sections(page("http-api.md"))["Errors"])}

    assert set(problem.extra) <= set(codes(listed[str(problem.status), f"`about:blank#{problem.slug}`"]))


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    described = [heading for heading in sections(page("command-line.md")) if heading.startswith("tidings ")]

    assert described == [f"tidings {name}" for name in COMMANDS]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_are_those_in_its_section(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)}
    documented = first_codes(sections(page("command-line.md"))[f"tidings {name}"])

    assert {option for option in documented if option.startswith("-")} == {
        option for option in options - COMMON if option.startswith("-")
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_choice_of_an_option_is_in_its_section(name: str) -> None:
    documented = set(codes(sections(page("command-line.md"))[f"tidings {name}"]))

    for parameter in COMMANDS[name].params:
        if isinstance(parameter.type, click.Choice):
            assert set(parameter.type.choices) <= documented


def test_the_options_of_every_command_are_explained() -> None:
    assert first_codes(sections(page("command-line.md"))["Options of every command"]) >= COMMON


def test_the_exit_codes_are_listed_as_they_are() -> None:
    table = list(rows(sections(page("command-line.md"))["Exit codes"]))[1:]

    assert table == [[f"`{code.value}`", code.meaning] for code in Exit]


def test_the_metrics_are_listed_as_they_are() -> None:
    listed = [row for row in rows(page("metrics.md")) if row[0].startswith("`tidings_") and len(row) == 4]

    assert listed == [
        [
            f"`{metric.name}`",
            metric.type,
            ", ".join(f"`{label}`" for label in metric.labels) or "–",
            metric.help,
        ]
        for metric in METRICS
    ]


def test_every_kind_of_our_own_is_listed() -> None:
    listed = first_codes(sections(page("kinds.md"))["Kinds of our own"])

    assert listed == {kind.kind for kind in catalogue().values() if kind.system == "tidings"}


def test_every_runtime_dependency_has_its_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = project.split("\ndependencies = [", 1)[1].split("]", 1)[0]
    needed = {line.strip(' ",').partition(">")[0] for line in block.strip().splitlines()}

    assert first_codes(page("decisions/0003-dependencies.md")) == needed


def test_every_change_is_in_the_changelog() -> None:
    fragments = {path.name for path in (ROOT / "changes").glob("*.*.md")}

    assert all(f"../changes/{name}\n" in page("changelog.md") for name in fragments)


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_a_page_begins_with_what_its_reader_can_do_afterwards(path: Path) -> None:
    first = next(iter(sections(path.read_text(encoding="utf-8")).values()))

    assert "After this page you " in first or "After these pages you " in first
