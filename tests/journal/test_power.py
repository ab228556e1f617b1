"""Power cuts: the image of a mounted disk, copied in the middle of the work, is what the disk would hold."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess

import pytest

from axejournal.journal.verify import verify
from tests.journal.stories import Writer, night, open_store, write_night
from tests.world.needs import need


@pytest.fixture
def disk(tmp_path):
    """A file system of its own in a file, mounted."""
    need("loop")
    image, point = tmp_path / "disk.img", tmp_path / "disk"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(48 * 1024 * 1024)
    subprocess.run(["/sbin/mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, point], check=True)
    yield image, point
    subprocess.run(["umount", point], check=True)


def appending(path):
    """A process that appends until it is killed; returns its pid, and where it tells each id that is durable."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            store = open_store(path)
            for number in range(10_000):
                writer = Writer(store, f"{os.getpid()}-{number}")
                for drafts in night(writer.run, sources=("frame",)):
                    os.write(write, b"".join(f"{event.event_id}\n".encode() for event in writer.add(*drafts)))
        finally:
            os._exit(1)
    os.close(write)
    return pid, read


def listen(read, least=10_000):
    """The ids that were told: so many at least, or all there are by now when `read` doesn't block."""
    told = b""
    with contextlib.suppress(BlockingIOError):
        while told.count(b"\n") < least and (more := os.read(read, 65536)):
            told += more
    return told.decode().split()


def after_the_cut(image, folder):
    """What a machine finds that starts again with this disk: the ids in the journal, and whether it is sound."""
    point = folder / "again"
    point.mkdir(exist_ok=True)
    copy = folder / "copy.img"
    shutil.copyfile(image, copy)
    subprocess.run(["mount", "-o", "loop", copy, point], check=True)
    try:
        path = point / "journal.sqlite"
        verdict = verify(path)
        assert verdict.sound, verdict.faults
        store = open_store(path)
        write_night(store, "afterwards", sources=("frame",))
        store.close()
        assert verify(path).sound
        journal = sqlite3.connect(path)
        ids = {row[0] for row in journal.execute("SELECT event_id FROM events")}
        journal.close()
        return ids
    finally:
        subprocess.run(["umount", point], check=True)


def test_power_cut_loses_nothing_that_was_told_to_be_durable(disk, tmp_path):
    image, point = disk
    open_store(point / "journal.sqlite").close()
    subprocess.run(["sync", "-f", point], check=True)  # mkfs and mount are not what is tested
    seeded = random.Random(20260520)
    told: list[str] = []
    for _ in range(8):
        pid, read = appending(point / "journal.sqlite")
        try:
            told += listen(read, seeded.randrange(1, 60))
            os.kill(pid, signal.SIGSTOP)
            os.waitpid(pid, os.WUNTRACED)
            os.set_blocking(read, False)
            told += listen(read)
            kept = after_the_cut(image, tmp_path)
            assert set(told) <= kept, f"{len(set(told) - kept)} of {len(told)} acknowledged events are lost"
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(read)
    assert len(told) > 100
