"""The oVirt engine's search language: text in, our own condition out."""

from tidings.query.ovirt._conditions import KindsOf, engine_kinds_of
from tidings.query.ovirt._parser import Parsed, parse

__all__ = ["KindsOf", "Parsed", "engine_kinds_of", "parse"]
