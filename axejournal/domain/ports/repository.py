"""restic repositories, and the values that pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from axejournal.domain.ports.processes import Progress


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as restic lists it. `original` is the id of the snapshot that it is a copy of (restic copy)."""

    id: str
    time: datetime
    host: str
    tags: tuple[str, ...]
    paths: tuple[str, ...]
    tree: str = ""
    original: str | None = None
    size_bytes: int | None = None  # this and the rest: restic's own summary, absent from snapshots older than 0.17
    files: int | None = None
    added_bytes: int | None = None
    stored_bytes: int | None = None

    def tag(self, name: str) -> str | None:
        """The value of a tag written `name=value`."""
        prefix = f"{name}="
        return next((tag[len(prefix) :] for tag in self.tags if tag.startswith(prefix)), None)


@dataclass(frozen=True)
class Node:
    """One entry of a snapshot's listing. `path` is absolute; `kind` is restic's: file, dir, symlink, …"""

    path: str
    kind: str
    size_bytes: int
    modified_at: datetime | None = None


@dataclass(frozen=True)
class RepositoryLock:
    """A lock that lies in a repository, as `restic cat lock` shows it."""

    id: str
    host: str
    pid: int
    user: str
    time: datetime
    exclusive: bool


@dataclass(frozen=True)
class Stored:
    """What `restic backup` says at its end. `unreadable`: exit 3, with restic's own lines about it."""

    snapshot: str
    files: int
    size_bytes: int
    added_bytes: int  # new data before compression
    stored_bytes: int  # new data as packed
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackupOrder:
    """One `restic backup`. The exclude file is restic's own format; tags are `name=value`, without commas."""

    paths: tuple[Path, ...]
    tags: tuple[str, ...]
    host: str
    exclude_files: tuple[Path, ...] = ()
    parent: str | None = None


@dataclass(frozen=True)
class Forgotten:
    """What a forget and prune did."""

    removed: tuple[str, ...]
    freed_bytes: int | None = None


@dataclass(frozen=True)
class Copied:
    """What a copy said of the new snapshot: the beginning of its id, "" when it was there already; when the original was
    taken, ISO 8601."""

    short: str = ""
    time: str = ""


class Repository(Protocol):
    """One restic repository. Every method may raise RepositoryMissing, RepositoryLocked, WrongPassword,
    ProgramMissing, ProgramFailed, ProgramKilled, PeerUnreachable, Interrupted."""

    @property
    def place(self) -> str:
        """Where it is, as restic's -r takes it; holds no secret."""
        ...

    def identity(self, known: bool = False) -> str:
        """The repository's id, 64 hex digits. Takes no lock. `known`: what was learned before may be the answer while the
        repository's configuration and keys are the same to the byte; the password is not tried then."""
        ...

    def initialise(self, like: Repository | None = None) -> str:
        """Makes the repository (with `like`'s chunker parameters) and returns its id. Only ever for an explicit init."""
        ...

    def snapshots(self, tags: Sequence[str] = ()) -> tuple[Snapshot, ...]:
        """All snapshots that carry all these tags, oldest first by instant. Takes no lock."""
        ...

    def names(self) -> frozenset[str] | None:
        """The ids of all snapshots, told from the names of files alone, without restic; None where that can't be done. That
        they are whole is not shown by this."""
        ...

    def backup(self, order: BackupOrder, progress: Callable[[Progress], None]) -> Stored:
        """Makes one snapshot. restic's exit 3 (something could not be read) is in `Stored.unreadable`."""
        ...

    def listing(self, snapshot: str, folder: str = "/") -> Iterator[Node]:
        """Every entry of a snapshot below a folder, streamed. Takes no lock."""
        ...

    def restore(self, snapshot: str, include: Sequence[str], target: Path, progress: Callable[[Progress], None]) -> None:
        """Restores the paths below `target` (absolute paths of the snapshot, literal), verified while writing."""
        ...

    def copy_from(self, source: Repository, snapshot: str, progress: Callable[[Progress], None]) -> Copied:
        """Copies one snapshot of `source` into this repository."""
        ...

    def forget(self, snapshots: Sequence[str]) -> Forgotten:
        """Removes exactly these snapshots, not their data."""
        ...

    def prune(self) -> Forgotten:
        """Removes data that no snapshot needs."""
        ...

    def check(self, part: int | None = None, of: int | None = None) -> tuple[str, ...]:
        """restic check; with `part`/`of` also reads that part of the data. Returns the faults found, as restic words them."""
        ...

    def repair_index(self) -> None:
        """Makes the packs that a killed backup or copy left known again, so that a second try sends nothing twice."""
        ...

    def locks(self) -> tuple[RepositoryLock, ...]:
        """The locks that lie in the repository."""
        ...

    def unlock_dead(self, is_dead: Callable[[RepositoryLock], bool]) -> tuple[RepositoryLock, ...]:
        """Removes stale locks if and only if every lock present is dead by `is_dead`; returns those removed.
        A living lock, or one of another host, is left alone (then nothing is removed)."""
        ...

    def file_bytes(self) -> int | None:
        """What its files take, told without restic; None where that can't be done."""
        ...

    def size_bytes(self) -> int:
        """Raw size of the repository (restic stats --mode raw-data)."""
        ...
