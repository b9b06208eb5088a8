"""The table itself: the fields of `Config`, so that every setting is a typed attribute."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from tidings.config._setting import Address, Setting, ValueType, render

_PATH, _SOCKET, _ADDRESS, _TEXT = ValueType.PATH, ValueType.SOCKET, ValueType.ADDRESS, ValueType.TEXT
_SIZE, _COUNT, _DURATION = ValueType.SIZE, ValueType.COUNT, ValueType.DURATION
_SWITCH, _CHOICE = ValueType.SWITCH, ValueType.CHOICE
_LEVELS, _SHAPES = ("debug", "info", "warning", "error"), ("auto", "text", "json")


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting's value, made by `load`: sizes in bytes, durations in seconds, None is "off"."""

    # "data" stands first, because <data> in the others is its value.
    data: Annotated[Path, Setting(_PATH, "~/.local/share/tidings", "Directory of everything that is kept.")]
    listen: Annotated[Address | None, Setting(_ADDRESS, "127.0.0.1:8600", "TCP address without TLS; off opens none.")]
    socket: Annotated[
        Path | None,
        Setting(
            _SOCKET,
            "<data>/unix.socket",
            "Unix socket, trusted by peer uid (root and the server's user are admins); off opens none.",
        ),
    ]
    socket_group: Annotated[
        str,
        Setting(_TEXT, "", "Group whose members may read and publish through the Unix socket."),
    ]
    tls_listen: Annotated[Address | None, Setting(_ADDRESS, "off", "TCP address with TLS; off opens none.")]
    tls_addresses: Annotated[
        str,
        Setting(
            _TEXT,
            "",
            "Addresses of the TLS listener, HOST:PORT, for join tokens; this machine's own if empty.",
        ),
    ]
    devlxd_socket: Annotated[
        Path | None,
        Setting(
            _SOCKET, "off", "Unix socket that serves config and device events as LXD's /dev/lxd does; off opens none."
        ),
    ]
    max_event_size: Annotated[int, Setting(_SIZE, "1MiB", "Largest single event that is accepted.", 1024)]
    max_body_size: Annotated[int, Setting(_SIZE, "64MiB", "Largest request body that is accepted.", 1024)]
    max_requests: Annotated[
        int, Setting(_COUNT, "1024", "Requests in flight beyond which others are told to wait; streams don't count.", 1)
    ]
    max_streams: Annotated[int, Setting(_COUNT, "10000", "Streams beyond which others are told to wait.", 1)]
    max_pending_bytes: Annotated[
        int, Setting(_SIZE, "256MiB", "Events waiting for the disk beyond which publishers are told to wait.", 1024)
    ]
    segment_events: Annotated[
        int, Setting(_COUNT, "100000", "Events after which the segment being written is sealed.", 1)
    ]
    merge_events: Annotated[
        int, Setting(_COUNT, "1000000", "Events up to which small sealed segments are merged into one.", 1)
    ]
    max_unsealed_segments: Annotated[
        int, Setting(_COUNT, "50", "Segments waiting to be sealed beyond which publishers are told to wait.", 1)
    ]
    seal_idle: Annotated[
        float, Setting(_DURATION, "5s", "Time without a new event after which a smaller segment is sealed too.")
    ]
    dedupe_window: Annotated[
        int, Setting(_COUNT, "1000000", "Newest events among which the same source and id make a duplicate.", 1)
    ]
    retain_age: Annotated[
        float, Setting(_DURATION, "0s", "Age at which events are deleted, by whole segments; 0 keeps them for ever.")
    ]
    retain_size: Annotated[
        int, Setting(_SIZE, "0B", "Size of the log at which its oldest segments are deleted; 0 sets no bound.")
    ]
    retention_interval: Annotated[
        float, Setting(_DURATION, "1h", "Time between two looks at what retention may delete.", 1)
    ]
    search_timeout: Annotated[float, Setting(_DURATION, "10s", "Time after which a search is given up.", 1)]
    search_threads: Annotated[int, Setting(_COUNT, "2", "Searches that run at the same time.", 1)]
    stream_buffer: Annotated[
        int, Setting(_SIZE, "64KiB", "Bytes unsent to a stream at which it is fed from the log at its own pace.", 1024)
    ]
    ping_interval: Annotated[float, Setting(_DURATION, "15s", "Time between two signs of life on a quiet stream.", 1)]
    stop_timeout: Annotated[
        float, Setting(_DURATION, "10s", "Time that requests in flight get to finish when the server stops.")
    ]
    session_idle: Annotated[
        float, Setting(_DURATION, "30m", "Time without a request after which who logged in has to do so again.", 1)
    ]
    ovirt_page_size: Annotated[
        int,
        Setting(
            _COUNT, "100", "Events on a page of oVirt's API where the search names a page and nothing says max.", 1
        ),
    ]
    ovirt_strict_search: Annotated[
        bool,
        Setting(
            _SWITCH,
            "false",
            "Answer 400 to a search of oVirt's API that can't be read; else an empty list and a warning.",
        ),
    ]
    ovirt_retain_age: Annotated[
        float,
        Setting(
            _DURATION, "0s", "Age at which oVirt's API shows oVirt's events no more; the engine's is 30d, 0 is never."
        ),
    ]
    container_station_zone: Annotated[
        str, Setting(_TEXT, "UTC", "Time zone of the dates in Container Station's log export, such as Asia/Taipei.")
    ]
    container_station_event_timestamps: Annotated[
        bool, Setting(_SWITCH, "false", "Write event lines with a time, as Container Station does since May 2015.")
    ]
    container_station_always_200: Annotated[
        bool,
        Setting(
            _SWITCH, "false", "Answer errors of Container Station's API with status 200, as some of its clients expect."
        ),
    ]
    container_station_allow_clear: Annotated[
        bool,
        Setting(
            _SWITCH,
            "false",
            "Let admins clear Container Station's log: it then shows nothing older; nothing is deleted.",
        ),
    ]
    job_after: Annotated[
        float,
        Setting(
            _DURATION,
            "1s",
            "Time after which an export, import, trim, seal or merge is told of in the log, with its progress.",
        ),
    ]
    disk_low: Annotated[
        int, Setting(_SIZE, "1GiB", "Free space on the disk below which the server warns; 0 never warns.")
    ]
    log_level: Annotated[str, Setting(_CHOICE, "info", "Lowest level of the server's own log lines.", choices=_LEVELS)]
    log_format: Annotated[
        str,
        Setting(_CHOICE, "auto", "Shape of these lines; auto is text on a terminal, else JSON.", choices=_SHAPES),
    ]
    fsync: Annotated[
        bool,
        Setting(_SWITCH, "true", "Acknowledge only what is on disk; false is for tests, a power cut loses events."),
    ]
    metrics_public: Annotated[
        bool, Setting(_SWITCH, "false", "Show /metrics to everybody; false asks for the role reader.")
    ]

    tables: Mapping[str, list[dict[str, Any]]]
    """What stands in tidings.toml under ``[[collect]]`` and ``[[rule]]``, unread; a name that isn't there has no rows."""
    origins: Mapping[str, str]

    def origin(self, name: str) -> str:
        """Return where a value came from: ``default``, ``file F``, ``environment TIDINGS_X`` or ``flag --x``."""
        return self.origins[name]

    def show(self, name: str) -> str:
        """Return a setting's value as a user would write it."""
        return render(BY_NAME[name], getattr(self, name))


def _rows() -> Iterator[Setting]:
    for name, hint in typing.get_type_hints(Config, include_extras=True).items():
        for row in getattr(hint, "__metadata__", ()):
            yield msgspec.structs.replace(row, name=name)


SETTINGS: tuple[Setting, ...] = tuple(_rows())
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
