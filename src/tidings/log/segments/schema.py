"""The tables of a segment: the same while it grows beside its journal and when it is sealed.

Text columns are coded through one dictionary (``names``), so a row is a few small integers. ``terms`` is one full-text index over
the words of message, subject and actor AND the codes of the row (``§`` and the number; ``§v`` and the number for a severity from warning on; no word contains that sign): its posting
lists cost about a byte an entry, a B-tree index ten times that, and FTS5 intersects them newest first.
"""

from __future__ import annotations

CODED: tuple[str, ...] = ("kind", "source", "dialect", "actor", "subject", "scope", "location", "links")
"""The dictionary-coded columns, in the order of the row; the position is the dictionary's ``field``."""

WITH_TOKENS: tuple[str, ...] = ("kind", "source", "actor", "subject", "scope", "links")
"""The coded columns that have tokens in ``terms``: those where one value may be rare."""

TABLES = """
CREATE TABLE rows(
  idx INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,     -- ns since the epoch
  severity INTEGER NOT NULL,
  kind INTEGER NOT NULL, source INTEGER NOT NULL, dialect INTEGER NOT NULL, actor INTEGER NOT NULL,
  subject INTEGER NOT NULL, scope INTEGER NOT NULL, location INTEGER NOT NULL, links INTEGER NOT NULL -- 0 = missing
);
CREATE TABLE names(
  id INTEGER PRIMARY KEY,
  field INTEGER NOT NULL,    -- position in CODED
  text TEXT NOT NULL,
  total INTEGER NOT NULL     -- rows that use it
);
CREATE TABLE keys(           -- where a correlation or a producer's id occurs
  hash INTEGER NOT NULL,     -- see key_hash
  idx INTEGER NOT NULL,
  PRIMARY KEY(hash, idx)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE terms USING fts5(text, content='', detail=none, columnsize=0, tokenize='ascii');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(terms, row);
CREATE TABLE zones(          -- time range of each run of ZONE_EVENTS rows or fewer
  first INTEGER PRIMARY KEY,
  time_min INTEGER NOT NULL,
  time_max INTEGER NOT NULL
);
CREATE TABLE commits(        -- receive time of the rows from here on
  first INTEGER PRIMARY KEY,
  received INTEGER NOT NULL
);
CREATE INDEX commits_received ON commits(received);
CREATE TABLE rollup(         -- events by severity in steps of a minute and an hour
  step INTEGER NOT NULL,     -- seconds
  start INTEGER NOT NULL,    -- seconds since the epoch
  severity INTEGER NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY(step, start, severity)
) WITHOUT ROWID;
CREATE TABLE blocks(         -- filled when it is sealed: zstd of up to BLOCK_EVENTS neighbouring lines
  first INTEGER PRIMARY KEY,
  lines BLOB NOT NULL
);
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""

INDEXES = "CREATE INDEX IF NOT EXISTS names_text ON names(field, text COLLATE NOCASE)"

BLOCK_EVENTS = 32
ZONE_EVENTS = 512
ROLLUP_STEPS = (60, 3600)
