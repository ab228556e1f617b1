"""`axej` as a process of its own, with a terminal or without: forked by a warm python (see warm), which takes 10 ms of work
where a new interpreter takes 100 to 400. That starts it where TESTS_AXEJ=cold, on a Mac, and where the environment says how
Python is to run.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import json
import os
import platform
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Protocol

Done = subprocess.CompletedProcess[str]
Streams = tuple[int, int, int]
WORDS = (sys.executable, "-m", "axejournal")
ROOT = Path(__file__).parents[2]
OF_PYTHON = ("PYTHON", "LC_", "LANG")
HARMLESS = ("PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
ROOM = 1 << 16  # bytes that an environment may have


class Process(Protocol):
    """A started axej. As of subprocess.Popen, what tests need of it."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


@dataclass
class Forked:
    """A child of the warm python."""

    words: Sequence[str]
    pipe: int
    pid: int = 0
    returncode: int | None = None
    heard: bytes = b""

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        while self.returncode is None and select.select([self.pipe], [], [], 0)[0]:
            self._hear()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, at its end; negative: the signal that ended it. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([self.pipe], [], [], left)[0]:
                raise subprocess.TimeoutExpired(self.words, timeout or 0)
            self._hear()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Nothing happens when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _hear(self) -> None:
        more = os.read(self.pipe, 100)
        if not more:
            raise RuntimeError("the warm python is gone")
        self.heard += more
        lines = self.heard.split(b"\n")[:-1]
        self.pid = int(lines[0])
        if len(lines) > 1:
            self.returncode = os.waitstatus_to_exitcode(int(lines[1]))
            os.close(self.pipe)


@dataclass
class Warm:
    """The warm python of this session."""

    process: subprocess.Popen[bytes]
    orders: socket.socket
    turn: threading.Lock = field(default_factory=threading.Lock)

    def fork(self, order: dict[str, Any], streams: Streams) -> Forked:
        """`axej WORDS` with these three descriptors."""
        heard, told = os.pipe()
        with self.turn:
            socket.send_fds(self.orders, [json.dumps(order).encode()], [*streams, told])
        os.close(told)
        made = Forked(order["words"], heard)
        while not made.pid:
            made._hear()
        return made

    def end(self) -> None:
        """No more orders."""
        self.orders.close()
        self.process.wait(30)


@functools.cache
def warm() -> Warm:
    """Started at the first use; it ends with this process."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    argv = [sys.executable, "-m", "tests.world.warm", str(its.fileno())]
    environment = {"ROOM": "x" * ROOM, **os.environ}
    with its:
        process = subprocess.Popen(argv, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[its.fileno()])
    made = Warm(process, ours)
    atexit.register(made.end)
    return made


def is_cold(environment: Mapping[str, str]) -> bool:
    """Whether a new interpreter must start it."""
    if platform.system() != "Linux" or os.environ.get("TESTS_AXEJ") == "cold":
        return True
    settings = {name for name in environment if name.startswith(OF_PYTHON)} - set(HARMLESS)
    return any(environment[name] != os.environ.get(name) for name in settings)


def start(
    words: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    streams: Streams = (subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL),
    cold: bool = False,
    terminal: bool = False,
) -> Process:
    """Starts `axej WORDS` and returns at once. `streams`: its stdin, stdout and stderr. `terminal`: stdin is one and becomes
    its own, and it leads a session of its own."""
    with Path(os.devnull).open("r+b") as nothing:
        stdin, stdout, stderr = (nothing.fileno() if one == subprocess.DEVNULL else one for one in streams)
        if not (cold or is_cold(environment)):
            order = {"words": list(words), "environment": dict(environment), "cwd": str(cwd), "terminal": terminal}
            return warm().fork(order, (stdin, stdout, stderr))
        take = functools.partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0) if terminal else None
        return subprocess.Popen(
            [*WORDS, *words],
            env=environment,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=terminal,
            preexec_fn=take,
        )


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    stdin: str = "",
    stdout: int = subprocess.PIPE,
    timeout_s: float = 240,
    cold: bool = False,
) -> Done:
    """`axej WORDS` to its end. `stdin`: what it can read there; `stdout`: where else that goes. What a child of it that lives on
    says is not waited for. Raises subprocess.TimeoutExpired after killing it."""
    reads, writes = os.pipe()
    with os.fdopen(reads), os.fdopen(writes, "wb") as typing, TemporaryFile() as out, TemporaryFile() as errors:
        whither = out.fileno() if stdout == subprocess.PIPE else stdout
        process = start(words, environment, cwd, (reads, whither, errors.fileno()), cold)
        with contextlib.suppress(BrokenPipeError):
            typing.write(stdin.encode())
            typing.close()
        try:
            code = process.wait(timeout_s)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return Done([*WORDS, *words], code, _said(out), _said(errors))


def at_terminal(words: Sequence[str], environment: Mapping[str, str], cwd: Path) -> tuple[Process, int]:
    """Starts `axej WORDS` at a terminal of its own; the process, and the end where a person sits (the caller closes it)."""
    person, its = pty.openpty()
    process = start(words, environment, cwd, (its, its, its), terminal=True)
    os.close(its)
    return process, person


def _said(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")
