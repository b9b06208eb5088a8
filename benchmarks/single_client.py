"""Does what ``single.c`` does, with the same words and the same answer, where there is no C compiler; it is the slower one."""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from benchmarks.figures import percentile


class _Connection:
    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer, self.sent = b"", 0.0

    def send_next(self) -> None:
        self.answer, self.sent = b"", time.perf_counter()
        self.socket.sendall(next(self._requests))

    def take(self) -> bool:
        """Whether the answer is there whole."""
        piece = self.socket.recv(16_384)
        if not piece:
            raise SystemExit("the server closed a connection")
        self.answer += piece
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if not found:
            return False
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        return len(body) >= int(length or 0)


def main() -> None:
    port, path, connections, warm_s, seconds, *way = sys.argv[1:]
    target, media_type = way or ("/v1/events", "application/json")
    head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {os.environ['TOKEN']}\r\n"
    head += f"Content-Type: {media_type}\r\nContent-Length: "
    lines = Path(path).read_bytes().splitlines()
    requests = cycle([f"{head}{len(line)}\r\n\r\n".encode() + line for line in lines])
    selector = selectors.DefaultSelector()
    for connection in [_Connection(int(port), requests) for _ in range(int(connections))]:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send_next()
    start = time.perf_counter() + float(warm_s)
    end, took, refused = start + float(seconds), list[float](), 0
    while time.perf_counter() < end:
        for key, _ in selector.select(0.1):
            connection = key.data
            if connection.take():
                done = time.perf_counter()
                if connection.answer[9:10] != b"2":
                    refused += 1
                elif start <= done < end:
                    took.append((done - connection.sent) * 1e3)
                connection.send_next()
    shares = {f"{name}_ms": percentile(took, share) for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}
    print(json.dumps({"acknowledged": len(took), "refused": refused, "seconds": float(seconds), **shares}))


if __name__ == "__main__":
    main()
