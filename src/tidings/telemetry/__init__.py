"""What the server says about itself: metrics and log lines."""

from tidings.telemetry.logging import set_up_logging
from tidings.telemetry.metrics import METRICS, Metric, Metrics

__all__ = ["METRICS", "Metric", "Metrics", "set_up_logging"]
