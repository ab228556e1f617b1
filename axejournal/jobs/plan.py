"""What a run works on, resolved, and the hands that its steps may use.

A plan is made from the configuration that the run recorded when it was requested, so that a change of the
configuration in the middle of a run changes nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from axejournal.domain.policy import Keep
from axejournal.domain.ports import Clock, DatabaseServer, Disk, EventStore, Memory, Repository, RepositoryLock

if TYPE_CHECKING:
    from axejournal.config.models import Config


@dataclass(frozen=True)
class DatabasePlan:
    """One PostgreSQL database to back up. `volume`: backed up instead when its server is down; `physical_days`: how old
    the newest physical copy of its server may be, None for none at all."""

    name: str
    database: str
    volume: str | None = None
    only_copy: bool = False
    physical_days: int | None = None


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


class Hands(Protocol):
    """What the assembled program offers to the jobs, from which each makes its kit."""

    @property
    def state(self) -> Path:
        """The folder of journal, leases, staging and logs."""
        ...

    @property
    def clock(self) -> Clock:
        """The only way to know the time."""
        ...

    @property
    def store(self) -> EventStore:
        """The journal."""
        ...

    @property
    def memory(self) -> Memory:
        """What steps ask the journal."""
        ...

    @property
    def disk(self) -> Disk:
        """Free space."""
        ...

    def repository(self, tier: str, config: Config) -> Repository:
        """A tier's repository."""
        ...

    def server(self, source: str, run: str, config: Config) -> DatabaseServer:
        """A source's server, as a run reaches it."""
        ...

    def is_dead_lock(self, lock: RepositoryLock) -> bool:
        """Whether the process that left a restic lock is dead for certain."""
        ...

    def restic_version(self) -> str:
        """restic's version. Raises ProgramMissing, ProgramTooOld."""
        ...


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
