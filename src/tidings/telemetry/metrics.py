"""The server's metrics: plain counters that cost nothing to raise, put into words when Prometheus asks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Literal, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metric(NamedTuple):
    """One row of the table: the name as Prometheus shows it, what it counts, and by which labels."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


METRICS: tuple[Metric, ...] = (
    Metric("tidings_events_stored_total", "counter", "Events stored since the start."),
    Metric("tidings_events_duplicates_total", "counter", "Published events that were stored before, so not again."),
    Metric("tidings_publish_seconds", "histogram", "Time from a decoded publish to its commit on disk."),
    Metric("tidings_requests_total", "counter", "Requests answered.", ("route", "status")),
    Metric("tidings_requests_in_flight", "gauge", "Requests being answered; streams don't count."),
    Metric("tidings_streams", "gauge", "Open streams, SSE and WebSocket, and requests that wait for an event."),
    Metric("tidings_streams_lagging", "gauge", "Streams that are behind and fed from the log at their own pace."),
    Metric("tidings_log_head", "gauge", "The newest index."),
    Metric("tidings_log_oldest", "gauge", "The oldest index kept."),
    Metric("tidings_log_bytes", "gauge", "Bytes that the log occupies on disk."),
    Metric("tidings_log_segments", "gauge", "Sealed segments."),
    Metric("tidings_log_journals", "gauge", "Journals: the one being written and those that wait to be sealed."),
    Metric("tidings_log_unindexed_events", "gauge", "Newest events that searches still find by scanning."),
    Metric("tidings_log_quarantined_segments", "gauge", "Segments that could not be read and were set aside."),
    Metric("tidings_things", "gauge", "Things whose last state is known and that exist."),
    Metric("tidings_collector_live", "gauge", "1 while the collector is connected, else 0.", ("collector",)),
    Metric("tidings_collector_events_total", "counter", "Events that the collector stored.", ("collector",)),
    Metric(
        "tidings_collector_gaps_total", "counter", "Gaps recorded because nobody listened for a time.", ("collector",)
    ),
    Metric(
        "tidings_collector_reconnects_total", "counter", "Times it was connected again after a loss.", ("collector",)
    ),
    Metric(
        "tidings_collector_lag_seconds",
        "gauge",
        "Time from the newest event's own time to its storing here.",
        ("collector",),
    ),
    Metric("tidings_events_held_back_total", "counter", "Added events that flood control held back.", ("dialect",)),
    Metric(
        "tidings_internal_errors_total", "counter", "Faults of the server itself; each has a log entry.", ("where",)
    ),
)

Labelled = Mapping[str, Mapping[tuple[str, ...], float]]
"""Values of metrics: by name, then by the values of the labels."""

_BY_NAME = {metric.name: metric for metric in METRICS}
_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics(Collector):
    """Counts; lives on the event loop. *gauges* is asked, when metrics are wanted, for the values that are somebody else's."""

    def __init__(self, gauges: Callable[[], Mapping[str, float]]) -> None:
        self._gauges = gauges
        self._collectors: Callable[[], Labelled] = dict
        self.stored = 0
        self.duplicates = 0
        self.requests: Counter[tuple[str, str]] = Counter()
        self.internal_errors: Counter[tuple[str]] = Counter()
        self.held_back: Counter[tuple[str]] = Counter()
        self._publish_s = 0.0
        self._publish_counts = [0] * (len(_BUCKETS_S) + 1)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def publish_took(self, seconds: float) -> None:
        """Note how long a publish waited for its commit."""
        self._publish_s += seconds
        self._publish_counts[bisect_left(_BUCKETS_S, seconds)] += 1

    def fault(self, where: str) -> None:
        """Count a fault of our own."""
        self.internal_errors[where,] += 1

    def ask_collectors(self, look: Callable[[], Labelled]) -> None:
        """Ask *look*, when metrics are wanted, for those with the label ``collector``."""
        self._collectors = look

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def describe(self) -> Iterator[Family]:
        """Name nothing at registration: the gauges can't be asked yet."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Yield every metric of the table with its value."""
        yield _counter("tidings_events_stored_total", {(): self.stored})
        yield _counter("tidings_events_duplicates_total", {(): self.duplicates})
        yield _counter("tidings_requests_total", self.requests)
        yield _counter("tidings_internal_errors_total", self.internal_errors)
        yield _counter("tidings_events_held_back_total", self.held_back)
        totals = list(accumulate(self._publish_counts))
        bounds = [*map(str, _BUCKETS_S), "+Inf"]
        row = _BY_NAME["tidings_publish_seconds"]
        yield HistogramMetricFamily(
            row.name, row.help, buckets=list(zip(bounds, totals, strict=True)), sum_value=self._publish_s
        )
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(name, _BY_NAME[name].help, value=value)
        labelled = self._collectors()
        for metric in METRICS:
            if metric.labels == ("collector",):
                values = labelled.get(metric.name, {})
                yield _counter(metric.name, values) if metric.type == "counter" else _gauge(metric, values)


_Labels = TypeVar("_Labels", bound=tuple[str, ...])


def _counter(name: str, values: Mapping[_Labels, float]) -> Family:
    row = _BY_NAME[name]
    family = CounterMetricFamily(row.name, row.help, labels=row.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _gauge(row: Metric, values: Mapping[tuple[str, ...], float]) -> Family:
    family = GaugeMetricFamily(row.name, row.help, labels=row.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
