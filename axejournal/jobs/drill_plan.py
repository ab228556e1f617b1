"""What a drill works on, and the hands that its steps may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from axejournal.config.models import Config
from axejournal.config.sources import FilesSource, PostgresSource
from axejournal.domain.facts.drill import DrillPoint
from axejournal.domain.ports import Clock, Disk, EventStore, Leases, Memory, Repository
from axejournal.domain.ports.restore import Commands
from axejournal.domain.ports.scratch import ScratchCommands, ScratchOrder, ScratchServers
from axejournal.domain.run import Run
from axejournal.jobs.plan import Hands
from axejournal.jobs.restore_orders import Point
from axejournal.jobs.restore_plan import PointPlan, RestoreKit, RestorePlan
from axejournal.jobs.steps.staging import NOT_PLAIN

if TYPE_CHECKING:
    from axejournal.domain.ports.restore import RestoreServer

LONGEST = timedelta(hours=12)
"""From a drill's beginning: after that its scratch may be ended by anybody."""
MAINTENANCE = ("postgres", "template1")
"""Databases that every server has; a restored one keeps another name beside them."""


class DrillHands(Hands, Protocol):
    """What the assembled program offers to this job."""

    @property
    def leases(self) -> Leases:
        """The leases of this machine."""
        ...

    @property
    def scratch(self) -> ScratchServers:
        """Servers of a run alone."""
        ...

    def scratch_commands(self, run: str) -> ScratchCommands:
        """Commands with an environment of their own."""
        ...

    def commands(self, run: str) -> Commands:
        """The commands of `after_restore`; a drill runs none."""
        ...

    def points_of(self, tier: str) -> Sequence[Point]:
        """The restore points of a tier that were not removed, newest first."""
        ...

    def sweep_scratch(self) -> tuple[str, ...]:
        """Ends what earlier drills left, and says what it was."""
        ...


@dataclass(frozen=True)
class ScratchPlan(RestorePlan):
    """A restore into a server of its own, where the database gets its name at once."""

    @property
    def restored(self) -> str:
        """The database when it is loaded to its end."""
        return super().restored if self.database in MAINTENANCE else self.database


@dataclass(frozen=True)
class DrillKit:
    """The hands of a drill. `folder`: of this run, everything fetched lies below it."""

    run: str
    config: Config
    options: Mapping[str, Any]
    folder: Path
    hands: DrillHands
    opened: dict[str, Repository] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        """The only way to know the time."""
        return self.hands.clock

    @property
    def scratch(self) -> ScratchServers:
        """Servers of this run alone."""
        return self.hands.scratch

    @property
    def disk(self) -> Disk:
        """Free space."""
        return self.hands.disk

    @property
    def store(self) -> EventStore:
        """The journal."""
        return self.hands.store

    @property
    def memory(self) -> Memory:
        """What steps ask the journal."""
        return self.hands.memory

    def repository(self, tier: str) -> Repository:
        """A tier's repository, opened once. Raises what opening it raises."""
        if tier not in self.opened:
            self.opened[tier] = self.hands.repository(tier, self.config)
        return self.opened[tier]

    def source(self, point: DrillPoint) -> PostgresSource | FilesSource:
        """What the configuration says of a point's source."""
        return self.config.sources[point.source]

    def database(self, point: DrillPoint) -> PostgresSource:
        """The same of a database."""
        found = self.source(point)
        assert isinstance(found, PostgresSource)
        return found

    def order(self, point: DrillPoint, major: int, local: bool = False) -> ScratchOrder:
        """The scratch server of a point's source. `local`: of this machine's programs, whatever the source is."""
        source = self.database(point)
        container = None if local else source.container
        return ScratchOrder(self.run, point.source, major, source.user, container, self.clock.now() + LONGEST)

    def restore_kit(self, tier: str, point: DrillPoint, server: RestoreServer | None = None) -> RestoreKit:
        """The hands of the same steps that restore a source for real."""
        source = self.source(point)
        folder = self.folder / "fetched" / tier / point.source.translate(NOT_PLAIN)
        plan = ScratchPlan(
            run=self.run,
            customer=self.config.customer,
            source=point.source,
            tier=tier,
            as_of=str(self.options.get("as_of") or "the newest"),
            point=PointPlan(
                point.repository, point.snapshot, point.run, point.time, point.proof, point.paths, point.size_bytes, point.files
            ),
            into=str(folder / "files") if isinstance(source, FilesSource) else None,
            folder=folder,
            keep_old=timedelta(),
            place="the scratch server",
            database=source.database if isinstance(source, PostgresSource) else "",
            path=source.path if isinstance(source, FilesSource) else None,
        )
        return RestoreKit(
            plan=plan,
            repository=self.repository(tier),
            commands=self.hands.commands(self.run),
            store=self.store,
            memory=self.memory,
            disk=self.disk,
            clock=self.clock,
            restic_version=self.hands.restic_version,
            server=server,
            options=self.options,
        )


@dataclass(frozen=True)
class DrillAsk:
    """What was typed. `tier` None: the local one, and the others for what fails there."""

    tier: str | None = None
    all_tiers: bool = False
    targets: tuple[str, ...] = ()
    as_of: str | None = None


def drill_options(config: Config, effective: Mapping[str, Any], ask: DrillAsk, requested_at: str) -> dict[str, Any]:
    """What a drill records of what was asked for. Raises UsageFault for a name that is no source or no tier, and for a time
    that is none."""
    from axejournal.domain.errors import UsageFault

    names = [name for name, _ in config.tiers.items()]
    if ask.tier is not None and ask.tier not in names:
        raise UsageFault(f"no tier is called {ask.tier}; there are {', '.join(names)}", "Write --tier and one of these.")
    if ask.tier is not None and ask.all_tiers:
        raise UsageFault("--tier and --all-tiers exclude each other", "Leave one of them out.")
    chosen = {config.find_source(name).name for name in ask.targets} or set(config.sources)
    ordered = ["local", *(name for name in names if name != "local")]
    return {
        "requested_at": requested_at,
        "tiers": [ask.tier] if ask.tier else ordered,
        "all_tiers": ask.all_tiers,
        "sources": [name for name in config.sources if name in chosen],
        "as_of": ask.as_of,
        "at_once": config.limits.databases_at_once or 2,
        "rto_s": config.drill.rto.total_seconds() if config.drill and config.drill.rto else None,
        "config": dict(effective),
    }


def drill_kit(hands: DrillHands, run: Run) -> DrillKit:
    """The hands of a run, by the configuration that it recorded."""
    from axejournal.config.effective import restore

    config = restore(run.requested.options["config"])
    return DrillKit(run.id, config, run.requested.options, drill_folder(hands.state) / run.id, hands)


def drill_folder(state: Path) -> Path:
    """Below which all scratch of drills lies."""
    return state / "drill"


@dataclass(frozen=True)
class Round:
    """One tier of a drill, as its run tells of it so far. `number` counts from 1."""

    number: int
    tier: str
    points: tuple[DrillPoint, ...]
    run: Run

    def step(self, verb: str, point: DrillPoint, more: str = "") -> str:
        """The name of a step: `load:local:frame`."""
        return f"{verb}:{self.tier}:{point.source}{more}"

    def fact(self, kind: type[Any], verb: str, point: DrillPoint, more: str = "") -> Any:
        """What a step of this round recorded, or None."""
        return self.run.find(kind, self.step(verb, point, more))

    def why_not(self, verb: str, point: DrillPoint, more: str = "") -> str:
        """Why a step of this round was given up; empty when it was not."""
        record = self.run.steps.get(self.step(verb, point, more))
        if record is None or record.status != "given up":
            return ""
        return record.last_failure.message if record.last_failure else "it was given up"


Choose = Callable[[Run], Round]
