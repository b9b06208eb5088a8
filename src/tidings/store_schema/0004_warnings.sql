-- What the server warns of until somebody deals with it: one row for each type and thing that it is about.
CREATE TABLE warnings (
    id         TEXT PRIMARY KEY,
    type       TEXT NOT NULL CHECK (type IN ('collector-down', 'disk-nearly-full', 'segment-quarantined')),
    entity     TEXT NOT NULL,       -- what it is about: a collector's name, a directory, a file
    message    TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('new', 'acknowledged', 'resolved')),
    count      INTEGER NOT NULL,    -- how often it was raised
    first_ns   INTEGER NOT NULL,
    last_ns    INTEGER NOT NULL,
    updated_ns INTEGER NOT NULL,
    UNIQUE (type, entity)
) STRICT, WITHOUT ROWID;
