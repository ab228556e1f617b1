"""The demo's cold disk: a file with ext4 on a loop device, where this user may mount one; else a folder that stands for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError, ProgramFailed
from axejournal.domain.ports.volumes import Try, Volume
from axejournal.programs import process
from axejournal.programs.process import Command
from axejournal.programs.volumes import linux
from axejournal.programs.volumes.mounts import SystemVolumes

PAPER = "these words would be on paper"
DISK = "1"
IMAGE_BYTES = 4 << 30  # sparse: only what is written is there

TIER = """
  cold:
    mount: {folder}/axe-cold-{{1,2,3}}
    password: paper           # asked for on the terminal; no program keeps it
    first_quarter: 2026Q1     # disk 1
"""


@dataclass(frozen=True)
class Drawer:
    """The place of the demo's disks."""

    directory: Path

    @property
    def mount(self) -> Path:
        """Where disk 1 appears."""
        return self.directory / "Volumes" / f"axe-cold-{DISK}"

    @property
    def image(self) -> Path:
        """The file that is the disk."""
        return self.directory / "axe-cold-1.image"

    def tier(self) -> str:
        """The tier, as axej.yaml has it."""
        return TIER.format(folder=self.mount.parent)

    def connect(self) -> bool:
        """Whether a real disk is mounted now; if not, a folder stands for it."""
        self.mount.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0 or not Path("/dev/loop-control").exists() or linux.program("mkfs.ext4") is None:
            return False
        try:
            if not self.image.exists():
                with self.image.open("wb") as file:
                    file.truncate(IMAGE_BYTES)
                _run("mkfs.ext4", "-q", "-F", str(self.image))
            _run("mount", "-o", "loop", str(self.image), str(self.mount))
        except AxejError:
            return False
        return True

    def disconnect(self) -> None:
        """Unmounts it, if it is mounted."""
        if SystemVolumes().mark(self.mount) is not None:
            _run("umount", str(self.mount))


class FolderVolumes(SystemVolumes):
    """Takes a folder for a disk: for a demo that may mount none. axej itself never does."""

    def at(self, mount: Path) -> Volume | None:
        """See the port."""
        return Volume(mount, "a folder", "a-folder-of-the-demo", "folder", False, "demo") if mount.is_dir() else None

    def mark(self, mount: Path) -> str | None:
        """See the port."""
        return "demo" if mount.is_dir() else None


class Sheet:
    """The sheet of paper, and whoever types from it."""

    def choose(self, what: str, told: str = "") -> str:
        """See PasswordDesk."""
        return PAPER

    def receive(self, run: str, what: str, attempt: Try, still: object) -> None:
        """See PasswordDesk."""
        attempt(PAPER)


def _run(program: str, *words: str) -> None:
    done = process.run(Command((linux.program(program) or program, *words), timeout_s=60))
    if done.exit_code != 0:
        raise ProgramFailed(f"{program} ended with exit code {done.exit_code}: {' '.join(done.stderr.split())[-200:]}")
