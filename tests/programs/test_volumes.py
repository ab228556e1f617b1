"""What is mounted where: Linux's own list, a Mac's answers as they were recorded, and secrets that a child gets by a pipe."""

from __future__ import annotations

import os
import plistlib
import sys
from pathlib import Path

import pytest

from axejournal.programs import process
from axejournal.programs.process import Command
from axejournal.programs.process_hidden import HeldPassword, Hidden
from axejournal.programs.volumes import linux, mac
from axejournal.programs.volumes.mounts import MountWatch, SystemVolumes

MOUNTS = """\
22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
36 28 8:17 / /media/axe/axe-cold-1 rw,nosuid - ext4 /dev/sdb1 rw,errors=remount-ro
37 28 8:33 / /media/axe/axe-cold-1\\0401 ro,nosuid shared:3 master:1 - exfat /dev/sdc1 rw
38 28 8:49 / /media/axe/axe-cold-1 rw - ext4 /dev/sdd1 ro
nonsense
"""
# `diskutil info -plist`: keys as macOS 15 gives them
APFS = {
    "DeviceIdentifier": "disk6s1",
    "DeviceNode": "/dev/disk6s1",
    "FilesystemType": "apfs",
    "MountPoint": "/Volumes/axe-cold-2",
    "VolumeUUID": "6B8C1A5E-41B1-4F0B-9C7B-0F5D8E0B7A11",
    "WritableVolume": True,
    "Ejectable": True,
    "Internal": False,
}


def test_list_of_mounts_is_read_with_spaces_and_both_kinds_of_read_only():
    found = linux.mounted(MOUNTS)
    assert [(str(each.mount), each.device, each.read_only) for each in found] == [
        ("/sys", "sysfs", False),
        ("/media/axe/axe-cold-1", "/dev/sdb1", False),
        ("/media/axe/axe-cold-1 1", "/dev/sdc1", True),
        ("/media/axe/axe-cold-1", "/dev/sdd1", True),
    ]


@pytest.mark.parametrize(
    ("change", "uuid", "read_only"),
    [
        ({}, APFS["VolumeUUID"], False),
        ({"WritableVolume": False}, APFS["VolumeUUID"], True),
        ({"FilesystemType": "exfat", "VolumeUUID": None, "DiskUUID": "0E23"}, "0E23", False),
    ],
)
def test_answer_of_a_mac_is_read(change, uuid, read_only):
    plist = plistlib.dumps({key: value for key, value in {**APFS, **change}.items() if value is not None})
    found = mac.volume_from(plist, Path("/Volumes/axe-cold-2"), "m")
    assert found is not None and (found.uuid, found.read_only, found.device) == (uuid, read_only, "/dev/disk6s1")


@pytest.mark.parametrize(
    "plist",
    [
        plistlib.dumps({**APFS, "MountPoint": "/"}),  # a plain folder: diskutil speaks of the disk that it is on
        plistlib.dumps({"Error": True, "ErrorMessage": "Could not find disk: /Volumes/axe-cold-2"}),
        b"",
        b"Could not find disk",
    ],
)
def test_answer_of_a_mac_about_anything_else_is_no_disk(plist: bytes):
    assert mac.volume_from(plist, Path("/Volumes/axe-cold-2"), "m") is None


def test_folder_link_and_nothing_are_no_mount_points(tmp_path: Path):
    (tmp_path / "link").symlink_to("/proc")
    volumes = SystemVolumes()
    assert [volumes.mark(path) for path in (tmp_path, tmp_path / "link", tmp_path / "none")] == [None, None, None]
    assert volumes.mark(Path("/proc")) is not None or sys.platform == "darwin"


def test_watch_wakes_up_when_a_folder_appears(tmp_path: Path):
    with MountWatch((tmp_path, tmp_path / "not-there")).watching() as changes:
        while changes.wait(0.2):
            pass
        (tmp_path / "axe-cold-1").mkdir()
        assert changes.wait(5)


def test_hidden_word_reaches_the_child_by_a_pipe_and_nobody_else():
    secret = Hidden("four words on paper")
    held = HeldPassword(secret)
    assert "four words" not in f"{secret} {secret!r} {held!r} {held.environment()}"
    script = "import os, sys; print(open(os.environ['RESTIC_PASSWORD_FILE']).read()); print(open('/proc/self/environ').read())"
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0  # noqa: PTH208
    done = process.run(Command((sys.executable, "-c", script, secret), held.environment()))
    first, rest = done.text.split("\n", 1)
    assert first == "four words on paper" and "four words" not in rest and "/dev/fd/" in rest
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
