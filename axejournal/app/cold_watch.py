"""Waits for cold disks, in one small process; each sync is a process of its own, which outlives this one."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.app.cold import mounts_of

if TYPE_CHECKING:
    import subprocess

SETTLE_S = 0.05
"""A mount makes several changes, and the last one counts; the sync that is started looks again by itself, half a second later."""
LOOK_AT_CHILDREN_S = 2.0


@dataclass
class DiskWatcher:
    """`mark`: of what is mounted somewhere, None for nothing; `start`: starts a disk's sync; `done`: the mark during which a
    disk was synced last."""

    mounts: Mapping[str, Path]
    mark: Callable[[Path], str | None]
    start: Callable[[str], subprocess.Popen[bytes]]
    done: Callable[[str], str | None] = lambda disk: None
    seen: dict[str, str | None] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    owed: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Starts a sync for each disk that was mounted since the last look; for one whose sync is still at work, when that
        has ended (it may have ended because the disk was gone for a moment)."""
        for disk, mount in self.mounts.items():
            mark = self.mark(mount)
            first = disk not in self.seen
            if mark is not None and mark != self.seen.get(disk) and not (first and self.done(disk) == mark):
                self.owed.add(disk)
            if mark is None:
                self.owed.discard(disk)
            self.seen[disk] = mark
            self._pay(disk)

    def _pay(self, disk: str) -> None:
        at_work = self.running.get(disk)
        if at_work is not None and at_work.poll() is not None:
            if at_work.returncode < 0 and self.seen[disk] is not None:
                self.owed.add(disk)  # it was killed: its run is gone on with (one that dies again and again fails by itself)
            del self.running[disk]
            at_work = None
        if disk in self.owed and at_work is None:
            self.owed.discard(disk)
            self.running[disk] = self.start(disk)

    @property
    def busy(self) -> bool:
        """Whether a sync that this process started is at work."""
        return bool(self.running)


def watch_disks(effective: Mapping[str, Any], tier: str, config: Path, journal: Path, poll_s: float) -> None:
    """Until this process is told to end. Raises nothing for a sync that failed: its run says so."""
    from axejournal.programs import process
    from axejournal.programs.volumes.mounts import MountWatch, SystemVolumes

    mounts = mounts_of(effective["tiers"][tier])
    logs = Path(effective["state"]) / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(disk: str) -> subprocess.Popen[bytes]:
        words = ("--config", str(config), "cold", "sync", disk, "--tier", tier, "--watched")
        return process.spawn((sys.executable, "-m", "axejournal", *words), logs / f"cold.sync.{disk}.log")

    watcher = DiskWatcher(
        mounts, SystemVolumes().mark, start, lambda disk: _last_mark(journal, effective["customer"], tier, disk)
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    print(f"watching for disks at {effective['tiers'][tier]['mount']}", file=sys.stderr, flush=True)
    with contextlib.suppress(_Ended), MountWatch(mount.parent for mount in mounts.values()).watching() as changes:
        while True:
            watcher.look()
            if changes.wait(LOOK_AT_CHILDREN_S if watcher.busy else poll_s):
                changes.wait(SETTLE_S)


class _Ended(BaseException):
    """Somebody told this process to end. Nothing of it is lost by that, wherever it is."""


def _end(number: int, _: object) -> None:
    raise _Ended


def _last_mark(journal: Path, customer: str, tier: str, disk: str) -> str | None:
    """A watcher that begins again must not sync a disk a second time that stayed where it was."""
    from axejournal.domain.errors import AxejError
    from axejournal.journal.disks import disks

    try:
        return next((row.mark for row in disks(journal, customer, tier) if row.disk == disk), None)
    except AxejError:
        return None  # the sync tells it better
