"""The metrics about collectors."""

from __future__ import annotations

from tidings.collect import CollectorStatus, State
from tidings.server.collectors import metrics_of
from tidings.telemetry import Metrics


def status(name: str, state: State, lag_s: float | None) -> CollectorStatus:
    return CollectorStatus(
        name=name, kind="lxd", source=f"lxd/{name}", url="unix:/run/lxd", state=state, since="2026-11-20T22:18:28Z",
        detail="", events=7, last_event=9, last_seen=None, lag_s=lag_s, gaps=1, reconnects=2,
    )  # fmt: skip


def lines(*collectors: CollectorStatus) -> list[str]:
    metrics = Metrics(dict)
    metrics.ask_collectors(lambda: metrics_of(collectors))
    return [line for line in metrics.render().decode().splitlines() if line.startswith("tidings_collector_")]


def test_each_collector_has_its_label() -> None:
    assert lines(status("a", State.LIVE, 0.5), status("b", State.WAITING, None)) == [
        'tidings_collector_live{collector="a"} 1.0',
        'tidings_collector_live{collector="b"} 0.0',
        'tidings_collector_events_total{collector="a"} 7.0',
        'tidings_collector_events_total{collector="b"} 7.0',
        'tidings_collector_gaps_total{collector="a"} 1.0',
        'tidings_collector_gaps_total{collector="b"} 1.0',
        'tidings_collector_reconnects_total{collector="a"} 2.0',
        'tidings_collector_reconnects_total{collector="b"} 2.0',
        'tidings_collector_lag_seconds{collector="a"} 0.5',
    ]


def test_without_collectors_there_are_no_values() -> None:
    assert lines() == []


def test_what_is_counted_is_declared_even_without_collectors() -> None:
    shown = Metrics(dict).render().decode()
    assert "# TYPE tidings_collector_gaps_total counter" in shown
    assert "# TYPE tidings_collector_lag_seconds gauge" in shown
