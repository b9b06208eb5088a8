"""From LXD's URLs to paths, projects and typed links.

A URL names objects from the outside in, ``/1.0/storage-pools/pool0/volumes/custom/v1/snapshots/s0``: each collection
segment is followed by a name. The table says which type of link a collection's names are; any other segment names
nothing.
"""

from __future__ import annotations

import functools
import itertools
import urllib.parse
from collections.abc import Iterable, Iterator

from tidings.dialects.lxd.wire import Members, members, one_line, text
from tidings.event import Link

# 5.0 calls instances ``containers`` beside their own name and volumes ``storage_volumes`` and ``volume`` in operations.
_COLLECTIONS: dict[str, str] = {
    "auth/groups": "auth_group",
    "auth/identities": "identity",
    "auth/identity-provider-groups": "identity_provider_group",
    "backups": "backup",
    "buckets": "storage_bucket",
    "certificates": "certificate",
    "cluster/groups": "cluster_group",
    "cluster/links": "cluster_link",
    "cluster/members": "cluster_member",
    "container": "instance",
    "containers": "instance",
    "forwards": "network_forward",
    "images": "image",
    "images/aliases": "image_alias",
    "instance": "instance",
    "instances": "instance",
    "keys": "storage_bucket_key",
    "load-balancers": "network_load_balancer",
    "network-acls": "network_acl",
    "network-address-sets": "network_address_set",
    "network-integrations": "network_integration",
    "network-zones": "network_zone",
    "networks": "network",
    "operations": "operation",
    "peers": "network_peer",
    "placement-groups": "placement_group",
    "profiles": "profile",
    "projects": "project",
    "records": "network_zone_record",
    "replicators": "replicator",
    "snapshots": "snapshot",
    "storage-pools": "storage_pool",
    "storage_volume_snapshots": "volume",
    "storage_volumes": "volume",
    "virtual-machines": "instance",
    "volume": "volume",
    "volumes": "volume",
    "warnings": "warning",
}
# Here a type or a method stands between the collection and the name.
_TYPED = frozenset({"volumes", "auth/identities"})
# What may follow an instance's name and isn't, as in operations of 5.0, the bare name of a snapshot.
_NOT_A_SNAPSHOT = frozenset({"console", "exec", "files", "logs", "metadata", "rebuild", "sftp", "state"})
# Log lines name their objects by these context keys.
_CONTEXT: dict[str, tuple[str, str]] = {
    "instance": ("instance", "instances"),
    "network": ("network", "networks"),
    "fingerprint": ("image", "images"),
    "pool": ("storage_pool", "storage-pools"),
    "profile": ("profile", "profiles"),
    "operation": ("operation", "operations"),
    "volName": ("volume", ""),
    "volume": ("volume", ""),
    "storage_volume": ("volume", ""),
}

# Far more than any real event has: a URL or a list without end must not become a column or a cache without end.
MAX_NAME = 255
MAX_URL = 2048
MAX_LINKS = 64


def path_of(url: str) -> str:
    """Return *url* without its query."""
    return url.partition("?")[0]


def project_of(url: str) -> str:
    """Return the project that the query of *url* names, or empty."""
    query = url.partition("?")[2]
    return urllib.parse.parse_qs(query[:MAX_URL]).get("project", [""])[0] if query else ""


def links_of(url: str) -> tuple[Link, ...]:
    """Return the objects that *url* names, outermost first."""
    return _links_of(path_of(url)[:MAX_URL])


@functools.lru_cache(maxsize=4096)
def _links_of(path: str) -> tuple[Link, ...]:
    # cached, because objects repeat
    return tuple(_walk([urllib.parse.unquote(part) for part in path.split("/") if part][1:]))


def _walk(segments: list[str]) -> Iterator[Link]:
    at, last = 0, ""
    while at < len(segments):
        collection = segments[at]
        if at + 1 < len(segments) and f"{collection}/{segments[at + 1]}" in _COLLECTIONS:
            at += 1
            collection = f"{collection}/{segments[at]}"
        type = _COLLECTIONS.get(collection)
        name_at = at + (2 if collection in _TYPED else 1)
        if type and name_at < len(segments):
            yield _link(type, segments[name_at])
            last, at = type, name_at + 1
            continue
        if last in ("instance", "volume") and at == len(segments) - 1 and collection not in _NOT_A_SNAPSHOT:
            yield _link("snapshot", collection)
        last, at = "", at + 1


def _link(type: str, name: str) -> Link:
    return Link(type, one_line(name, MAX_NAME))


def resources_of(metadata: Members) -> list[str]:
    """Return the URLs of an operation's resources, instances first, at most MAX_LINKS of them.

    The event itself sorts them by key, so that ``containers``, the old name of the same thing, would win over
    ``instances``, by which every other event calls it.
    """
    lists = sorted(members(metadata, "resources").items(), key=lambda item: item[0] != "instances")
    urls = (url for _, urls in lists if isinstance(urls, list) for url in urls if isinstance(url, str))
    return list(itertools.islice(urls, MAX_LINKS))


def context_subject(context: Members) -> str:
    """Return the path of the first object that a log line's context names, or empty."""
    for key in _context_keys(context):
        collection = _CONTEXT[key][1]
        if collection and (name := text(context, key)):
            return f"/1.0/{collection}/{_name_path(key, name)}"
    return ""


def _context_keys(context: Members) -> Iterator[str]:
    """Return the keys that name objects, in the table's order, quickly none for the many log lines without."""
    return iter(()) if _CONTEXT.keys().isdisjoint(context) else (key for key in _CONTEXT if key in context)


def _name_path(key: str, name: str) -> str:
    # the daemon calls a snapshot c1/s1, its API /1.0/instances/c1/snapshots/s1
    if key == "operation":
        return operation_id(name)
    owner, slash, snapshot = name.partition("/")
    quoted = urllib.parse.quote(owner, safe="")
    return f"{quoted}/snapshots/{urllib.parse.quote(snapshot, safe='')}" if slash and key == "instance" else quoted


def context_links(context: Members) -> Iterator[Link]:
    """Yield links to the objects that a log line's or a lifecycle event's context names."""
    for key in _context_keys(context):
        type, name = _CONTEXT[key][0], text(context, key)
        if type == "operation":
            name = operation_id(name)
        owner, slash, snapshot = name.partition("/")
        yield _link(type, owner)
        if slash:
            yield _link("snapshot", snapshot)
    if pool := text(context, "storage-pool"):
        yield _link("storage_pool", pool)


def operation_id(reference: str) -> str:
    """Return the id of an operation that is named by its id or its URL."""
    return path_of(reference).rpartition("/")[2]


def distinct(links: Iterable[Link]) -> tuple[Link, ...]:
    """Return *links* without repeats and without empty names, at most MAX_LINKS of them."""
    found: dict[Link, None] = {}
    for link in links:
        if link.name:
            found[link] = None
            if len(found) == MAX_LINKS:
                break
    return tuple(found)
