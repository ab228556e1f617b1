"""What the jobs find out and record. Shared by all jobs, because projections and later jobs read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class RunStarted(Fact):
    """The run holds its leases and works."""


@dataclass(frozen=True)
class PreflightPassed(Fact):
    """What was found before anything was touched. `removed_locks`: restic locks of dead processes."""

    restic: str
    repository: str
    free_bytes: int
    needed_bytes: int
    unreachable: Mapping[str, str] = field(default_factory=dict)  # source -> why
    leftovers: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableDumped:
    """Part of DatabaseDumped: see ports.Table."""

    schema: str
    name: str
    rows: int
    fingerprint: str
    file: str | None
    size_bytes: int
    sha256: str | None
    dump_id: int | None = None
    columns: str = ""


@dataclass(frozen=True)
class DatabaseDumped(Fact):
    """One database is dumped, whole, with what is needed to prove a restore of it."""

    source: str
    database: str
    directory: str  # absolute, as it will stand in the snapshot
    size_bytes: int
    sha256: str
    server_version: str
    system_identifier: str
    encoding: str
    collation: str
    extensions: tuple[str, ...]
    tables: tuple[TableDumped, ...]
    sequences: Mapping[str, int | None] = field(default_factory=dict)
    large_objects: int = 0
    roles_bytes: int | None = None
    fingerprints_reused: int = 0
    fingerprints_s: float = 0.0
    duration_s: float = 0.0


@dataclass(frozen=True)
class VolumeStaged(Fact):
    """The server was down, so that its stopped volume was taken instead of a dump."""

    source: str
    volume: str
    directory: str
    size_bytes: int
    why: str


@dataclass(frozen=True)
class PhysicalCopied(Fact):
    """The running server of a source was copied whole (pg_basebackup), beside its dump."""

    source: str
    directory: str
    size_bytes: int
    duration_s: float = 0.0


@dataclass(frozen=True)
class DumpsFinished(Fact):
    """Every source was tried; `missing` have neither a dump nor a volume."""

    dumped: tuple[str, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class SnapshotTaken(Fact):
    """restic made a snapshot. It counts for nothing until SnapshotVerified."""

    snapshot: str
    repository: str
    size_bytes: int
    added_bytes: int
    stored_bytes: int
    files: int
    journal_head: str
    unreadable: tuple[str, ...] = ()
    duration_s: float = 0.0


@dataclass(frozen=True)
class PointMade:
    """Part of SnapshotVerified: one source that can be restored from this snapshot."""

    source: str
    kind: str  # "postgres", "files", "volume"
    paths: tuple[str, ...]  # absolute, in the snapshot
    size_bytes: int
    files: int


@dataclass(frozen=True)
class PhysicalHeld:
    """Part of SnapshotVerified: the physical copy of a source's server that is in this snapshot."""

    source: str
    directory: str
    size_bytes: int


@dataclass(frozen=True)
class SnapshotVerified(Fact):
    """The snapshot was looked into and holds these sources: from here on they are restore points."""

    snapshot: str
    repository: str
    tier: str
    taken_at: str  # ISO 8601 with offset
    points: tuple[PointMade, ...]
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    physical: tuple[PhysicalHeld, ...] = ()


@dataclass(frozen=True)
class SnapshotCopied(Fact):
    """A snapshot of the local repository is in another tier's: from here on its restore points are there too.
    `original`: its id in `source_repository`; `snapshot`: the copy's. `journal_head`: of the run's own journal, then."""

    tier: str
    repository: str
    snapshot: str
    original: str
    source_repository: str
    taken_at: str  # ISO 8601 with offset
    sent_bytes: int = 0
    journal_head: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True)
class SnapshotsForgotten(Fact):
    """Retention removed these snapshots of a tier's repository."""

    tier: str
    repository: str
    removed: tuple[str, ...]
    kept: int
    pruned: bool = False
    repository_bytes: int | None = None


@dataclass(frozen=True)
class StagingCleared(Fact):
    """The dumps, which are readable by whoever reads the disk, are gone from it."""

    size_bytes: int


@dataclass(frozen=True)
class RepositoryRecorded(Fact):
    """From here on the repository at `place` must have this id; another one found there is refused."""

    tier: str
    place: str
    repository: str
