"""The catalogue of documented event kinds: what each kind means and what it carries."""

from tidings.kinds._catalogue import Kind, catalogue, describe, find

__all__ = ["Kind", "catalogue", "describe", "find"]
