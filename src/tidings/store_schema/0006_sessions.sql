-- Who has logged in and not out again, so that a restart logs nobody out. Of a session's secret only its SHA-256 is here.
CREATE TABLE sessions (
    digest       TEXT PRIMARY KEY,      -- hexadecimal SHA-256 of the whole secret
    realm        TEXT NOT NULL,         -- which API made it
    user         TEXT REFERENCES users (name) ON DELETE CASCADE,
    token        TEXT REFERENCES tokens (name) ON DELETE CASCADE,
    last_used_ns INTEGER NOT NULL,
    CHECK ((user IS NULL) <> (token IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_users ON sessions (user);
CREATE INDEX sessions_of_tokens ON sessions (token);
