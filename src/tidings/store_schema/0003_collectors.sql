-- Where each collector is: it goes on from there, and knows since when it may have missed something.
CREATE TABLE collectors (
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    cursor  TEXT NOT NULL,  -- the collector's own word for its position, '' at first
    seen_ns INTEGER,        -- all that it heard until then is stored; NULL: it was never connected
    reason  TEXT NOT NULL,  -- why it lost its connection; '' while it has one
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
