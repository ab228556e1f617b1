"""Cold disks of a lost machine: found by the mark on each, where no configuration says where they are mounted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from axejournal.app.cold_marker import MARKER
from axejournal.domain.errors import DiskMissing, UsageFault

PLACES = ("/Volumes/*", "/media/*", "/media/*/*", "/run/media/*/*", "/mnt", "/mnt/*")
"""Where macOS and Linux put disks that are connected."""
USUAL = "restic-repo"
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class FoundDisk:
    """A connected disk that says that it is a cold one. `place`: of its repository."""

    mount: Path
    place: Path
    customer: str
    disk: str


def found_disks(customer: str | None = None) -> tuple[FoundDisk, ...]:
    """Every connected cold disk (of that customer), by its place."""
    from axejournal.programs.volumes.mounts import SystemVolumes

    volumes = SystemVolumes()
    mounts = dict.fromkeys(path for place in PLACES for path in sorted(Path("/").glob(place.lstrip("/"))))
    there = (disk for mount in mounts if volumes.mark(mount) is not None for disk in _marked(mount))
    return tuple(disk for disk in there if customer in (None, disk.customer))


def found_disk(customer: str | None = None) -> FoundDisk:
    """The one that is connected. Raises DiskMissing, UsageFault when there are several."""
    found = found_disks(customer)
    if not found:
        whose = f" of {customer}" if customer else ""
        raise DiskMissing(
            f"no cold disk{whose} is connected: no disk in /Volumes, /media, /run/media or /mnt carries {MARKER}",
            'Connect one. If it is mounted elsewhere, write where: "axej recover --from cold --repository PATH".',
        )
    if len(found) > 1:
        several = ", ".join(f"disk {one.disk} of {one.customer} at {one.mount}" for one in found)
        raise UsageFault(f"several are connected: {several}", f"Write which one: --repository {found[0].place}")
    return found[0]


def _marked(mount: Path) -> Iterator[FoundDisk]:
    marker = _read(mount / MARKER)
    folder = PurePosixPath(str(marker.get("folder") or USUAL))
    place = mount / folder
    if marker and not folder.is_absolute() and ".." not in folder.parts and (place / "config").is_file():
        yield FoundDisk(mount, place, str(marker.get("customer")), str(marker.get("disk")))


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open(encoding="utf-8") as opened:
            found = json.loads(opened.read(MOST_BYTES))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
