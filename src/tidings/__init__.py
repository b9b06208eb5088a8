"""One durable, searchable, live event log for infrastructure."""
