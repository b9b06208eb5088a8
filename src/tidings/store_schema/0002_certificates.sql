-- Which TLS clients are trusted, and the tokens with which others may add themselves. Of a token only its SHA-256 is here.
CREATE TABLE certificates (
    fingerprint TEXT PRIMARY KEY,       -- hexadecimal SHA-256 of the DER
    name        TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'admin')),
    scopes      TEXT NOT NULL,          -- JSON array of text; [] means every scope
    pem         TEXT NOT NULL,
    added_ns    INTEGER NOT NULL,
    expires_ns  INTEGER NOT NULL        -- the end of its own validity
) STRICT, WITHOUT ROWID;

CREATE TABLE join_tokens (
    id         TEXT PRIMARY KEY,        -- UUID
    digest     TEXT NOT NULL UNIQUE,    -- hexadecimal SHA-256 of the secret
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'admin')),
    scopes     TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER                  -- NULL: never
) STRICT, WITHOUT ROWID;
