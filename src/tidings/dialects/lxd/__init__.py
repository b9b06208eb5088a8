"""LXD and Incus: the events of ``/1.0/events``."""
