"""The embedded log: a row of SQLite segments, each a contiguous range of indexes."""

from tidings.log.segments.manifest import Quarantined
from tidings.log.segments.options import SegmentOptions
from tidings.log.segments.segment_log import SegmentLog
from tidings.log.segments.verify import Report, verify
from tidings.log.segments.work import Work

__all__ = ["Quarantined", "Report", "SegmentLog", "SegmentOptions", "Work", "verify"]
