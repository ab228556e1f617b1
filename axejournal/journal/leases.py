"""Exclusive or shared rights to work on a resource, as kernel locks on files: the real Leases.

Who holds a lease is alive; who died holds none. No timeouts, no guesses from pids: what is written into the file only
says who it was. Lease files are never removed (a removed file can be locked twice).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from axejournal.domain.errors import Busy, Interrupted, JournalDamaged
from axejournal.domain.ports import Clock
from axejournal.journal.locks import close_lock_file, open_lock_file, try_lock

GRACE_S = 5.0
"""Even a take that doesn't wait tries this long while nobody says that he holds it: looking who holds a lease keeps it for
an instant, which is long on a busy machine."""
_LONGEST_NAME = 200
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.01, 1.0


@dataclass(frozen=True)
class Holder:
    """What a holder wrote into the file when it took the lease. `since`: ISO 8601, UTC."""

    token: str
    run: str
    pid: int
    since: str
    shared: bool

    def __str__(self) -> str:
        return f"run {self.run}, pid {self.pid}, since {self.since}" + (" (shared)" if self.shared else "")


class FileLeases:
    """Leases as files of one directory (0700, made when missing). Threads may share it."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    @contextlib.contextmanager
    def take(self, resource: str, run: str, shared: bool = False, wait_s: float = 0.0) -> Iterator[None]:
        """See Leases. Raises Busy, Interrupted when the wait is cut short, JournalDamaged when no file can be made."""
        handle = self._open(resource)
        try:
            self._wait(handle, resource, shared, wait_s)
            since = self._clock.now().isoformat(timespec="seconds")
            holder = Holder(os.urandom(8).hex(), run, os.getpid(), since, shared)
            _write(handle, asdict(holder))
            try:
                yield
            finally:
                if os.getpid() == holder.pid:  # a child that was forked meanwhile has another file under this number
                    _write(handle, {"left": holder.token})
        finally:
            close_lock_file(handle)

    def holder(self, resource: str) -> str | None:
        """See Leases."""
        if not self._path(resource).exists():
            return None
        handle = self._open(resource)
        try:
            if try_lock(handle):
                return None
            return _names(handle) or "an unknown process"
        finally:
            close_lock_file(handle)

    def met(self, resource: str) -> bool:
        """Whether anybody ever took it on this machine: lease files are never removed, and not part of any copy."""
        return self._path(resource).exists()

    def _wait(self, handle: int, resource: str, shared: bool, wait_s: float) -> None:
        begin_us = self._clock.monotonic_us()
        pause_s = _FIRST_WAIT_S
        while not _lock(handle, shared):
            waited_s = (self._clock.monotonic_us() - begin_us) / 1_000_000
            names = _names(handle)
            if waited_s >= max(wait_s, GRACE_S) or (names and waited_s >= wait_s):
                raise Busy(
                    f"{resource} is in use by {names or 'an unknown process'}",
                    'Wait for it to end; "axej status" shows the runs that are at work.',
                )
            left_s = max(wait_s - waited_s, _FIRST_WAIT_S)
            self._pause(min(pause_s, left_s), resource)
            pause_s = min(pause_s * 2, _LONGEST_WAIT_S)

    def _pause(self, wanted_s: float, resource: str) -> None:
        before_us = self._clock.monotonic_us()
        self._clock.sleep(wanted_s)
        if self._clock.monotonic_us() - before_us < wanted_s * 500_000:  # the clock's sleep ends early when cancelled
            raise Interrupted(f"the wait for {resource} was cancelled")

    def _open(self, resource: str) -> int:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return open_lock_file(self._path(resource))
        except OSError as fault:
            raise JournalDamaged(
                f"lease on {resource}: its file can't be opened: {fault.strerror} ({self._path(resource)})",
                f"Make {self._directory} writable for this user and see that its disk isn't full.",
            ) from fault

    def _path(self, resource: str) -> Path:
        name = quote(resource, safe=" @:,+=")
        if len(name) > _LONGEST_NAME:
            name = f"{name[:_LONGEST_NAME]}~{hashlib.sha256(resource.encode()).hexdigest()[:16]}"
        return self._directory / f"{name}.lease"


def _lock(handle: int, shared: bool) -> bool:
    """Takes it if it is free. Whoever comes first, or alone, clears what earlier holders left in the file."""
    if try_lock(handle):
        os.ftruncate(handle, 0)
        if not shared:
            return True
    elif not shared:
        return False
    return try_lock(handle, shared=True)  # turning an exclusive lock into a shared one is not atomic: it may fail


def _write(handle: int, line: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # a full disk must neither refuse a lease nor keep it
        os.write(handle, json.dumps(line).encode() + b"\n")


def _names(handle: int) -> str:
    """Who holds it, by what living holders wrote; several when it is shared."""
    holders: dict[str, Holder] = {}
    for line in os.pread(handle, 1_000_000, 0).splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):  # a line cut by a full disk
            found = json.loads(line)
            if "left" in found:
                holders.pop(found["left"], None)
            else:
                holders[found["token"]] = Holder(**found)
    return "; ".join(str(holder) for holder in holders.values() if _lives(holder.pid))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
