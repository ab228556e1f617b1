"""Another password for a repository whose password axej can't choose: a person types the new one, twice, and it is in this
process's memory only. For what is on paper, in a Keychain, or comes from a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from axejournal.domain.errors import DiskForeign, DiskMissing, PersonNeeded, UsageFault, WrongPassword
from axejournal.domain.ports.volumes import PasswordDesk, Try
from axejournal.programs.process_hidden import HeldPassword, Hidden
from axejournal.programs.restic.disk import add_key, full_key, key_ids, remove_key

if TYPE_CHECKING:
    from axejournal.app.cold_disks import ColdDisk
    from axejournal.app.parts import Parts
    from axejournal.programs.restic.repository import ResticRepository
    from axejournal.programs.secrets.source import PasswordSource


class Place(Protocol):
    """Where a repository's password is kept."""

    @property
    def what(self) -> str:
        """Whose password it is, in a sentence."""
        ...

    @property
    def told(self) -> str:
        """What the person is told before the new one is typed."""
        ...

    def old(self, run: str) -> ResticRepository:
        """The repository, opened by what is there now. Raises WrongPassword, DiskMissing, PersonNeeded."""
        ...

    def by(self, typed: str) -> ResticRepository:
        """The repository, with a password that may be wrong."""
        ...

    def new(self, typed: Callable[[], str]) -> ResticRepository:
        """The repository, opened by the new password: from its place, where axej can read it; else as typed."""
        ...

    def still(self) -> bool:
        """Whether the repository is within reach."""
        ...

    def recorded(self) -> tuple[str, ...]:
        """Keys that the journal knows."""
        ...

    def put(self, typed: Callable[[], str], new: str) -> None:
        """The new password, whose key is `new`, comes from here from now on. Raises PersonNeeded with what a person must do."""
        ...


@dataclass
class TypedRotation:
    """See jobs/rotating_keys.Rotation."""

    parts: Parts
    place: Place
    _typed: str = field(default="", repr=False)

    def stage(self, run: str) -> tuple[str, tuple[str, ...]]:
        """See Rotation."""
        repository = self.place.old(run)
        return full_key(repository), key_ids(repository)

    def add(self, run: str, old: str) -> str:
        """See Rotation. What an attempt that died has added is found, when the same password is typed again."""
        typed = self.parts.password_desk.choose(self.place.what, self.place.told)
        key = self._key_of(typed)
        if key == old:
            raise UsageFault(f"that is the password that {self.place.what} has already", "Write a new one on paper first.")
        key = key or add_key(self.place.old(run), Hidden(typed))
        self._typed = typed
        return key

    def switch(self, run: str, new: str) -> None:
        """See Rotation."""
        self.place.put(lambda: self._known(run, new), new)

    def remove(self, run: str, old: str, new: str, before: tuple[str, ...]) -> tuple[str, ...]:
        """See Rotation."""
        repository = self.place.new(lambda: self._known(run, new))
        kept = {*before, *self.place.recorded(), new} - {old}
        for key in key_ids(repository):
            if key == old or (before and key not in kept):
                remove_key(repository, key)
        return key_ids(repository)

    def identity(self) -> str:
        """See Rotation."""
        return self.place.new(lambda: self._typed).identity()

    def _known(self, run: str, new: str) -> str:
        """The new password: what this process was told, or what is typed now; it opens the repository by its key."""
        if not self._typed or self._key_of(self._typed) != new:
            typed: list[str] = []

            def attempt(text: str) -> None:
                if self._key_of(text) != new:
                    raise WrongPassword(f"that is not the new password of {self.place.what}", "Look at the paper again.")
                typed.append(text)

            self.parts.password_desk.receive(run, f"{self.place.what}, the new one", attempt, self.place.still)
            self._typed = typed[-1]
        return self._typed

    def _key_of(self, typed: str) -> str:
        """The key that a password opens; "" for none."""
        try:
            return full_key(self.place.by(typed))
        except WrongPassword:
            return ""


@dataclass
class Stored:
    """A Keychain, a secret service, a command, a variable: what is written there axej can read, and write sometimes."""

    parts: Parts
    tier: str
    source: PasswordSource

    @property
    def what(self) -> str:
        return f"tier {self.tier}"

    @property
    def told(self) -> str:
        return f"{self.what} gets a new password: write it on paper first, then type it from there."

    def old(self, run: str) -> ResticRepository:
        return replace(self.parts.repository(self.tier), answered={})

    def by(self, typed: str) -> ResticRepository:
        held = HeldPassword(Hidden(typed))
        return replace(self.parts.repository(self.tier), password=held, cache_dir=None, answered={})

    def new(self, typed: Callable[[], str]) -> ResticRepository:
        return self.old("")

    def still(self) -> bool:
        return True

    def recorded(self) -> tuple[str, ...]:
        return ()

    def put(self, typed: Callable[[], str], new: str) -> None:
        """Written where axej can write; else a person does it, and the run waits."""
        from axejournal.programs.secrets.storing import how_to_store, store

        if self._is_there(new):
            return
        if store(self.source, lambda: Hidden(typed())) and self._is_there(new):
            return
        raise PersonNeeded(
            f"{self.what} is opened by the old password and by the new one; {self.source} still has the old one",
            f'{how_to_store(self.source)} Then type "axej keys rotate {self.tier}" again: only then the old one goes.',
        )

    def _is_there(self, new: str) -> bool:
        try:
            return full_key(self.old("")) == new
        except WrongPassword:
            return False


@dataclass
class Paper:
    """A sheet of paper, for a cold disk that is connected."""

    parts: Parts
    tier: str
    disk: str
    _disk: ColdDisk | None = None

    @property
    def what(self) -> str:
        return f"disk {self.disk}"

    @property
    def told(self) -> str:
        row = self.parts.cold_disk(self.tier, self.disk).recorded()
        if row is not None and row.behind:
            since = f"that the other disks of tier {self.tier} have since {row.behind:%Y-%m-%d}"
            return f"disk {self.disk} gets the password {since}: type it from the paper."
        return f"tier {self.tier} gets a new password, on paper only: write it there first, then type it from there."

    def old(self, run: str) -> ResticRepository:
        """The machine's key opens the disk too, and is not the one that is to go."""
        disk = self._looked()
        if not disk.is_open:
            row = disk.recorded()
            named = row.asked if row is not None else self.what

            def attempt(typed: str) -> None:
                disk.open_by(typed)
                if row is not None and row.machine_key and full_key(disk.repository) == row.machine_key:
                    raise WrongPassword("that is the machine's key, not what is on the paper", "Look at the paper again.")

            self.parts.password_desk.receive(run, named, attempt, disk.is_there)
        return disk.repository

    def by(self, typed: str) -> ResticRepository:
        return self._looked().reach(HeldPassword(Hidden(typed)))

    def new(self, typed: Callable[[], str]) -> ResticRepository:
        return self.by(typed())

    def still(self) -> bool:
        try:
            return self._looked().is_there()
        except (DiskMissing, DiskForeign):
            return False

    def recorded(self) -> tuple[str, ...]:
        row = self._looked().recorded()
        return row.keys if row is not None else ()

    def put(self, typed: Callable[[], str], new: str) -> None:
        """It is there already: that it was typed from there, and opens the disk, is all that axej can see."""
        typed()

    def _looked(self) -> ColdDisk:
        """The right disk. Raises DiskMissing, DiskForeign, …"""
        if self._disk is None:
            self._disk = self.parts.cold_disk(self.tier, self.disk)
        if not self._disk.has_looked:
            self._disk.look()
        elif not self._disk.is_there():
            raise DiskMissing(f"disk {self.disk} is gone", "Connect it again.")
        return self._disk


@dataclass
class SameForAll:
    """A person who types for several disks, one after another, what is the same for all: asked once. Held in memory only."""

    desk: PasswordDesk
    chosen: str = field(default="", repr=False)
    known: list[str] = field(default_factory=list, repr=False)

    def choose(self, what: str, told: str = "") -> str:
        """See PasswordDesk."""
        self.chosen = self.chosen or self.desk.choose(what, told)
        return self.chosen

    def receive(self, run: str, what: str, attempt: Try, still: Callable[[], bool]) -> None:
        """See PasswordDesk."""
        for typed in self.known:
            try:
                attempt(typed)
                return
            except WrongPassword:
                continue

        def remembered(typed: str) -> None:
            attempt(typed)
            self.known.append(typed)

        self.desk.receive(run, what, remembered, still)
