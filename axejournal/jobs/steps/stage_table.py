"""Loads the wanted rows beside the live table, and compares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import SourceRefused
from axejournal.domain.facts.table import TableCompared, TableFetched, TableStaged
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.ports.tables import Difference, DumpedPart, LiveTable, Staged, TableTask
from axejournal.domain.run import Run
from axejournal.jobs.restore_table_plan import TableKit
from axejournal.jobs.steps.prepare_table import BESIDE, column_faults


@dataclass(frozen=True)
class StageTable:
    """Into a schema of the run's own, whose rows are proven to be those that were dumped."""

    kit: TableKit
    name: str = "stage"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> TableStaged | None:
        """Loaded again: nobody can tell whether it is whole, and it is nobody's but the run's."""
        return None

    def act(self, attempt: Attempt) -> TableStaged:
        """Raises SourceRefused when the table's form does not allow it, or the rows are not those that were dumped."""
        kit = self.kit
        live = kit.tables.look(kit.database, kit.table)
        if live is None:
            raise SourceRefused(f"table {kit.title} is not there any more", "Nothing was changed.")
        if kit.undone is not None:
            return self._stage_kept(live, kit.undone, attempt.run)
        fetched = attempt.run.find(TableFetched)
        assert fetched is not None
        parts = self._parts(fetched)
        dumped = tuple(dict.fromkeys(name for part in parts for name in part.columns)) if parts else live.columns
        for fault in column_faults(kit, live, dumped):
            raise fault
        task = task_of(kit, attempt.run, tuple(name for name in live.columns if name in dumped))
        contents = kit.tables.read_contents(Path(fetched.directory), kit.dumped.encoding, ())
        if changed := kit.tables.changed_types(task, parts, contents):
            raise SourceRefused(f"table {kit.title}: a column's type was changed since: {'; '.join(changed)}", BESIDE)
        staged = kit.tables.stage(task, parts, kit.dumped.encoding, attempt.progress)
        return _fact(staged, task, live)

    def _stage_kept(self, live: LiveTable, undone: str, run: Run) -> TableStaged:
        kept = self.kit.tables.kept(self.kit.database, undone) or ()
        for fault in column_faults(self.kit, live, kept):
            raise fault
        task = task_of(self.kit, run, tuple(name for name in live.columns if name in kept))
        return _fact(self.kit.tables.stage_kept(task, undone), task, live)

    def _parts(self, fetched: TableFetched) -> tuple[DumpedPart, ...]:
        folder, dumped = Path(fetched.directory), self.kit.dumped
        tables = {(table.schema, table.name): table for table in dumped.tables}
        chosen = [tables[schema, name] for schema, name in fetched.files.values()]
        ids = tuple(table.dump_id for table in chosen if table.dump_id is not None)
        columns = self.kit.tables.read_contents(folder, dumped.encoding, ids).columns
        return tuple(
            DumpedPart(key, folder / str(table.file), columns[key], table.columns, table.rows, table.fingerprint)
            for table in chosen
            for key in [(table.schema, table.name)]
        )


@dataclass(frozen=True)
class CompareTable:
    """Says how the live table differs, before anything is changed."""

    kit: TableKit
    name: str = "compare"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> TableCompared | None:
        """Looking may be done again."""
        return None

    def act(self, attempt: Attempt) -> TableCompared:
        """Raises what TableServer raises."""
        found = self.kit.tables.compare(task_of(self.kit, attempt.run))
        message = described(self.kit, found)
        return TableCompared(found.missing, found.changed, found.extra, found.same, message, found.examples)


def task_of(kit: TableKit, run: Run, columns: tuple[str, ...] | None = None) -> TableTask:
    """What is to be made of the live table."""
    staged = run.find(TableStaged)
    chosen = columns if columns is not None else staged.columns if staged else ()
    return TableTask(run.id, kit.database, kit.table, chosen, kit.only_missing)


def described(kit: TableKit, found: Difference) -> str:
    """The difference in a sentence, with some keys."""
    parts = []
    for kind, count in (("missing", found.missing), ("changed", found.changed), ("extra", found.extra)):
        keys = ", ".join(found.examples.get(kind, ()))
        more = ", …" if count > len(found.examples.get(kind, ())) and keys else ""
        rows = "1 row is" if count == 1 else f"{count:,} rows are"
        parts.append(f"{rows} {kind}" + (f" ({keys}{more})" if keys else ""))
    only = "; only what is missing is inserted" if kit.only_missing else ""
    return f"table {kit.title}: {', '.join(parts)}, {found.same:,} are the same{only}"


def _fact(staged: Staged, task: TableTask, live: LiveTable) -> TableStaged:
    added = tuple(name for name in live.columns if name not in task.columns)
    return TableStaged(staged.rows, staged.fingerprint, task.columns, added)
