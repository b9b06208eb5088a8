"""Builds a segment's tables from lines. Runs in the worker process; the same code indexes a growing journal and a sealed file."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

import apsw
import msgspec

from tidings import rfc3339
from tidings.log.segments import schema
from tidings.query.words import fold, indexable
from tidings.severity import Severity

_SEVERITIES = {severity.label: int(severity) for severity in Severity}
_TOKEN_FIELDS = tuple(schema.CODED.index(name) for name in schema.WITH_TOKENS)
_TOKEN_FROM = int(Severity.WARNING)


class _Row(msgspec.Struct, gc=False):
    """What of a line is indexed; msgspec skips the rest, the payload above all, without building it."""

    sequence: str
    id: str
    source: str
    type: str
    time: str
    severity: str
    subject: str = ""
    actor: str = ""
    scope: str = ""
    location: str = ""
    correlation: str = ""
    message: str = ""
    dialect: str = ""
    links: str = ""


_TERMS_BUFFER = 64 * 1024 * 1024  # bytes of posting lists gathered in memory before FTS5 writes a run of them
_DECODER = msgspec.json.Decoder(_Row)


def key_hash(kind: str, text: str) -> int:
    """Return the 24-bit code under which ``keys`` finds a correlation (*kind* "c") or id ("i"), in any letter case.

    Each hit is compared with the line, so a few false ones matter less than the byte they save in every entry.
    """
    return (zlib.crc32(f"{kind}{fold(text)}".encode("utf-8", "surrogatepass")) & 0xFFFFFF) - 0x800000


class Indexer:
    """Adds lines, in index order, to the tables of one open database."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._codes: tuple[dict[str, int], ...] = tuple({} for _ in schema.CODED)
        self._next_code = 1
        self._uses: Counter[int] = Counter()
        self._rollup: Counter[tuple[int, int]] = Counter()
        db.execute(schema.TABLES)
        db.execute("INSERT INTO terms(terms, rank) VALUES('hashsize', ?)", (_TERMS_BUFFER,))

    def add(self, lines: bytes, received: int) -> None:
        """Index one block of lines, all received at *received*, inside the caller's transaction."""
        rows = _DECODER.decode_lines(lines)
        coded: list[tuple[int, ...]] = []
        terms: list[tuple[int, str]] = []
        keys: list[tuple[int, int]] = []
        for row in rows:
            index = int(row.sequence)
            severity = _SEVERITIES[row.severity]
            time = rfc3339.parse(row.time)
            codes = self._code(row)
            coded.append((index, time, severity, *codes))
            terms.append((index, self._terms(row, severity, codes)))
            self._rollup[time // 60_000_000_000, severity] += 1
            if row.correlation:
                keys.append((key_hash("c", row.correlation), index))
            if row.id != row.sequence:
                keys.append((key_hash("i", row.id), index))
        self._insert(coded, terms, keys, received)

    def _code(self, row: _Row) -> tuple[int, ...]:
        values = (row.type, row.source, row.dialect, row.actor, row.subject, row.scope, row.location, row.links)
        codes = tuple(
            [
                known.get(value) or self._new_code(known, value) if value else 0
                for known, value in zip(self._codes, values, strict=True)
            ]
        )
        self._uses.update(codes)
        return codes

    def _new_code(self, known: dict[str, int], value: str) -> int:
        code = known[value] = self._next_code
        self._next_code += 1
        return code

    @staticmethod
    def _terms(row: _Row, severity: int, codes: Sequence[int]) -> str:
        text = f"{row.message} {row.subject} {row.actor}"
        tokens = " ".join([f"§{codes[at]}" for at in _TOKEN_FIELDS if codes[at]])
        if severity >= _TOKEN_FROM:
            tokens = f"{tokens} §v{severity}"
        return f"{text if text.isascii() else indexable(text)} {tokens}"

    def _insert(
        self, rows: list[tuple[int, ...]], terms: list[tuple[int, str]], keys: list[tuple[int, int]], received: int
    ) -> None:
        db = self._db
        db.executemany("INSERT INTO rows VALUES(?,?,?,?,?,?,?,?,?,?,?)", rows)
        db.executemany("INSERT INTO terms(rowid, text) VALUES(?,?)", terms)
        if keys:
            db.executemany("INSERT OR IGNORE INTO keys VALUES(?,?)", keys)
        first = rows[0][0]
        db.execute(
            "INSERT INTO commits SELECT ?1, ?2 WHERE ?2 IS NOT (SELECT received FROM commits ORDER BY first DESC LIMIT 1)",
            (first, received),
        )
        for start in range(0, len(rows), schema.ZONE_EVENTS):
            times = [row[1] for row in rows[start : start + schema.ZONE_EVENTS]]
            db.execute("INSERT INTO zones VALUES(?,?,?)", (rows[start][0], min(times), max(times)))

    def flush(self) -> None:
        """Write what was gathered in memory (dictionary, roll-up); call it before the transaction's end."""
        db = self._db
        stored = db.execute("SELECT coalesce(max(id), 0) FROM names").get
        fresh = [
            (code, field, text, 0) for field, known in enumerate(self._codes) for text, code in _after(known, stored)
        ]
        db.executemany("INSERT INTO names VALUES(?,?,?,?)", fresh)
        del self._uses[0]
        db.executemany(
            "UPDATE names SET total = total + ? WHERE id = ?", [(uses, code) for code, uses in self._uses.items()]
        )
        self._uses.clear()
        upsert = "INSERT INTO rollup VALUES(?,?,?,?) ON CONFLICT(step, start, severity) DO UPDATE SET total = total + excluded.total"
        for step in schema.ROLLUP_STEPS:
            per_step: Counter[tuple[int, int]] = Counter()
            for (minute, severity), total in self._rollup.items():
                per_step[minute * 60 // step * step, severity] += total
            db.executemany(upsert, [(step, start, severity, n) for (start, severity), n in per_step.items()])
        self._rollup.clear()


def _after(known: dict[str, int], stored: int) -> list[tuple[str, int]]:
    """Return the entries coded after *stored*: the last ones, since a dict keeps its order."""
    fresh: list[tuple[str, int]] = []
    for text in reversed(known):
        if known[text] <= stored:
            break
        fresh.append((text, known[text]))
    return fresh
