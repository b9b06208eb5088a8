"""The server's end of the worker process: starts it, gives it commands, replaces it when it dies."""

from __future__ import annotations

import asyncio
import sys

import msgspec
import structlog

from tidings.errors import StorageError
from tidings.log.segments.worker import Answer, Command, Failed

_TIMEOUT_S = 1800
_STOP_S = 5
_log = structlog.get_logger(__name__)
_ANSWERS: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
_ENCODER = msgspec.msgpack.Encoder()


class Foreman:
    """Sends one command at a time; owned by the log's maintenance task."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None

    async def order(self, command: Command) -> Answer:
        """Return the worker's answer. Raises StorageError when it failed or died (the next order starts a new one)."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._exchange(command)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as fault:
            await self.stop()
            raise StorageError(
                f"the indexing worker ended unexpectedly ({fault!r}); a new one will be started"
            ) from fault
        except asyncio.CancelledError:
            await self.stop()
            raise
        if isinstance(answer, Failed):
            raise StorageError(answer.reason)
        return answer

    async def _exchange(self, command: Command) -> Answer:
        process = self.process
        if process is None:
            process = self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", "from tidings.log.segments.worker import main; main()",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            _log.debug("worker started", pid=process.pid)
        assert process.stdin is not None
        assert process.stdout is not None
        data = _ENCODER.encode(command)
        process.stdin.write(len(data).to_bytes(4, "little") + data)
        await process.stdin.drain()
        head = await process.stdout.readexactly(4)
        return _ANSWERS.decode(await process.stdout.readexactly(int.from_bytes(head, "little")))

    async def stop(self) -> None:
        """End the worker: its input is closed, and it is killed if that isn't enough."""
        process, self.process = self.process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
