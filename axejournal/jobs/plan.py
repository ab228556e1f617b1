"""What a run works on, resolved, and the hands that its steps may use.

A plan is made from the configuration that the run recorded when it was requested, so that a change of the
configuration in the middle of a run changes nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from axejournal.domain.policy import Keep
from axejournal.domain.ports import Clock, DatabaseServer, Disk, EventStore, Memory, Repository, RepositoryLock


@dataclass(frozen=True)
class DatabasePlan:
    """One PostgreSQL database to back up. `volume`: backed up instead when its server is down."""

    name: str
    database: str
    volume: str | None = None
    only_copy: bool = False


@dataclass(frozen=True)
class FilesPlan:
    """One folder to back up. `require`: (pattern, at least so many files) that must be in each snapshot."""

    name: str
    path: Path
    exclude_file: Path | None = None
    require: tuple[tuple[str, int], ...] = ()
    only_copy: bool = False


@dataclass(frozen=True)
class BackupPlan:
    """One nightly backup of a customer into one tier."""

    customer: str
    host: str
    tier: str
    databases: tuple[DatabasePlan, ...]
    files: tuple[FilesPlan, ...]
    left_out: tuple[str, ...]  # configured sources that this run was told to leave out
    staging: Path
    configuration_files: tuple[Path, ...]
    exclude_files: tuple[Path, ...] = ()
    keep: Keep = field(default_factory=Keep)
    prune_days: int | None = None
    shrink_alarm_percent: int = 50
    at_once: int = 2

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of all that this run backs up."""
        return (*(plan.name for plan in self.databases), *(plan.name for plan in self.files))


@dataclass(frozen=True)
class BackupKit:
    """The hands of a backup."""

    plan: BackupPlan
    repository: Repository
    server: Callable[[str], DatabaseServer]  # source name
    is_dead_lock: Callable[[RepositoryLock], bool]
    memory: Memory
    store: EventStore
    disk: Disk
    clock: Clock
    restic_version: Callable[[], str]
