"""What restores and their undoing find out and record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class RestorePrepared(Fact):
    """Everything was looked at, nothing is touched yet. `replaces`: whether something is there that will be replaced;
    `swept`: what earlier runs had left and what is older than `restore.keep_old`."""

    restic: str
    repository: str
    snapshot: str
    free_bytes: int
    needed_bytes: int
    replaces: bool
    replaced_bytes: int | None = None
    server_version: str = ""
    system_identifier: str = ""
    swept: tuple[str, ...] = ()


@dataclass(frozen=True)
class DumpFetched(Fact):
    """The files of one database are out of the snapshot, each byte of them as it was dumped (size and sha256)."""

    directory: str
    size_bytes: int
    files: int
    sha256: str


@dataclass(frozen=True)
class DumpDamaged(Fact):
    """The snapshot does not give back what was put into it. `what`: the tables and files that are hit."""

    what: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class RolesRestored(Fact):
    """Roles that the server lacked were made; those that it had were left as they are."""

    created: tuple[str, ...]
    present: tuple[str, ...]


@dataclass(frozen=True)
class DatabaseLoaded(Fact):
    """The dump is loaded into a database beside the live one. `notes`, `left_out`: see ports.restore.Loaded."""

    database: str
    size_bytes: int
    duration_s: float = 0.0
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatabaseCompared(Fact):
    """The loaded database was compared with what was counted when it was dumped. `differences`: none when it is equal;
    `unproven`: tables whose fingerprints are of a method that this axej can't compare (their rows were counted)."""

    tables: int
    rows: int
    sequences: int
    differences: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    duration_s: float = 0.0


@dataclass(frozen=True)
class DatabasePlaced(Fact):
    """The restored database has its name. `kept`: what the one before is called now (None: there was none)."""

    database: str
    kept: str | None
    kept_until: str | None
    ended_sessions: int = 0


@dataclass(frozen=True)
class CommandRan(Fact):
    """A command of `after_restore` ended well. Its output is in the run's log."""

    kind: str  # "restart", "check"
    command: str
    duration_s: float
    lines: int


@dataclass(frozen=True)
class ServicesRestarted(Fact):
    """All restart commands were tried; `failed` names those that did not work."""

    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChecksFinished(Fact):
    """No check is configured, or none may say anything (nothing was swapped in)."""


@dataclass(frozen=True)
class ProofRaised(Fact):
    """A restore point was shown good up to `proof`."""

    repository: str
    snapshot: str
    source: str
    proof: str


@dataclass(frozen=True)
class ProofLost(Fact):
    """A restore point is suspect from here on."""

    repository: str
    snapshot: str
    source: str
    reason: str


@dataclass(frozen=True)
class WorkCleared(Fact):
    """The fetched copy, which whoever reads the disk could read, is gone from it."""

    size_bytes: int


@dataclass(frozen=True)
class FilesFetched(Fact):
    """The files of the restore point lie beside the live ones."""

    path: str
    files: int
    size_bytes: int


@dataclass(frozen=True)
class FilesCompared(Fact):
    """What the swap will change, counted; `examples` names some of each."""

    added: int
    changed: int
    removed: int
    same: int
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FilesPlaced(Fact):
    """The restored files have their place. `kept`: where the ones before are now (None: there were none)."""

    path: str
    kept: str | None
    kept_until: str | None


@dataclass(frozen=True)
class UndoPrepared(Fact):
    """What the restore had replaced is still there."""

    kept: str
    kept_until: str | None
