"""restic's REST server, small: packs of a repository over HTTP, kept in a folder as restic itself keeps them.

Source: restic's documentation, References, REST Backend (version 2 of the API).
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

KINDS = ("data", "keys", "locks", "snapshots", "index")
V2 = "application/vnd.x.restic.rest.v2"


@dataclass
class RestServer:
    """`folder`: of the one repository, at /axe/. `login`: USER:PASSWORD, "" lets everybody in. `asked`: method and path.
    `watch`: called while restic waits for an answer."""

    folder: Path
    login: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    watch: Callable[[], None] = lambda: None
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """restic's name of the repository."""
        return f"rest:http://127.0.0.1:{self.port}/axe/"

    def start(self) -> None:
        """Answers from now on, at the same port as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), type("Asked", (_Asked,), {"rest": self}))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """May be called twice."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def file(self, path: str) -> Path | None:
        """Where a file of the repository lies; None for no name of one."""
        if path == "/axe/config":
            return self.folder / "config"
        found = re.fullmatch(rf"/axe/({'|'.join(KINDS)})/([0-9a-f]{{64}})", path)
        if not found:
            return None
        kind, name = found.groups()
        return self.folder / kind / name[:2] / name if kind == "data" else self.folder / kind / name


class _Asked(BaseHTTPRequestHandler):
    rest: RestServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        return

    def do_GET(self) -> None:
        path = self._let_in()
        if path is None:
            return
        if path.endswith("/"):
            kind = self.rest.folder / path.removeprefix("/axe/").rstrip("/")
            files = [file for file in kind.rglob("*") if file.is_file() and file.suffix != ".part"]
            self._answer(HTTPStatus.OK, json.dumps([{"name": file.name, "size": file.stat().st_size} for file in files]).encode())
            return
        file = self.rest.file(path)
        if file is None or not file.is_file():
            self._answer(HTTPStatus.NOT_FOUND)
            return
        content, part = file.read_bytes(), re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if part:
            content = content[int(part[1]) : int(part[2]) + 1 if part[2] else None]
        self._answer(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK, content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self._let_in()
        if path is None:
            return
        if path == "/axe/?create=true":
            for kind in KINDS:
                (self.rest.folder / kind).mkdir(parents=True, exist_ok=True)
        elif file := self.rest.file(path):
            file.parent.mkdir(parents=True, exist_ok=True)
            beside = file.with_suffix(".part")
            beside.write_bytes(content)
            beside.replace(file)
        self._answer(HTTPStatus.OK)

    def do_DELETE(self) -> None:
        path = self._let_in()
        if path is not None:
            file = self.rest.file(path)
            if file is not None:
                file.unlink(missing_ok=True)
            self._answer(HTTPStatus.OK if file else HTTPStatus.NOT_FOUND)

    def _let_in(self) -> str | None:
        self.rest.asked.append((self.command, self.path))
        self.rest.watch()
        wanted = base64.b64encode(self.rest.login.encode()).decode()
        if self.rest.login and self.headers.get("Authorization") != f"Basic {wanted}":
            self._answer(HTTPStatus.UNAUTHORIZED)
            return None
        return self.path

    def _answer(self, status: HTTPStatus, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", V2)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@pytest.fixture
def make_rest(tmp_path: Path) -> Iterator[Callable[..., RestServer]]:
    """Makes servers that answer until the test ends: `make_rest(login="axe:secret")`."""
    made: list[RestServer] = []

    def make(login: str = "") -> RestServer:
        server = RestServer(tmp_path / "rest", login)
        server.start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
