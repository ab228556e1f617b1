"""What the inside asks of the outside: small Protocols and the values that pass through them.

programs/ holds the real ones; tests hold small real classes for the same ports, kept honest by tests/contract.
All sizes are bytes, all times are aware datetimes, all durations are seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from axejournal.domain.events import Event, Fact
from axejournal.domain.facts import DatabaseDumped
from axejournal.domain.policy import Held

# --- processes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Child:
    """A process that a run started. pid alone says nothing: pids are reused, boots end."""

    program: str
    pid: int
    started_at_s: float
    boot_id: str


class Children(Protocol):
    """The processes of a run, living or left behind."""

    def owned(self, run: str, record: Callable[[Child], None]) -> AbstractContextManager[None]:
        """Inside (in this thread), each child started is marked with the run and handed to `record` first."""
        ...

    def end_all(self, why: str) -> None:
        """Tells every living child of this process to end; none can be started any more."""
        ...

    def cancelled(self) -> str | None:
        """Why `end_all` was called, or None."""
        ...

    def end_left_behind(self, run: str, recorded: tuple[Child, ...]) -> tuple[str, ...]:
        """Ends processes, containers and database sessions that a dead process left of this run; says which lived."""
        ...


# --- time ------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """The only way to know the time."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since some point of this boot; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits; ends early, without error, when the run is being cancelled."""
        ...


# --- restic ----------------------------------------------------------------------------------------------------


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
class Progress:
    """How far a step has come; `of` is None while unknown."""

    done_bytes: int
    of_bytes: int | None
    note: str = ""


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


class Repository(Protocol):
    """One restic repository. Every method may raise RepositoryMissing, RepositoryLocked, WrongPassword,
    ProgramMissing, ProgramFailed, ProgramKilled, PeerUnreachable, Interrupted."""

    @property
    def place(self) -> str:
        """Where it is, as restic's -r takes it; holds no secret."""
        ...

    def identity(self) -> str:
        """The repository's id, 64 hex digits. Takes no lock."""
        ...

    def initialise(self, like: Repository | None = None) -> str:
        """Makes the repository (with `like`'s chunker parameters) and returns its id. Only ever for an explicit init."""
        ...

    def snapshots(self, tags: Sequence[str] = ()) -> tuple[Snapshot, ...]:
        """All snapshots that carry all these tags, oldest first by instant. Takes no lock."""
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

    def copy_from(self, source: Repository, snapshot: str, progress: Callable[[Progress], None]) -> None:
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

    def size_bytes(self) -> int:
        """Raw size of the repository (restic stats --mode raw-data)."""
        ...


# --- PostgreSQL ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServerFacts:
    """Who a server is. `system_identifier` tells two servers apart, whatever they are called."""

    version: str  # "15.18"
    major: int
    system_identifier: str
    started_at: datetime


@dataclass(frozen=True)
class Table:
    """One table as it was in a dump's own snapshot.

    `fingerprint`: order-free content fingerprint "count:sum"; `file`: its data file in the directory-format dump
    (None for a table without data of its own, such as a partitioned parent); `sha256`: of that file.
    """

    schema: str
    name: str
    rows: int
    fingerprint: str
    file: str | None
    size_bytes: int
    sha256: str | None
    dump_id: int | None = None


@dataclass(frozen=True)
class Dump:
    """A finished, proven dump of one database in directory format.

    `sha256` is over the sorted lines "file sha256" of everything in the directory; `sequences`: name -> last value.
    """

    tables: tuple[Table, ...]
    size_bytes: int
    sha256: str
    server: ServerFacts
    encoding: str
    collation: str
    extensions: tuple[str, ...]
    sequences: Mapping[str, int | None] = field(default_factory=dict)
    large_objects: int = 0
    fingerprints_reused: int = 0  # tables whose data file is the same as last time, so that their fingerprint is too
    fingerprints_s: float = 0.0


class DatabaseServer(Protocol):
    """A PostgreSQL server, reached through a container or an address. Raises SourceUnreachable when nothing answers,
    SourceRefused when it answers with a refusal, ProgramMissing without a client of its major version."""

    def facts(self) -> ServerFacts:
        """Who answers."""
        ...

    def database_size_bytes(self, database: str) -> int:
        """pg_database_size."""
        ...

    def dump(self, database: str, into: Path, known: Iterable[Table], progress: Callable[[Progress], None]) -> Dump:
        """Dumps into an empty or missing directory (0700) and proves the dump whole. `known`: tables of the last dump,
        whose fingerprints may be reused when the data file is the same. Raises DumpIncomplete when it isn't whole."""
        ...

    def dump_roles(self, into: Path) -> int:
        """Roles, memberships, tablespaces (pg_dumpall --globals-only, without passwords when it may not read them)
        into a file (0600); returns its size."""
        ...

    def is_running(self) -> bool:
        """Whether the server (its container, when it has one) is up, told apart from a refusal."""
        ...

    def stage_volume(self, volume: str, into: Path) -> int:
        """Copies a stopped server's data volume below `into`; returns bytes. Refused while the server runs."""
        ...


# --- places ----------------------------------------------------------------------------------------------------


class Disk(Protocol):
    """Free space and the durable ways of writing."""

    def free_bytes(self, path: Path) -> int:
        """Bytes that an ordinary user may still write at path (or at its nearest existing parent)."""
        ...


# --- journal ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """An event before it has a place. `event_id` (UUIDv7) is made before the first attempt to append, so that
    appending again is harmless."""

    event_id: str
    fact: Fact
    state: str
    step: str | None = None
    attempt: int | None = None


class EventStore(Protocol):
    """The append-only events. Raises JournalDamaged when it can't be read or written as it must, JournalNewer when a
    newer axej wrote it."""

    def append(self, run: str, epoch: int, after: int, drafts: Sequence[Draft]) -> tuple[Event, ...]:
        """All drafts durable, in one transaction, numbered from `after` + 1. `after` is the run's last number known
        to the caller (0: a new run). Raises StaleRunner when the run has moved on or has a higher epoch."""
        ...

    def stream(self, run: str) -> tuple[Event, ...]:
        """The run's events, in order, brought to the present versions; empty when there is no such run."""
        ...

    def fact(self, event: Event) -> Fact:
        """The fact that an event carries."""
        ...

    def open_runs(self) -> tuple[str, ...]:
        """Runs that have not ended, oldest first."""
        ...

    def head(self) -> str:
        """The hash of the newest event, hex; 64 zeros for an empty journal."""
        ...

    def write_copy(self, into: Path) -> None:
        """A consistent, complete copy of the journal at `into` (0600), replacing what is there."""
        ...


@dataclass(frozen=True)
class LastPoint:
    """The newest restore point of a source."""

    size_bytes: int
    files: int


class Memory(Protocol):
    """What the steps ask the journal."""

    def repository_id(self, tier: str) -> str | None:
        """The id that the tier's repository must have; None while none was recorded."""
        ...

    def last_dump(self, source: str) -> DatabaseDumped | None:
        """The newest dump of a source that got into a restore point."""
        ...

    def last_point(self, source: str, tier: str) -> LastPoint | None:
        """The newest restore point of a source in a tier."""
        ...

    def points(self, tier: str) -> tuple[Held, ...]:
        """All restore points of a tier, oldest first; their times carry the customer's zone."""
        ...

    def last_prune(self, tier: str) -> datetime | None:
        """When the tier's repository was pruned last."""
        ...


class Leases(Protocol):
    """Exclusive or shared rights to work on a resource, held by the kernel for as long as this process lives."""

    def take(self, resource: str, run: str, shared: bool = False, wait_s: float = 0.0) -> AbstractContextManager[None]:
        """Held inside. Raises Busy, naming the holder's run, pid and since when, after `wait_s`."""
        ...

    def holder(self, resource: str) -> str | None:
        """Who holds it now ("run …, pid …"), or None when it is free."""
        ...
