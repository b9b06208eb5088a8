-- The settings of the last start, so that the next one can tell what was changed in between.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL         -- as a user would write it; no setting is secret
) STRICT, WITHOUT ROWID;
