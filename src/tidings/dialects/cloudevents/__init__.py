"""CloudEvents 1.0, and plain JSON objects: the language of our own API."""
