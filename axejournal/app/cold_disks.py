"""One cold disk as a run works on it: whether it is the right one, what opens it, its repository."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from axejournal.app.cold_marker import MARKER, has_repository, marker_on
from axejournal.domain.errors import (
    AxejError,
    DiskForeign,
    DiskMissing,
    DiskReadOnly,
    RepositoryForeign,
    RepositoryMissing,
    UsageFault,
)
from axejournal.domain.ports.volumes import Volume
from axejournal.journal.disks import DiskRow
from axejournal.programs.disk import kind

if TYPE_CHECKING:
    from axejournal.app.parts import Parts
    from axejournal.config.models import Config
    from axejournal.config.tiers import ColdTier
    from axejournal.domain.ports import Repository
    from axejournal.programs.restic.disk import DiskRepository
    from axejournal.programs.restic.repository import Password

ALWAYS_THERE = {
    "lost+found", ".Trashes", ".Spotlight-V100", ".fseventsd", ".TemporaryItems", ".DS_Store", ".DocumentRevisions-V100",
    "System Volume Information", ".Trash-1000", MARKER,
}  # fmt: skip
"""What systems put on an empty disk."""


class ColdDisk:
    """The disk of a number. `look` and `open_*` are for each process to do anew: nothing of them is kept anywhere."""

    def __init__(self, parts: Parts, tier: str, disk: str, config: Config) -> None:
        self.parts, self.tier, self.disk, self.config = parts, tier, disk, config
        self.settings = cold_tier(config, tier)
        if disk not in self.settings.disks:
            names = ", ".join(self.settings.disks)
            raise UsageFault(
                f"tier {tier} has no disk {disk}; it has {names}", "Write one of these, or change mount: in axej.yaml."
            )
        self.mount = self.settings.disks[disk]
        self.place = self.mount / self.settings.repository
        self._volume: Volume | None = None
        self._password: Password | None = None
        self._repository: DiskRepository | None = None

    # --- is it the right one? ----------------------------------------------------------------------------------------

    def recorded(self) -> DiskRow | None:
        """What the journal says that it is."""
        return next((row for row in self.parts.disk_rows(self.tier) if row.disk == self.disk), None)

    def look(self) -> Volume:
        """The disk, when it is mounted and the recorded one. Raises DiskMissing, DiskForeign, DiskReadOnly, DiskUnreadable,
        RepositoryMissing."""
        row = self.recorded()
        volume = self.mounted()
        if row is None:
            raise DiskForeign(
                f"disk {self.disk} at {self.mount} was never prepared", f'Write "axej cold init {self.disk}" if it is a new one.'
            )
        if volume.uuid != row.volume:
            raise DiskForeign(self._other(volume), f"Eject it, and connect disk {self.disk}. Nothing was written on it.")
        self._check_marker(row)
        if volume.read_only:
            raise DiskReadOnly(
                f"disk {self.disk} at {self.mount} ({volume.filesystem}) is mounted read-only",
                "A damaged file system is mounted so: check the disk, then connect it again.",
            )
        if not has_repository(self.place, self.mount, self.disk):
            hint = f'Look at the disk; "axej cold init {self.disk}" makes a new one only if that one is gone for good.'
            raise RepositoryMissing(f"disk {self.disk} has no repository at {self.place}", hint)
        self._volume = volume
        return volume

    def mounted(self) -> Volume:
        """Whatever disk is mounted there. Raises DiskMissing."""
        volume = self.parts.volumes.at(self.mount)
        if volume is not None:
            return volume
        beside = self.parts.volumes.look_alikes(self.mount)
        folder = kind(self.mount) == "folder"
        why = "there is a folder, and no disk is mounted on it" if folder else "no disk is mounted there"
        if beside:
            why += f"; a disk is at {beside[0]}, which is no place of a cold one"
        remedy = f"Eject {beside[0]}, remove the folder {self.mount}, and" if beside and folder else "Connect it, then"
        raise DiskMissing(f"disk {self.disk} is not at {self.mount}: {why}", f'{remedy} run "axej cold sync {self.disk}" again.')

    def is_there(self) -> bool:
        """Whether the disk that was looked at is still mounted, without a break."""
        return self._volume is not None and self.parts.volumes.mark(self.mount) == self._volume.mark

    def _still(self) -> None:
        if not self.is_there():
            raise DiskMissing(f"disk {self.disk} was pulled out of {self.mount}", "Connect it again.")

    def _other(self, volume: Volume) -> str:
        known = next((row for row in self.parts.disk_rows(self.tier) if row.volume == volume.uuid), None)
        which = f"disk {known.disk}" if known else "a disk that the journal does not know"
        return f"what is mounted at {self.mount} is {which} (volume {volume.uuid}), not disk {self.disk}"

    def _check_marker(self, row: DiskRow) -> None:
        marker = self.marker() or {}
        wanted = {"customer": self.config.customer, "disk": self.disk, "repository": row.repository}
        wrong = [name for name, value in wanted.items() if marker.get(name) != value]
        if wrong:
            found = f"its {MARKER} says {wrong[0]} {marker.get(wrong[0])}" if marker else f"it has its volume, but no {MARKER}"
            hint = f'Check the disk. When it is good and the right one, "axej cold init {self.disk} --adopt" tries its password.'
            raise DiskForeign(f"the disk at {self.mount} is not disk {self.disk} of {self.config.customer}: {found}", hint)

    def marker(self) -> dict[str, Any] | None:
        """What is written on the disk about itself. Raises DiskUnreadable."""
        return marker_on(self.mount, self.disk)

    def mark_disk(self, repository: str, **more: str) -> None:
        """Writes on the disk which one it is; no secret. Raises DiskFull, AxejError."""
        from axejournal.programs.disk import write_durable

        about = {"customer": self.config.customer, "disk": self.disk, "repository": repository, **more}
        write_durable(self.mount / MARKER, (json.dumps(about | {"folder": self.settings.repository}, indent=2) + "\n").encode())

    # --- making it one -----------------------------------------------------------------------------------------------

    def claim(self, not_empty: bool, again: bool, replace: bool) -> Volume:
        """The disk that is to become this number's. Raises DiskMissing; DiskForeign for one that is something else already;
        UsageFault when it is not empty (`again`: but for what an attempt before may have left)."""
        volume = self.mounted()
        if volume.uuid is None:
            hint = "Format it (ext4, APFS, exFAT), then try again."
            raise DiskForeign(f"what is mounted at {self.mount} ({volume.filesystem}) has no UUID to know it by", hint)
        other = next((row for row in self.parts.disk_rows(self.tier) if row.volume == volume.uuid), None)
        if other is not None and other.disk != self.disk:
            raise DiskForeign(
                f"what is mounted at {self.mount} is disk {other.disk} already", "Eject it, and connect the new one."
            )
        row = self.recorded()
        if row is not None and row.volume != volume.uuid and not replace:
            raise DiskForeign(
                f"disk {self.disk} is another one by the journal (volume {row.volume}), not what is mounted at {self.mount}",
                f'Connect that one. Only if it is gone for good: "axej cold init {self.disk} --replace".',
            )
        marker = self.marker()
        mine = {"customer": self.config.customer, "disk": self.disk}
        if marker is not None and any(marker.get(name) != value for name, value in mine.items()):
            whose = f"disk {marker.get('disk')} of {marker.get('customer')}"
            raise DiskForeign(f"the disk at {self.mount} is {whose}: its {MARKER} says so", "Take another disk.")
        if volume.read_only:
            raise DiskReadOnly(f"the disk at {self.mount} is mounted read-only", "Mount it for writing, then try again.")
        if (self.place / "config").exists() and not again:
            hint = f'If it is disk {self.disk} and this journal forgot it, "axej cold init {self.disk} --adopt" takes it.'
            raise UsageFault(f"a repository is already at {self.place}", hint)
        left = {self.settings.repository.split("/")[0]} if again else set()
        there = sorted({p.name for p in self.mount.iterdir() if not p.name.startswith("._")} - ALWAYS_THERE - left)
        if there and not not_empty:
            shown = ", ".join(there[:3]) + (", …" if len(there) > 3 else "")
            hint = f'If that may stay on it, write "axej cold init {self.disk} --not-empty".'
            raise UsageFault(f"the disk at {self.mount} is not empty: {shown}", hint)
        return volume

    def initialise(self, password: str, like: Repository) -> str:
        """Makes the repository, open from then on; its id."""
        from axejournal.programs.process_hidden import HeldPassword, Hidden

        if self.place.exists() and not (self.place / "config").exists():
            shutil.rmtree(self.place)  # what an attempt that was killed began: there was none before it
        made = self.reach(HeldPassword(Hidden(password)))
        identity = made.initialise(like)
        self._repository = made
        return identity

    def learn(self, typed: str) -> None:
        """Opens a repository that is there and not recorded. Raises WrongPassword, RepositoryMissing."""
        from axejournal.programs.process_hidden import HeldPassword, Hidden

        made = self.reach(HeldPassword(Hidden(typed)))
        made.identity()
        self._repository = made

    # --- what opens it -----------------------------------------------------------------------------------------------

    @property
    def has_looked(self) -> bool:
        """Whether this process has found the right disk."""
        return self._volume is not None

    @property
    def is_open(self) -> bool:
        """Whether this process has a password that opens its repository."""
        return self._password is not None

    @property
    def has_machine_key(self) -> bool:
        """Whether the configuration names one, and one was enrolled."""
        row = self.recorded()
        return self.settings.machine_key is not None and row is not None and row.machine_key is not None

    def open_by_machine(self, known: bool = False) -> None:
        """`known`: not tried where it opened the same keys before; a copy does. Raises WrongPassword, RepositoryForeign."""
        from axejournal.programs.secrets.source import PasswordSource

        assert self.settings.machine_key is not None
        self._open(PasswordSource.of(self.settings.machine_key.reference), known)

    def open_by(self, typed: str) -> None:
        """Raises WrongPassword, RepositoryForeign and what restic raises."""
        from axejournal.domain.errors import WrongPassword
        from axejournal.programs.process_hidden import HeldPassword, Hidden

        if not typed.strip():
            raise WrongPassword("the password is empty", "Type what is on the paper.")
        self._open(HeldPassword(Hidden(typed)))

    def distrust(self) -> None:
        """Whoever opens it next tries the password."""
        if self._repository is not None:
            self._repository.forget_identity()
        self._password = self._repository = None

    def _open(self, password: Password, known: bool = False) -> None:
        row = self.recorded()
        opened = self.reach(password)
        identity = opened.identity(known)
        if row is None or identity != row.repository:
            wanted = row.repository[:8] if row else "any"
            raise RepositoryForeign(
                f"the repository on disk {self.disk} has the id {identity[:8]}, not the recorded {wanted}",
                "Connect the right disk.",
            )
        self._password = password
        self._repository = opened

    # --- its repository ----------------------------------------------------------------------------------------------

    def reach(self, password: Password) -> DiskRepository:
        """The repository, with a password that may be wrong."""
        from axejournal.programs.install import require_restic
        from axejournal.programs.restic.disk import DiskRepository

        program, _ = require_restic(self.config.restic.program)
        still = self._still if self._volume is not None else None
        notes = self.parts.state / "cache" / f"{self.tier}-{self.disk}"
        return DiskRepository(program, str(self.place), password, mount=self.mount, still=still, notes=notes)

    @property
    def repository(self) -> DiskRepository:
        """The open repository. AxejError before it is open (a bug)."""
        if self._repository is None:
            raise AxejError(f"disk {self.disk} is not open")
        return self._repository

    def keys(self) -> tuple[str, ...]:
        """The ids of the repository's keys. Raises ProgramFailed."""
        from axejournal.programs.restic.disk import key_ids
        from axejournal.programs.secrets.source import PasswordSource

        return key_ids(self.reach(self._password or PasswordSource("command", ("false",))))

    def free_bytes(self) -> int:
        """What may still be written on it."""
        return self.parts.disk.free_bytes(self.mount)

    def eject(self) -> str:
        """Unmounts it; how. Raises ProgramFailed."""
        volume = self._volume or self.look()
        return self.parts.volumes.eject(volume)

    def holders(self, packs: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """What needs these packs."""
        from axejournal.programs.restic.damage import holders

        return holders(self.repository.command, self.repository.place, packs)

    def part_bytes(self, part: int, of: int) -> int | None:
        """How much data a part of the repository is."""
        from axejournal.programs.restic.damage import part_bytes

        return part_bytes(str(self.place), part, of)


def cold_tier(config: Config, tier: str) -> ColdTier:
    """The settings of a cold tier. Raises UsageFault."""
    from axejournal.config.tiers import ColdTier

    found = dict(config.tiers.items()).get(tier)
    if not isinstance(found, ColdTier):
        raise UsageFault(f"tier {tier} has no cold disks", "Add a tier cold to axej.yaml: see axej init --example axe.")
    return found
