"""A password that a person typed: held in memory, handed to restic through a pipe of this user, on no disk and in no
environment.

restic opens the pipe as its password file and reads to its end. Each reader gets a pipe of its own: the next one takes the
name before the first is answered, so that no reader sees the password twice.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def pipe_path(state: Path) -> Path:
    """Where the pipe is while a password is held."""
    return state / "password.pipe"


@contextmanager
def held(path: Path, password: str) -> Iterator[None]:
    """Inside, whoever opens the pipe reads the password."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    ended = threading.Event()
    _renew(path)
    server = threading.Thread(target=_serve, args=(path, password.encode(), ended), daemon=True)
    server.start()
    try:
        yield
    finally:
        ended.set()
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # wakes the server: it gives us the pipe's end
        server.join(timeout=5)
        path.unlink(missing_ok=True)


def _serve(path: Path, password: bytes, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            writer = os.open(path, os.O_WRONLY)  # until somebody reads
        except OSError:
            return
        try:
            if not ended.is_set():
                _renew(path)
                with contextlib.suppress(BrokenPipeError):
                    os.write(writer, password + b"\n")
        finally:
            os.close(writer)


def _renew(path: Path) -> None:
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    os.mkfifo(made, 0o600)
    made.replace(path)
