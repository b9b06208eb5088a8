"""The worker process: indexes the growing journal, seals full ones, merges small segments.

It takes one command at a time on standard input and answers on standard output, msgpack with a 4-byte length before it. It ends
when its input does. Everything it makes is derived: when it dies, what it was making is made again.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO, NoReturn

import apsw
import msgspec

from tidings.log.segments import schema
from tidings.log.segments._sqlite import delete_database, open_writer
from tidings.log.segments.indexer import Indexer
from tidings.log.segments.journal import JournalReader
from tidings.log.segments.manifest import Sealed
from tidings.log.segments.sealing import index_blocks, merge, seal

_STEP_EVENTS = 20_000
_NICENESS = 10


class Index(msgspec.Struct, frozen=True, tag=True):
    """Bring the growing index of the journal that starts at *first* up to *until*, or a step towards it."""

    journal: str
    index: str
    first: int
    until: int


class Seal(msgspec.Struct, frozen=True, tag=True):
    """Seal a journal that is written no more."""

    journal: str
    directory: str
    first: int
    last: int


class Merge(msgspec.Struct, frozen=True, tag=True):
    """Make one segment of several."""

    sources: list[str]
    directory: str
    first: int
    last: int


class Indexed(msgspec.Struct, frozen=True, tag=True):
    """The growing index now holds everything up to *until*."""

    until: int


class Made(msgspec.Struct, frozen=True, tag=True):
    """A sealed segment is in place."""

    sealed: Sealed


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The command could not be done."""

    reason: str


Command = Index | Seal | Merge
Answer = Indexed | Made | Failed

_COMMANDS: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_ENCODER = msgspec.msgpack.Encoder()


class _Growing:
    """The index of the journal that still grows."""

    def __init__(self, command: Index) -> None:
        self.path = command.index
        delete_database(Path(command.index))
        self._reader = JournalReader(Path(command.journal))
        self._db: apsw.Connection = open_writer(Path(command.index), durable=False, cache_kib=32768)
        self._indexer = Indexer(self._db)
        self._db.execute(schema.INDEXES)
        self.until = command.first - 1

    def advance(self, until: int) -> int:
        """Index one step; return how far it is now."""
        stop = min(until, self.until + _STEP_EVENTS)
        blocks = [block for block in self._reader.blocks(self.until, stop) if block.first > self.until]
        if blocks:
            index_blocks(self._indexer, self._db, blocks)
            self.until = blocks[-1].last
        return self.until

    def close(self) -> None:
        """Let go of the files; the index stays."""
        self._reader.close()
        self._db.close()


class Worker:
    """Carries out commands."""

    def __init__(self) -> None:
        self._growing: _Growing | None = None

    def handle(self, command: Command) -> Answer:
        """Carry out *command*; whatever goes wrong becomes a Failed."""
        try:
            match command:
                case Index():
                    return self._index(command)
                case Seal(journal, directory, first, last):
                    self._drop()
                    return Made(seal(Path(journal), Path(directory), first, last))
                case Merge(sources, directory, first, last):
                    return Made(merge([Path(source) for source in sources], Path(directory), first, last))
        except Exception as fault:  # noqa: BLE001 - whatever it is, the server must hear of it
            self._drop()
            return Failed(f"{type(fault).__name__}: {fault}")

    def _index(self, command: Index) -> Indexed:
        if self._growing is None or self._growing.path != command.index:
            self._drop()
            self._growing = _Growing(command)
        return Indexed(self._growing.advance(command.until))

    def _drop(self) -> None:
        if self._growing is not None:
            self._growing.close()
            self._growing = None


def serve(requests: BinaryIO, answers: BinaryIO) -> NoReturn:
    """Answer commands until the input ends, then end the process at once, whatever it is doing.

    A worker that outlived its server would write files that the next server's worker writes too.
    """
    commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, commands), name="tidings-listen", daemon=True).start()
    worker = Worker()
    while True:
        data = _ENCODER.encode(worker.handle(commands.get()))
        answers.write(len(data).to_bytes(4, "little") + data)
        answers.flush()


def _listen(requests: BinaryIO, commands: queue.SimpleQueue[Command]) -> None:
    while len(head := requests.read(4)) == 4:
        commands.put(_COMMANDS.decode(requests.read(int.from_bytes(head, "little"))))
    os._exit(0)


def main() -> None:
    """Run as a process: gently, and deaf to the terminal's Ctrl-C, which is the server's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    serve(sys.stdin.buffer, sys.stdout.buffer)
