"""Disks that come and go: what is mounted where, and when that changes. The only user of `watchdog`."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from axejournal.domain.errors import ProgramFailed
from axejournal.domain.ports.volumes import Volume
from axejournal.programs import process
from axejournal.programs.process import Command
from axejournal.programs.volumes import linux, mac

NO_CHANGE = ("opened", "closed", "closed_no_write")
"""Reading a folder is no change of it."""


class SystemVolumes:
    """The `Volumes` port."""

    def at(self, mount: Path) -> Volume | None:
        """See the port."""
        mark = self.mark(mount)
        if mark is None:
            return None
        if sys.platform == "darwin":
            return mac.info(mount, mark)
        found = linux.mounted_at(mount)
        if found is None:
            return None
        uuid = linux.uuid_of(found.device)
        return Volume(mount, found.device, uuid, linux.filesystem_of(found), found.read_only, mark)

    def mark(self, mount: Path) -> str | None:
        """See the port. A link is no mount point, wherever it leads; a folder of the parent's own file system neither."""
        try:
            here, parent = os.lstat(mount), os.lstat(mount.parent)
        except OSError:
            return None
        if here.st_dev == parent.st_dev or not _is_folder(here.st_mode):
            return None
        if sys.platform == "darwin":
            return f"{process.boot_id()}:{here.st_dev}"
        found = linux.mounted_at(mount)
        return f"{process.boot_id()}:{found.id}:{found.device_number}" if found else None

    def look_alikes(self, mount: Path) -> tuple[Path, ...]:
        """See the port."""
        named = re.compile(re.escape(mount.name) + r" ?\d+")
        with contextlib.suppress(OSError):
            beside = [path for path in mount.parent.iterdir() if named.fullmatch(path.name)]
            return tuple(sorted(path for path in beside if self.mark(path) is not None))
        return ()

    def eject(self, volume: Volume) -> str:
        """See the port."""
        if sys.platform == "darwin":
            return mac.eject(volume)
        udisks = linux.program("udisksctl")
        if udisks and process.run(Command((udisks, "unmount", "-b", volume.device), timeout_s=120)).exit_code == 0:
            off = process.run(Command((udisks, "power-off", "-b", volume.device), timeout_s=60)).exit_code == 0
            return "udisksctl power-off" if off else "udisksctl unmount"
        umount = linux.program("umount") or "umount"
        done = process.run(Command((umount, str(volume.mount)), timeout_s=120))
        if done.exit_code != 0:
            said = " ".join(done.stderr.split())[-200:]
            raise ProgramFailed(f"{volume.mount} could not be unmounted: {said}", "Close what uses it, then unmount it by hand.")
        return "umount"


def _is_folder(mode: int) -> bool:
    return mode & 0o170000 == 0o040000


class MountWatch:
    """Wakes up when something changes in the folders in which disks appear. A change may be told twice, and one may be
    lost: whoever waits looks again now and then."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(dict.fromkeys(folders))
        self._changed = threading.Event()

    @contextlib.contextmanager
    def watching(self) -> Iterator[MountWatch]:
        """Inside, changes are noticed."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        changed = self._changed

        class Teller(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in NO_CHANGE:
                    changed.set()

        observer, handler = Observer(), Teller()
        observer.start()
        for folder in self._folders:
            with contextlib.suppress(OSError):  # it may come later: the slow look finds what is in it
                observer.schedule(handler, str(folder), recursive=False)
        _tell_of_mounts(self._changed)
        try:
            yield self
        finally:
            observer.stop()
            observer.join(timeout=5)

    def wait(self, timeout_s: float) -> bool:
        """Until something changed, or the time is up."""
        changed = self._changed.wait(timeout_s)
        self._changed.clear()
        return changed


def _tell_of_mounts(changed: threading.Event) -> None:
    """A file system that is mounted on a folder which was there already makes no event in the folder above; Linux marks
    /proc/self/mountinfo as changed instead (proc(5)). Elsewhere a mount point comes and goes with its disk."""
    if not linux.MOUNTS.exists():
        return

    def listen() -> None:
        with linux.MOUNTS.open("rb") as mounts:
            waits = select.poll()
            waits.register(mounts, select.POLLERR | select.POLLPRI)
            while True:
                waits.poll()
                changed.set()

    threading.Thread(target=listen, daemon=True).start()
