"""What is found out and recorded of cold disks and of keys."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.events import Fact

PAPER, MACHINE = "paper", "machine key"
"""What opens a disk's repository."""


@dataclass(frozen=True)
class DiskRecorded(Fact):
    """From here on the disk of this number is the file system `volume`, with this repository. `keys`: the ids of the
    repository's keys."""

    tier: str
    disk: str
    volume: str
    filesystem: str
    place: str
    repository: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class DiskSought(Fact):
    """A process took up the run: the disk, and what opens it, are looked for anew."""

    disk: str


@dataclass(frozen=True)
class DiskIdentified(Fact):
    """The right disk is mounted at its place. `opens`: PAPER or MACHINE; `fallback`: why it is not the machine's key."""

    tier: str
    disk: str
    volume: str
    repository: str
    place: str
    opens: str
    mark: str
    free_bytes: int
    fallback: str = ""


@dataclass(frozen=True)
class PasswordNeeded(Fact):
    """The password on paper is asked for."""


@dataclass(frozen=True)
class DiskOpened(Fact):
    """The disk's repository is open, and it is the recorded one. Nothing of the password is here."""

    opens: str


@dataclass(frozen=True)
class DiskReady(Fact):
    """The copying begins, or goes on."""


@dataclass(frozen=True)
class ReadingChosen(Fact):
    """How much of the disk's data is read back: part by part, or (of = 1) all of it, `why`."""

    of: int
    why: str = ""


@dataclass(frozen=True)
class ReadingFinished(Fact):
    """What was to be read back was read, or given up."""


@dataclass(frozen=True)
class DiskSynced(Fact):
    """The disk holds what it is to hold. `due`: the disk whose quarter it is; `keys`: of the repository, now; `journal_head`
    is on the disk too. `mark`: of the mounting during which that was done."""

    tier: str
    disk: str
    volume: str
    repository: str
    quarter: str
    due: str | None
    snapshots: int
    free_bytes: int
    keys: tuple[str, ...]
    journal_head: str
    mark: str
    opens: str = PAPER
    strange_keys: tuple[str, ...] = ()
    missing_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class SyncRecorded(Fact):
    """All that is to be recorded of a sync is."""


@dataclass(frozen=True)
class DiskEjected(Fact):
    """The disk may be taken off. `how`: by what, or that it was pulled out."""

    how: str


@dataclass(frozen=True)
class KeyEnrolled(Fact):
    """The machine's key opens the disk's repository from here on."""

    tier: str
    disk: str
    repository: str
    key: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class KeysRenewed(Fact):
    """A repository has other keys than before, as asked for. `disk`: "" for one that is on no cold disk; `as_of`: of a cold
    disk, when all disks of its tier were to get the password on paper that it has now (ISO 8601)."""

    tier: str
    repository: str
    keys: tuple[str, ...]
    disk: str = ""
    as_of: str = ""


@dataclass(frozen=True)
class PasswordStaged(Fact):
    """A repository is to get another password. The old one opened it by the key `old_key`; `keys`: all that are there."""

    tier: str
    old_key: str
    disk: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyAdded(Fact):
    """The new password opens the repository too."""

    tier: str
    key: str
    disk: str = ""


@dataclass(frozen=True)
class PasswordSwitched(Fact):
    """The new password is in the old one's place."""

    tier: str
    disk: str = ""


@dataclass(frozen=True)
class KeyProven(Fact):
    """A password opened a repository. `kind`: "paper", or where it is kept: "file …", "keychain …"."""

    tier: str
    repository: str
    kind: str
    disk: str = ""
