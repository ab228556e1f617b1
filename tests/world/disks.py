"""Cold disks of a test: files with a file system on a loop device, mounted under a folder of the test's own; and a person
at a terminal."""

from __future__ import annotations

import errno
import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.world import axej
from tests.world.drivers import FUSE, end_driver, mount_words
from tests.world.home import World
from tests.world.needs import need
from tests.world.quick_key import BLANK

MKFS = {"ext4": ("mkfs.ext4", "-q", "-F"), "exfat": ("mkfs.exfat",)}
SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PAPER = "four words on paper"
PROMPT = re.compile(rb"(?:(?:new )?password of disk [^:\r\n]*|password of tier [^:\r\n]*|the same again): ")


def run(*argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=check, env={**os.environ, "PATH": SBIN})


@dataclass
class Disk:
    """A disk that can be connected and pulled out."""

    image: Path
    mount: Path
    loop: str = ""
    filesystem: str = "ext4"

    def connect(self, at: Path | None = None, *options: str) -> Disk:
        """Mounts it."""
        mount = at or self.mount
        if self.filesystem in FUSE and (end_driver(self.loop) or self.is_dead()):
            run("umount", "-l", str(mount), check=False)
        mount.mkdir(parents=True, exist_ok=True)
        if self.loop:  # axej may have unmounted it
            run("losetup", "-d", self.loop, check=False)
        for _ in range(50):
            done = run("losetup", "-f", "--show", str(self.image), check=False)
            if done.returncode == 0:
                break
            time.sleep(0.1)
        self.loop = done.stdout.strip()
        run(*mount_words(self.filesystem, self.loop, mount, options))
        return self

    def is_dead(self) -> bool:
        """Whether a driver that was ended has left its mount point behind."""
        try:
            self.mount.lstat()
        except OSError as fault:
            return fault.errno == errno.ENOTCONN
        return False

    def tear_off(self) -> None:
        """Takes it off as hard as can be: where it has a driver, that is gone at once and its mount point stays behind."""
        if not end_driver(self.loop):
            self.pull()

    def pull(self, at: Path | None = None) -> None:
        """Takes it off without a word: what is open on it fails sooner or later, and nothing finds it any more."""
        run("umount", "-l", str(at or self.mount), check=False)
        run("losetup", "-d", self.loop, check=False)

    def eject(self) -> None:
        """Unmounts it in order."""
        for _ in range(20):
            if run("umount", str(self.mount), check=False).returncode == 0:
                break
            time.sleep(0.1)
        run("losetup", "-d", self.loop, check=False)


@dataclass
class Drawer:
    """Three places for disks, of one world."""

    world: World
    folder: Path
    disks: dict[str, Disk] = field(default_factory=dict)

    @property
    def journal(self) -> Path:
        return self.world.journal

    def place(self, number: str) -> Path:
        return self.folder / f"axe-cold-{number}"

    def new(self, number: str, filesystem: str = "ext4", mib: int = 64, name: str = "") -> Disk:
        """A new, empty disk that belongs to a place; not connected."""
        image = self.folder / f"{name or number}.image"
        with image.open("wb") as file:
            file.truncate(mib << 20)
        run(*MKFS[filesystem], str(image))
        made = Disk(image, self.place(number), filesystem=filesystem)
        self.disks[name or number] = made
        return made

    def prepared(self, number: str, **how: object) -> Disk:
        """A connected disk with this number, made by `axej cold init`."""
        disk = self.new(number, **how).connect()  # type: ignore[arg-type]
        self.world.environment[BLANK] = str(self.world.blank.path)
        code, said = typed(self.world, ("cold", "init", number), (PAPER, PAPER))
        del self.world.environment[BLANK]
        assert code == 0, said
        return disk

    def sync(self, number: str, *answers: str, expect: int = 0) -> str:
        """`axej cold sync` on a terminal, with what is typed there."""
        code, said = typed(self.world, ("cold", "sync", number), answers or (PAPER,))
        assert code == expect, f"exit {code}, not {expect}\n{said}"
        return said

    def runs(self, job: str = "cold.sync") -> list[dict[str, Any]]:
        """The runs of a job, newest first."""
        return [run for run in self.world.json("history") if run["job"] == job]

    def held(self, disk: Disk) -> list[dict[str, Any]]:
        """The snapshots on a connected disk, by restic alone."""
        password = self.folder / "paper"
        password.write_text(f"{PAPER}\n")
        repository = self.world.repository
        made = replace(repository, path=disk.mount / "restic-repo", password_file=password, cache=self.folder / "cache")
        return made.snapshots()


def typed(
    world: World,
    words: Sequence[str],
    answers: Sequence[str] | Callable[[str], str],
    kill_at: str = "",
    timeout_s: float = 60,
) -> tuple[int, str]:
    """Runs `axej WORDS` on a terminal of its own, and types an answer at each prompt for a password (the next one, or the one
    for that prompt); exit code and screen."""
    environment = world.environ({"TERM": "dumb"}, kill_at)
    process, terminal = axej.at_terminal(words, environment, world.folder)
    said, left, end = b"", [] if callable(answers) else list(answers), time.monotonic() + timeout_s
    asked = 0
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 0.2)
            if ready:
                try:
                    more = os.read(terminal, 65536)
                except OSError as fault:
                    if fault.errno == errno.EIO:
                        break
                    raise
                if not more:
                    break
                said += more
            prompts = PROMPT.findall(said)
            if len(prompts) > asked and (left or callable(answers)):
                asked = len(prompts)
                answer = answers(prompts[-1].decode()) if callable(answers) else left.pop(0)
                os.write(terminal, answer.encode() + b"\n")
        else:
            process.kill()
    finally:
        os.close(terminal)
    return process.wait(), said.decode("utf-8", "replace")


def until(true: Callable[[], object], within_s: float = 20, what: str = "") -> None:
    """Waits until something is so, or the test fails."""
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {within_s} s: {what}")
        time.sleep(0.05)


@pytest.fixture
def drawer(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Drawer]:
    """A world with a tier of cold disks and one backup of files; no disk is connected."""
    need("loop")
    world = make_world(databases=())
    folder = tmp_path / "Volumes"
    folder.mkdir()
    made = Drawer(world, folder)
    world.config["tiers"]["cold"] = {
        "mount": f"{folder}/axe-cold-{{1,2,3}}",
        "password": "paper",
        "first_quarter": "2026Q1",
    }
    world.write()
    world.axej("backup", "--local", expect=0)
    yield made
    for disk in made.disks.values():
        for place in {disk.mount, *(made.place(number) for number in "123")}:
            if disk.is_dead() or place.is_mount():
                run("umount", "-l", str(place), check=False)
        if disk.loop:
            if disk.filesystem in FUSE:
                end_driver(disk.loop)
            run("losetup", "-d", disk.loop, check=False)
