"""From what a person asked for to the runs that answer it: one order for each source, with the restore point chosen.

An order's options hold everything that the run needs, the whole effective configuration included, so that a resume works
on what was asked for then. `queue` holds the orders that follow, so that a machine that dies in the middle of several
sources goes on with the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from axejournal.config.models import Config
from axejournal.config.sources import FilesSource, PostgresSource
from axejournal.domain import asof
from axejournal.domain.asof import AsOf
from axejournal.domain.errors import RestorePointMissing, SourceRefused, UsageFault

DATABASE, FILES, TABLE, VOLUME = "restore.database", "restore.files", "restore.table", "restore.volume"


@dataclass(frozen=True)
class Ask:
    """What was typed. `as_of` None: the newest there is. `targets` empty: all sources."""

    tier: str = "local"
    as_of: str | None = None
    targets: tuple[str, ...] = ()
    into: str | None = None
    path: str | None = None
    table: str | None = None
    only_missing: bool = False
    physical: bool = False


@dataclass(frozen=True)
class Order:
    """One run to come: its job, its source, and the options that it will record."""

    job: str
    source: str
    options: Mapping[str, Any]


class Point(Protocol):
    """What is asked of a restore point here: the journal's row has it."""

    @property
    def source(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def repository(self) -> str: ...
    @property
    def snapshot(self) -> str: ...
    @property
    def run(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def proof(self) -> str: ...
    @property
    def paths(self) -> tuple[str, ...]: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def files(self) -> int: ...


PointsOf = Callable[[str | None], Sequence[Point]]
"""The restore points of a source in the tier asked for (None: of all sources)."""


def orders(
    config: Config, effective: Mapping[str, Any], ask: Ask, points: PointsOf, now: datetime, requested_at: str
) -> tuple[Order, ...]:
    """The runs that answer, in the order of the configuration. Raises UsageFault (words that don't fit together, a wall
    time that is none), RestorePointMissing (nothing answers; the nearest is named), SourceRefused."""
    sources = _sources(config, ask)
    _check(ask, sources)
    asked = AsOf("the newest", until=now) if ask.as_of is None else asof.parse(ask.as_of, config.timezone, now)
    chosen = [(source, _choose(source.name, ask, points, asked)) for source in sources]
    base = {
        "requested_at": requested_at,
        "tier": ask.tier,
        "as_of": ask.as_of or "the newest",
        "into": ask.into,
        "path": ask.path,
        "table": ask.table,
        "only_missing": ask.only_missing,
        "config": dict(effective),
    }
    each = [{"source": source.name, "kind": source.kind, "point": point_options(point, asked)} for source, point in chosen]
    made = []
    for place, mine in enumerate(each):
        job = TABLE if ask.table else job_of(str(mine["kind"]))
        made.append(Order(job, str(mine["source"]), {**base, **mine, "queue": each[place + 1 :]}))
    if ask.physical or any(point.kind == "volume" for _, point in chosen):
        return (_of_volume(ask, sources[0], made[0]),)
    return tuple(made)


def _of_volume(ask: Ask, source: PostgresSource | FilesSource, order: Order) -> Order:
    """A data directory instead of a dump. Raises UsageFault, SourceRefused."""
    assert isinstance(source, PostgresSource)
    if ask.table or ask.path:
        raise SourceRefused(
            f"{source.name}: this restore point holds a server's data directory, no dump",
            "Leave --table out, and take the table out of a server that you start on it; or take an older restore point.",
        )
    if ask.into is None and (ask.physical or source.container is None):
        raise UsageFault("a data directory needs a place", 'Write it with "--into /a/new/folder".')
    return Order(VOLUME, order.source, {**order.options, "volume": source.volume, "physical": ask.physical, "queue": []})


def job_of(kind: str) -> str:
    """The job that restores a source of this kind."""
    return DATABASE if kind == "postgres" else FILES


def following(options: Mapping[str, Any]) -> Order | None:
    """The order that comes after a run with these options; None when it was the last."""
    queue = options.get("queue") or ()
    if not queue:
        return None
    mine, rest = queue[0], queue[1:]
    return Order(job_of(mine["kind"]), str(mine["source"]), {**options, **mine, "queue": rest})


def _sources(config: Config, ask: Ask) -> list[PostgresSource | FilesSource]:
    wanted = {config.find_source(name).name for name in ask.targets} or set(config.sources)
    return [source for name, source in config.sources.items() if name in wanted]


def _check(ask: Ask, sources: Sequence[PostgresSource | FilesSource]) -> None:
    if ask.into and len(sources) != 1:
        raise UsageFault("--into needs exactly one --target", 'Write "axej restore --target SOURCE --into NAME".')
    if ask.path and (len(sources) != 1 or sources[0].kind != "files"):
        raise UsageFault("--path goes with one --target of kind files", 'Write "axej restore --target FILES --path PART".')
    if ask.physical and (len(sources) != 1 or sources[0].kind != "postgres"):
        raise UsageFault("--physical goes with one --target that is a database", 'Write "--target SOURCE --physical".')
    if ask.only_missing and not ask.table:
        raise UsageFault("--only-missing goes with --table", 'Write "axej restore --table NAME --only-missing".')
    if ask.table and (ask.into or ask.path):
        raise UsageFault("--table goes with neither --into nor --path", 'Write "axej restore --target SOURCE --table NAME".')
    if ask.table and len(sources) == 1 and sources[0].kind != "postgres":
        raise UsageFault(f"--table needs a database; {sources[0].name} is a folder", "Name a source of kind postgres.")


def _choose(source: str, ask: Ask, points: PointsOf, asked: AsOf) -> Point:
    try:
        found = asof.choose(points(source), asked)
    except RestorePointMissing as missing:
        message = f"{source}, tier {ask.tier}: {missing.message}"
        older = _older(points(source), points(None), asked) if asked.run else None
        if older is None:
            raise RestorePointMissing(message, missing.hint) from None
        hint = f"Take the next older one, {older.time} of run {older.run}: --as-of {older.run}"
        raise RestorePointMissing(message, hint) from None
    if found.kind == "volume" and len(ask.targets) != 1:
        raise SourceRefused(
            f"{source}: the restore point {found.time} holds its stopped server's volume, no dump",
            f"Take an older one (axej points --source {source}), or this one alone: --target {source} --as-of {found.run}",
        )
    return found


def _older(mine: Iterable[Point], all_points: Iterable[Point], asked: AsOf) -> Point | None:
    """Of a run that made no point of this source: the newest that is older than the run's."""
    times = [point.at for point in all_points if asked.run and point.run.startswith(asked.run)]
    fitting = [point for point in mine if times and point.at <= max(times)]
    return max(fitting, key=lambda point: point.at, default=None)


def point_options(point: Point, asked: AsOf) -> dict[str, Any]:
    """What a run records of its restore point."""
    away_s = (asked.until - point.at).total_seconds() if asked.until else None
    return {
        "repository": point.repository,
        "snapshot": point.snapshot,
        "run": point.run,
        "time": point.time,
        "proof": point.proof,
        "kind": point.kind,
        "paths": list(point.paths),
        "size_bytes": point.size_bytes,
        "files": point.files,
        "before_asked_s": away_s,
    }
