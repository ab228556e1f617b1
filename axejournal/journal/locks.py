"""Kernel file locks (`flock`) that live and die with this process, and never in a child of it.

The kernel gives a lock back when the last descriptor of it closes: at death, whatever the manner. A descriptor that a
child inherited would keep it held, so all are close-on-exec, and a forked child closes them before it does anything.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from axejournal.domain.errors import JournalDamaged

_guard = threading.Lock()
_open: set[int] = set()
_hooked = False


def open_lock_file(path: Path) -> int:
    """A descriptor of the file (0600, made when missing) that can carry a lock. Raises OSError."""
    global _hooked
    with _guard:
        if not _hooked:
            os.register_at_fork(before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_drop)
            _hooked = True
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        _open.add(handle)
        return handle


def close_lock_file(handle: int) -> None:
    """Closes it, and so gives back the lock. Does nothing in a child that was forked since."""
    with _guard:
        if handle in _open:
            _open.remove(handle)
            os.close(handle)


def _drop() -> None:
    for handle in _open:
        with contextlib.suppress(OSError):
            os.close(handle)
    _open.clear()
    _guard.release()


def try_lock(handle: int, shared: bool = False) -> bool:
    """Takes the lock if it is free; never waits."""
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class WriterLock:
    """One writer of the journal at a time, on this machine, its checkpoints included (SQLite before 3.51.3 can corrupt
    a log that two connections reset at once). May be taken again by the thread that has it."""

    def __init__(self, path: Path, wait_s: float = 60.0) -> None:
        self._path = path
        self._wait_s = wait_s
        self._thread = threading.RLock()
        self._depth = 0
        self._handle: int | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Held inside. Raises JournalDamaged when another process keeps it for a minute, or when it can't be made."""
        with self._thread:
            if self._handle is None:
                self._handle = self._open()
            if self._depth == 0:
                self._take(self._handle)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Gives the descriptor back. May be called twice."""
        with self._thread:
            if self._handle is not None:
                close_lock_file(self._handle)
                self._handle = None

    def _take(self, handle: int) -> None:
        if try_lock(handle):
            return
        pause = threading.Event()  # waits without reading a clock; nobody ever sets it
        waited_s, wait_s = 0.0, 0.0005
        while not try_lock(handle):
            if waited_s > self._wait_s:
                raise JournalDamaged(
                    f"journal {self._path.with_suffix('')}: another process has kept it for {waited_s:.0f} s",
                    f'Find it with "lsof {self._path}" and end it; then run "axej resume".',
                )
            pause.wait(wait_s)
            waited_s, wait_s = waited_s + wait_s, min(wait_s * 1.5, 0.02)

    def _open(self) -> int:
        try:
            return open_lock_file(self._path)
        except OSError as fault:
            raise JournalDamaged(
                f"journal {self._path.with_suffix('')}: {self._path} can't be opened: {fault.strerror}; nothing was appended",
                f"Make {self._path.parent} writable for this user and see that its disk isn't full or read-only.",
            ) from fault
