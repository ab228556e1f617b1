"""Disks that come and go, and who knows the password of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Volume:
    """A file system that is mounted at `mount`. `uuid`: None where the system knows none; `mark`: another one each time that
    it is mounted."""

    mount: Path
    device: str
    uuid: str | None
    filesystem: str
    read_only: bool
    mark: str


class Volumes(Protocol):
    """The disks of this machine."""

    def at(self, mount: Path) -> Volume | None:
        """What is mounted there; None for a folder that is no mount point, and for none at all. May start a program."""
        ...

    def mark(self, mount: Path) -> str | None:
        """`Volume.mark` of what is mounted there, at next to no cost."""
        ...

    def look_alikes(self, mount: Path) -> tuple[Path, ...]:
        """Mount points beside it with the same name and a number: `axe-cold-1 1`."""
        ...

    def eject(self, volume: Volume) -> str:
        """Unmounts it, for good where the system can; returns how. Raises ProgramFailed."""
        ...


Try = Callable[[str], None]
"""Tries a password; raises WrongPassword."""


class PasswordDesk(Protocol):
    """Where a person gives the password that is on paper."""

    def choose(self, what: str, told: str = "") -> str:
        """A new password, typed twice; `told`: what is said before, of one that takes another's place. Raises PersonNeeded,
        UsageFault."""
        ...

    def receive(self, run: str, what: str, attempt: Try, still: Callable[[], bool]) -> None:
        """Asks until `attempt` takes the password. Raises WrongPassword after three wrong ones; PersonNeeded when nobody is
        there, or when `still` says that there is no use in waiting."""
        ...


class NobodysDesk:
    """Nobody is there."""

    def choose(self, what: str, told: str = "") -> str:
        """See PasswordDesk."""
        from axejournal.domain.errors import PersonNeeded

        raise PersonNeeded(f"{what} needs a password that somebody types", "Do it on a terminal.")

    def receive(self, run: str, what: str, attempt: Try, still: Callable[[], bool]) -> None:
        """See PasswordDesk."""
        from axejournal.domain.errors import PersonNeeded

        raise PersonNeeded(f"{what} waits for its password, which is on paper", 'Type "axej cold unlock" on a terminal.')
