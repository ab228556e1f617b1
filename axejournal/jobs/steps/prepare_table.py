"""Looks at the live table and the restore point before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from axejournal.domain.errors import AxejError, DiskFull, RestorePointMissing, SourceRefused
from axejournal.domain.facts.table import TablePrepared
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.ports.tables import LiveTable, Name
from axejournal.domain.run import Run
from axejournal.jobs.restore_table_plan import TableKit

SPARE_BYTES = 64 * 1024 * 1024
BESIDE = "Restore the database beside (axej restore --target SOURCE --into NAME) and copy the rows by hand."


@dataclass(frozen=True)
class PrepareTable:
    """Touches nothing but what earlier runs had kept for long enough."""

    kit: TableKit
    name: str = "prepare"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> TablePrepared | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> TablePrepared:
        """Raises RestorePointMissing, SourceRefused, DiskFull, SourceUnreachable."""
        kit, base = self.kit, self.kit.base
        version = "" if kit.undone else base.restic_version()
        live = kit.tables.look(kit.database, kit.table)
        for fault in faults(kit, live):
            raise fault
        assert live is not None
        needed = SPARE_BYTES + (0 if kit.undone else size_bytes(kit, live))
        free = base.disk.free_bytes(base.plan.folder)
        if free < needed:
            raise DiskFull(f"{base.plan.folder}: {free:,} bytes are free, {needed:,} are needed", "Free some space there.")
        swept = kit.tables.sweep(kit.database, base.clock.now().isoformat())
        return TablePrepared(version, base.plan.point.repository, kit.title, live.columns, live.key, free, needed, swept)


def faults(kit: TableKit, live: LiveTable | None) -> Iterator[AxejError]:
    """Why this table can't be restored, as far as can be told without its data."""
    where = f"table {kit.title} of database {kit.database}"
    if kit.undone is None:
        kit.dumped_table()
    elif kit.tables.kept(kit.database, kit.undone) is None:
        why = f"what run {kit.undone} had replaced in {where} is no longer kept"
        yield RestorePointMissing(why, 'Restore a point from before it: "axej points" lists them.')
        return
    if live is None:
        hint = "Make it again (its CREATE TABLE is in the dump), or restore the whole database."
        yield SourceRefused(f"{where} is not there any more", f"{hint} {BESIDE}")
        return
    if live.lacking:
        yield SourceRefused(
            f"{where}: the role that axej uses lacks {'; '.join(live.lacking)}", "Grant that, or name the owner in `user:`."
        )
    if live.is_partial:
        yield SourceRefused(f"{where} belongs to an extension, which is dumped in part only", BESIDE)
    if not live.key and kit.only_missing:
        yield SourceRefused(f"{where} has no primary key: what is missing in it can't be told", 'Leave "--only-missing" out.')
    if not live.key and live.referenced_by:
        why = f"has no primary key, so that it would be replaced as a whole, and {', '.join(live.referenced_by)} points at it"
        yield SourceRefused(f"{where} {why}", f"Drop that foreign key for as long, or give the table a primary key. {BESIDE}")


def column_faults(kit: TableKit, live: LiveTable, dumped: tuple[str, ...]) -> Iterator[AxejError]:
    """Columns that have come and gone since."""
    gone = [name for name in dumped if name not in live.columns]
    if gone:
        have = f"Add {'it' if len(gone) == 1 else 'them'} again (ALTER TABLE … ADD COLUMN), restore, and drop what is not wanted."
        names = ", ".join(gone)
        yield SourceRefused(
            f"table {kit.title}: column {names} of the restore point was dropped since (or is generated now)", have
        )
    empty = [name for name in live.unfillable if name not in dumped]
    if empty:
        names = ", ".join(empty)
        why = f"column {names} was added since, may not be null and has no default: what would be in it?"
        yield SourceRefused(
            f"table {kit.title}: {why}", f"Give it a default: ALTER TABLE … ALTER COLUMN {empty[0]} SET DEFAULT …"
        )


def size_bytes(kit: TableKit, live: LiveTable | None) -> int:
    """Bytes of the table's data files, by what the journal and the live table know."""
    wanted: set[Name] = {kit.table, *(live.partitions if live else ())}
    return sum(table.size_bytes for table in kit.dumped.tables if (table.schema, table.name) in wanted)
