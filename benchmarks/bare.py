"""The floor of this machine: aiohttp that reads a body and answers, and does nothing else. ``python -m benchmarks.bare`` prints its port."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web


async def _answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=b'{"stored":1,"duplicates":0,"head":1}', content_type="application/json")


async def _serve() -> None:
    app = web.Application()
    app.router.add_post("/v1/events", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it closes its input
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve())
