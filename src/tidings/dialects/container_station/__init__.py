"""Container Station: the log and the events of ``/api/v1``."""
