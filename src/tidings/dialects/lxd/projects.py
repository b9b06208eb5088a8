"""Projects, as LXD's clients know them: the scopes that occur in the log, whatever system they came from."""

from __future__ import annotations

from urllib.parse import quote

from tidings.auth import Principal
from tidings.core import Core
from tidings.query.ast import EVERYTHING, AnyOf, Column, Compare, Pattern, Query

DEFAULT = "default"
MAX_PROJECTS = 1_000
"""How many a list names; the most frequent ones when there are more."""

_URL = "/1.0/projects/"


def url_of(project: str) -> str:
    """Return the URL of a project."""
    return _URL + quote(project, safe="")


async def list_projects(core: Core, who: Principal) -> list[str]:
    """Return the projects that *who* may see, `DEFAULT` among them for those who may see all."""
    if who.scopes:
        return sorted(scope for scope in who.scopes if scope)
    found = (await core.facet(EVERYTHING, who, (Column.SCOPE,), MAX_PROJECTS))[Column.SCOPE]
    return sorted({DEFAULT, *(scope for scope, _ in found if scope)})


async def exists(core: Core, who: Principal, project: str) -> bool:
    """Whether *who* may see a project of this name: it has an event, or was created."""
    if who.scopes:
        return project in who.scopes
    if project == DEFAULT:
        return True
    where = AnyOf((_exactly(Column.SCOPE, project), _exactly(Column.SUBJECT, _URL + project)))
    return bool((await core.search(Query(where, limit=1), who)).lines)


def _exactly(column: Column, value: str) -> Compare:
    return Compare(column, "=", Pattern((value,), case_sensitive=True))
