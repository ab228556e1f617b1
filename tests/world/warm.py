"""A python that has loaded all of axej and forks for each command: half a second of CPU less than a new interpreter.

`python -m tests.world.warm FD`: on FD, a socket, come the orders (see `forked`), one message each, with four descriptors:
stdin, stdout, stderr and a pipe that is told the child's pid, and at its end its wait status. A child is a process like
any other: its own pid, working directory, environment (in /proc too) and descriptors; SIGKILL ends it. When the other end of
the socket closes, all children are killed.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Any

SLOW = ("axejournal.__main__", "axejournal.demo", "axejournal.cli.demo")
THIRD = (
    "alembic.autogenerate",
    "alembic.command",
    "alembic.runtime.migration",
    "concurrent.futures.thread",
    "multiprocessing",
    "rich.live",
    "rich.table",
    "sqlalchemy.dialects.sqlite",
    "watchdog.observers",
    "zoneinfo",
)
"""What axej loads where it needs it."""
LONGEST = 1 << 20


def main() -> None:
    """Serves until the socket closes. In a child: runs axej and exits, as `python -m axejournal` does."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    load()
    order = serve(orders)
    if order:
        leave(axej())


def axej() -> int:
    """Runs the command of sys.argv; its exit code. What is no plain end of axej's is shown as Python would."""
    from axejournal.cli.door import main as door

    try:
        door()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def leave(code: int) -> None:
    """An interpreter's end without its last tidying, which would copy all that is shared with the warm python."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):  # a reader that is gone
        code = 120
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def load() -> None:
    """Imports all that a command may need."""
    import axejournal

    for module in pkgutil.walk_packages(axejournal.__path__, "axejournal."):
        if not module.name.startswith(SLOW):
            importlib.import_module(module.name)
    for name in THIRD:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def serve(orders: socket.socket) -> dict[str, Any] | None:
    """Returns in a child, with its order, and when nobody orders any more, with None."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told: dict[int, int] = {}  # pid -> the pipe that hears its end
    while True:
        ready, _, _ = select.select([orders, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            reap(told)
        if orders not in ready:
            continue
        message, given, _, _ = socket.recv_fds(orders, LONGEST, 4)
        if not message:
            for pid in told:
                os.kill(pid, signal.SIGKILL)
            return None
        pid = os.fork()
        if pid == 0:
            order: dict[str, Any] = json.loads(message)
            become(order, given)
            return order
        told[pid] = given[3]
        os.write(given[3], f"{pid}\n".encode())
        for one in given[:3]:
            os.close(one)


def reap(told: dict[int, int]) -> None:
    """Tells the ends of the children that ended."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            pipe = told.pop(pid)
            with contextlib.suppress(BrokenPipeError):  # nobody asks any more
                os.write(pipe, f"{status}\n".encode())
            os.close(pipe)


def become(order: dict[str, Any], given: list[int]) -> None:
    """Makes this child what a new interpreter would be."""
    signal.set_wakeup_fd(-1)
    for number, action in ((signal.SIGCHLD, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
        signal.signal(number, action)
    for number, one in enumerate(given[:3]):
        os.dup2(one, number)
    os.closerange(3, 512)
    if order["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(order["cwd"])
    show(order["environment"])
    time.tzset()
    sys.argv = ["axejournal", *order["words"]]
    sys.stdin = os.fdopen(0, encoding=sys.stdin.encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=sys.stdout.encoding, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    if "PYTHONPATH" in order["environment"]:
        sys.path[1:1] = order["environment"]["PYTHONPATH"].split(os.pathsep)
        sys.modules.pop("sitecustomize", None)  # the system's own
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module("sitecustomize")


def show(environment: dict[str, str]) -> None:
    """Takes this environment, and writes it where /proc/PID/environ is read: over the one that this program was begun with."""
    os.environ.clear()
    os.environ.update(environment)
    numbers = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(numbers[47]), int(numbers[48])
    block = b"".join(f"{name}={value}".encode() + b"\0" for name, value in environment.items())
    assert len(block) < end - begin, "an environment that is too long"
    ctypes.memset(begin, 0, end - begin)
    ctypes.memmove(begin, block, len(block))


if __name__ == "__main__":
    main()
