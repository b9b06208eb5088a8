"""oVirt: the events of ``/ovirt-engine/api/events``."""
