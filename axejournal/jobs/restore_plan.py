"""What a restore works on, resolved, and the hands that its steps may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from axejournal.config.models import Config
from axejournal.config.sources import FilesSource, PostgresSource
from axejournal.domain.job import Resource
from axejournal.domain.ports import Clock, Disk, EventStore, Memory, Repository
from axejournal.domain.ports.journal import snapshots_of
from axejournal.domain.ports.restore import Commands, RestoreServer
from axejournal.domain.run import Run
from axejournal.jobs.plan import Hands

if TYPE_CHECKING:
    from axejournal.config.commands import Command

NAME_BYTES = 63  # PostgreSQL cuts longer names in silence (NAMEDATALEN, manual 4.1.1)


class RestoreHands(Hands, Protocol):
    """What the assembled program offers to jobs that restore."""

    def restorer(self, source: str, run: str, config: Config) -> RestoreServer:
        """A source's server, as a restore reaches it; dumps lie below `work_folder`."""
        ...

    def commands(self, run: str) -> Commands:
        """The commands of `after_restore`."""
        ...


@dataclass(frozen=True)
class CommandPlan:
    """One command of `after_restore`. `name` is its step's name."""

    name: str
    kind: str
    argv: tuple[str, ...]
    folder: Path | None
    timeout_s: float
    expect: str | None = None

    @property
    def text(self) -> str:
        """For a person."""
        return " ".join(self.argv)


@dataclass(frozen=True)
class PointPlan:
    """The restore point that was chosen when the run was asked for."""

    repository: str
    snapshot: str
    run: str
    time: str
    proof: str
    paths: tuple[str, ...]
    size_bytes: int
    files: int
    before_asked_s: float | None = None


@dataclass(frozen=True)
class RestorePlan:
    """One restore of one source. `database` is empty for files, `path` is None for a database. `names` holds the names of
    this run's databases: restoring, restored, before."""

    run: str
    customer: str
    source: str
    tier: str
    as_of: str
    point: PointPlan
    into: str | None
    folder: Path
    keep_old: timedelta
    restart: tuple[CommandPlan, ...] = ()
    check: tuple[CommandPlan, ...] = ()
    place: str = ""
    database: str = ""
    path: Path | None = None
    part: str | None = None
    only_copy: bool = False

    @property
    def target(self) -> str:
        """The name that the restored database gets."""
        return self.into or self.database

    @property
    def restoring(self) -> str:
        """The database while it is loaded."""
        return beside(self.database, "restoring", self.run)

    @property
    def restored(self) -> str:
        """The database when it is loaded to its end: the name tells, after a crash, that it is."""
        return beside(self.database, "restored", self.run)

    @property
    def before(self) -> str:
        """What the replaced database is called."""
        return beside(self.database, "before", self.run)


def beside(name: str, word: str, run: str) -> str:
    """`frame__before_260520-0300-k3f9`: within PostgreSQL's length, whatever the name's."""
    suffix = f"__{word}_{run}"
    room = NAME_BYTES - len(suffix.encode())
    return name.encode("utf-8")[:room].decode("utf-8", "ignore") + suffix


def work_folder(state: Path, run: str) -> Path:
    """Where a run puts what it fetches; it is gone when the run has ended."""
    return state / "restore" / run


@dataclass(frozen=True)
class RestoreKit:
    """The hands of a restore."""

    plan: RestorePlan
    repository: Repository
    commands: Commands
    store: EventStore
    memory: Memory
    disk: Disk
    clock: Clock
    restic_version: Callable[[], str]
    server: RestoreServer | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def database(self) -> RestoreServer:
        """The server of a database's restore."""
        assert self.server is not None
        return self.server


def restore_plan(config: Config, options: Mapping[str, Any], run: str, state: Path) -> RestorePlan:
    """The plan of a run from its recorded options."""
    name = str(options["source"])
    source = config.sources[name]
    point = dict(options["point"])
    point.pop("kind", None)
    return RestorePlan(
        run=run,
        customer=config.customer,
        source=name,
        tier=str(options["tier"]),
        as_of=str(options["as_of"]),
        point=PointPlan(**{**point, "paths": tuple(point["paths"])}),
        into=options.get("into"),
        folder=work_folder(state, run),
        keep_old=config.restore.keep_old,
        restart=_commands(source.after_restore.restart, "restart"),
        check=_commands(source.after_restore.check, "check"),
        place=source.address if isinstance(source, PostgresSource) else "",
        database=source.database if isinstance(source, PostgresSource) else "",
        path=source.path if isinstance(source, FilesSource) else None,
        part=options.get("path"),
        only_copy=source.only_copy,
    )


def restore_resources(run: Run, shared: bool = False) -> tuple[Resource, ...]:
    """The source, and the tier's snapshots: none of them is removed meanwhile."""
    options = run.requested.options
    return Resource(f"source:{options['source']}", shared), Resource(snapshots_of(str(options["tier"])), shared=True)


def restore_kit(hands: RestoreHands, run: Run) -> RestoreKit:
    """The hands of a run, by the configuration that it recorded."""
    from axejournal.config.effective import restore

    config = restore(run.requested.options["config"])
    plan = restore_plan(config, run.requested.options, run.id, hands.state)
    return RestoreKit(
        plan=plan,
        repository=hands.repository(str(run.requested.options.get("opened_as") or plan.tier), config),
        commands=hands.commands(run.id),
        store=hands.store,
        memory=hands.memory,
        disk=hands.disk,
        clock=hands.clock,
        restic_version=hands.restic_version,
        server=hands.restorer(plan.source, run.id, config) if plan.database else None,
        options=run.requested.options,
    )


def _commands(commands: tuple[Command, ...], kind: str) -> tuple[CommandPlan, ...]:
    return tuple(
        CommandPlan(f"{kind}:{number}", kind, one.argv, one.folder, one.timeout.total_seconds(), one.expect)
        for number, one in enumerate(commands, start=1)
    )
