"""The settings of the embedded log."""

from __future__ import annotations

import msgspec


class SegmentOptions(msgspec.Struct, frozen=True):
    """Settings of the store; see the configuration table for their meaning."""

    segment_events: int = 100_000
    segment_bytes: int = 256 * 1024 * 1024
    merge_events: int = 1_000_000
    max_unsealed: int = 50
    merge_span_s: float = 0.0
    """How long a merged segment may reach from its first event to its last (0: no bound): retention deletes whole ones."""
    seal_idle_s: float = 5.0
    seal_age_s: float = 86_400.0
    """When a journal is sealed though few events are in it."""
    dedupe_window: int = 1_000_000
    pending_bytes: int = 256 * 1024 * 1024
    search_timeout_s: float = 10.0
    search_threads: int = 2
    durable: bool = True
