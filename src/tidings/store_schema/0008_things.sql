-- The last known state of each thing, and how far the log is applied to it: both can be made again from the log.
CREATE TABLE things (
    type    TEXT NOT NULL,
    source  TEXT NOT NULL,
    scope   TEXT NOT NULL,
    id      TEXT NOT NULL,
    name    TEXT NOT NULL,
    state   TEXT NOT NULL,
    since   TEXT NOT NULL,      -- RFC 3339 in UTC
    idx     INTEGER NOT NULL,   -- of the event that told it
    kind    TEXT NOT NULL,
    details TEXT NOT NULL,      -- a JSON object of texts
    PRIMARY KEY (type, source, scope, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE things_progress (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    applied INTEGER NOT NULL,   -- the index up to which
    rules   TEXT NOT NULL       -- by which rules: others may find more in the same events
) STRICT;
