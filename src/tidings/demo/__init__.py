"""Real events to show and to try things with: what an LXD 5.0.2 daemon sent while every part of it was used once."""

from __future__ import annotations

from tidings.demo.recording import recorded_events

__all__ = ["recorded_events"]
