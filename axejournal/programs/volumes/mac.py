"""Mounted file systems of a Mac, as `diskutil info -plist` tells them."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any

from axejournal.domain.errors import ProgramFailed
from axejournal.domain.ports.volumes import Volume
from axejournal.programs import process
from axejournal.programs.process import Command

DISKUTIL = "/usr/sbin/diskutil"


def info(mount: Path, mark: str) -> Volume | None:
    """What diskutil says of a mount point. Raises ProgramMissing, ProgramStalled."""
    done = process.run(Command((DISKUTIL, "info", "-plist", str(mount)), timeout_s=30))
    return volume_from(done.stdout, mount, mark) if done.exit_code == 0 else None


def volume_from(plist: bytes, mount: Path, mark: str) -> Volume | None:
    """What its answer says; None when it speaks of another mount point (the system's disk, for a plain folder), or makes no
    sense."""
    try:
        found: dict[str, Any] = plistlib.loads(plist)
    except (plistlib.InvalidFileException, ValueError):
        return None
    if found.get("Error") or found.get("MountPoint") != str(mount):
        return None
    writable = bool(found.get("WritableVolume", found.get("Writable", True)))
    return Volume(
        mount=mount,
        device=str(found.get("DeviceNode") or f"/dev/{found.get('DeviceIdentifier', '')}"),
        uuid=found.get("VolumeUUID") or found.get("DiskUUID"),
        filesystem=str(found.get("FilesystemType", "")),
        read_only=not writable,
        mark=mark,
    )


def eject(volume: Volume) -> str:
    """Ejects the disk with all its volumes. Raises ProgramFailed."""
    done = process.run(Command((DISKUTIL, "eject", volume.device), timeout_s=120))
    if done.exit_code != 0:
        said = " ".join((done.stderr or done.text).split())[-200:]
        raise ProgramFailed(f"{volume.mount} could not be ejected: {said}", "Close what uses it, then eject it in the Finder.")
    return "diskutil eject"
