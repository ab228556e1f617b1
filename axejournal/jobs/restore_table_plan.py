"""What the restore of one table works on, and how the table that a person named is found in the dumps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from axejournal.domain.errors import RestorePointMissing, SourceRefused, UsageFault
from axejournal.domain.facts import DatabaseDumped, TableDumped
from axejournal.domain.ports import EventStore
from axejournal.domain.ports.tables import Name, TableServer
from axejournal.domain.run import Run
from axejournal.jobs.restore_orders import TABLE, Ask, Order
from axejournal.jobs.restore_plan import RestoreHands, RestoreKit, restore_kit
from axejournal.jobs.steps.fetch_dump import dumped_by, fetched_folder, truth_of

if TYPE_CHECKING:
    from axejournal.config.models import Config

SHOWN = 5
OURS = ("axej_kept_", "axej_restore_")  # schemas of earlier restores, which the night's dump takes along


class TableHands(RestoreHands, Protocol):
    """What the assembled program offers to this job."""

    def tables(self, source: str, run: str, config: Config) -> TableServer:
        """A source's server, as a restore of one of its tables reaches it."""
        ...


@dataclass(frozen=True)
class TableKit:
    """The hands of a restore of one table. `undone`: the run whose kept content is put back, instead of a restore point's;
    `manifest`: what the dump says of itself, where the journal does not know the run that made it."""

    base: RestoreKit
    tables: TableServer
    table: Name
    only_missing: bool
    undone: str | None
    manifest: Mapping[str, Any] | None = None

    @property
    def database(self) -> str:
        """The live database."""
        return self.base.plan.database

    @property
    def title(self) -> str:
        """For a person."""
        return ".".join(self.table)

    @property
    def folder(self) -> Path:
        """Where the source's folder of the snapshot lies now."""
        return fetched_folder(self.base)

    @property
    def dumped(self) -> DatabaseDumped:
        """What was counted when it was dumped. Raises RestorePointMissing when nobody knows."""
        try:
            return dumped_by(self.manifest) if self.manifest else truth_of(self.base)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            point = self.base.plan.point
            raise RestorePointMissing(
                f"the journal does not know what run {point.run} dumped: {fault}",
                "Restore the whole database beside (--into NAME).",
            ) from None

    def dumped_table(self) -> TableDumped:
        """The table, as it was dumped. Raises RestorePointMissing."""
        dumped = self.dumped
        found = [one for one in dumped.tables if (one.schema, one.name) == self.table]
        if not found:
            raise not_there(self.title, [dumped])
        return found[0]


def table_kit(hands: Any, run: Run) -> TableKit:
    """The hands of a run, by the configuration that it recorded."""
    base, options = restore_kit(hands, run), run.requested.options
    tables = hands.tables(base.plan.source, run.id, _config(options))
    undone = options.get("undone")
    name, only_missing = (options["schema"], options["name"]), bool(options["only_missing"]) and not undone
    return TableKit(base, tables, name, only_missing, undone, options.get("manifest"))


def resolve(asked: str, dumps: Iterable[DatabaseDumped]) -> tuple[str, Name]:
    """The source, schema and name of the table that is called so, as `table`, `schema.table` or in SQL's quotes. Raises
    UsageFault when there are several, RestorePointMissing when there is none."""
    known = list(dumps)
    theirs = [(one.source, table) for one in known for table in one.tables if not table.schema.startswith(OURS)]
    found = [(source, (table.schema, table.name)) for source, table in theirs if asked in names_of(table)]
    exact = [one for one in found if asked != one[1][1]] if any(asked != one[1][1] for one in found) else found
    if len(exact) == 1:
        return exact[0]
    if not exact:
        raise not_there(asked, known)
    places = ", ".join(f"{source}: {'.'.join(name)}" for source, name in exact[:SHOWN])
    more = f" and {len(exact) - SHOWN} more" if len(exact) > SHOWN else ""
    source, name = exact[0]
    hint = f'Name one of them: --target {source} --table "{".".join(name)}"'
    raise UsageFault(f"table {asked} is there several times: {places}{more}", hint)


def names_of(table: TableDumped) -> frozenset[str]:
    """What a person may write for a table."""
    schema, name = (f'"{one.replace(chr(34), chr(34) * 2)}"' for one in (table.schema, table.name))
    both = (f"{left}.{right}" for left in (table.schema, schema) for right in (table.name, name))
    return frozenset((table.name, name, *both))


def not_there(asked: str, dumps: Iterable[DatabaseDumped]) -> RestorePointMissing:
    """The error of a table that no dump holds; names that look like it are shown."""
    wanted = asked.rpartition(".")[2].lower()
    known = [(dump.source, f"{table.schema}.{table.name}") for dump in dumps for table in dump.tables]
    near = [f"{source}: {name}" for source, name in known if wanted in name.lower()][:SHOWN]
    sources = ", ".join(dict.fromkeys(source for source, _ in known)) or "no database"
    hint = f"There is {', '.join(near)}." if near else "Look whether it is written so in the database, and take another --as-of."
    return RestorePointMissing(f"no table {asked} is in the restore point of {sources}", hint)


DumpOf = Callable[[Order], DatabaseDumped | None]
"""What was counted when an order's restore point was dumped; None when nobody knows."""


def table_order(make: Callable[[Ask], Iterable[Order]], config: Config, ask: Ask, dump_of: DumpOf) -> Order:
    """The order for the database that holds the table, out of those that `make` makes. Without a target it is looked for in
    all databases that have such a restore point. Raises UsageFault, RestorePointMissing."""
    if ask.targets:
        orders = list(make(ask))
    else:
        orders = [order for source in config.databases for order in _attempt(make, replace(ask, targets=(source,)))]
    by_source = {order.source: order for order in orders}
    dumps = [dump for order in orders if (dump := dump_of(order)) is not None]
    if not dumps:
        raise RestorePointMissing("no database has such a restore point", '"axej points" lists what can be restored.')
    source, (schema, name) = resolve(str(ask.table), dumps)
    return Order(TABLE, source, {**by_source[source].options, "schema": schema, "name": name, "queue": []})


def _attempt(make: Callable[[Ask], Iterable[Order]], ask: Ask) -> tuple[Order, ...]:
    try:
        return tuple(make(ask))
    except (RestorePointMissing, SourceRefused):  # this database has none: the table may be in another
        return ()


def journalled_dump(order: Order, store: EventStore) -> DatabaseDumped | None:
    """What the journal knows of it."""
    for event in store.stream(str(order.options["point"]["run"])):
        if event.name == DatabaseDumped.__name__ and event.data["source"] == order.source:
            fact = store.fact(event)
            return fact if isinstance(fact, DatabaseDumped) else None
    return None


def _config(options: Mapping[str, Any]) -> Config:
    from axejournal.config.effective import restore

    return restore(options["config"])
