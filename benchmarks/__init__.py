"""Measurements of a real server on this machine: ``python -m benchmarks``; README.md says how to read them."""
