"""A web server on the loopback device that answers as it is told: well, with a refusal, with garbage, or never."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
REFUSED = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops"
GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\nConnection: close\r\n\r\nno_service"
PORTAL = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 18\r\nConnection: close\r\n\r\n<h1>log in now</h1"
GARBAGE = b"\xff\x00\xfe this is no HTTP \r\n\r\n"
STRANGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=klingon\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
HANGS = b""
DRIPS = b"HTTP/1.1 200 OK\r\nX-Slow: "  # then one byte now and then: no single read ever takes too long


@dataclass
class Web:
    """`answer`: what the next requests get. `asked`: (method, path, body) of each, in order."""

    listener: socket.socket
    answer: bytes = OK
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/services/T0/B0/a-secret-token") -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}{path}"

    @property
    def texts(self) -> list[str]:
        """What Slack would show, of each request."""
        return [json.loads(body)["text"] for _, _, body in self.asked]

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head, _, body = _read(connection).partition(b"\r\n\r\n")
            method, path, *_ = head.decode().split(" ")
            self.asked.append((method, path, body.decode()))
            answer = self.answer
            if answer == HANGS:
                self.ended.wait(30)
            connection.sendall(answer)
            while answer == DRIPS and not self.ended.wait(0.2):
                connection.sendall(b"x")


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
    while len(body) < length:
        more: Any = connection.recv(65536)
        body += more
    return head + b"\r\n\r\n" + body


@pytest.fixture
def web() -> Iterator[Web]:
    """A server that answers `ok`."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = Web(listener)
    threading.Thread(target=made.serve, daemon=True).start()
    yield made
    made.ended.set()
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
