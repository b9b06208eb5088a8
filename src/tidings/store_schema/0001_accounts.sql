-- Who may talk to the server. No secret stands here: a token only as its SHA-256, a password only as its Argon2 hash.
CREATE TABLE tokens (
    name         TEXT PRIMARY KEY,
    digest       TEXT NOT NULL UNIQUE,  -- hexadecimal SHA-256 of the whole secret
    role         TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'admin')),
    scopes       TEXT NOT NULL,         -- JSON array of text; [] means every scope
    created_ns   INTEGER NOT NULL,
    expires_ns   INTEGER,               -- NULL: never
    last_used_ns INTEGER                -- NULL: not yet
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL,                 -- in the PHC string format, so it carries its own salt and parameters
    role TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'admin'))
) STRICT, WITHOUT ROWID;
