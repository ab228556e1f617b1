"""Makes one live table equal to a restore point: `restore.table`. Also takes such a run back, by the same way."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from typing import Any

from axejournal.domain import machine
from axejournal.domain.errors import AxejError, RestorePointMissing
from axejournal.domain.events import Fact
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.restore import ChecksFinished
from axejournal.domain.facts.table import TableEqualised, TableStaged
from axejournal.domain.job import Job, Stage
from axejournal.domain.ports.tables import LiveTable
from axejournal.domain.run import Run
from axejournal.jobs.restore_ending import ROWS, ending, lost_by_check, restarted
from axejournal.jobs.restore_plan import restore_resources
from axejournal.jobs.restore_preview import About, RestorePreview
from axejournal.jobs.restore_table_plan import TableKit, table_kit
from axejournal.jobs.restore_views import closing_lines, point_text
from axejournal.jobs.steps.equalise_table import DropScratch, EqualiseTable
from axejournal.jobs.steps.fetch_table import FetchTable
from axejournal.jobs.steps.prepare_table import PrepareTable, faults, size_bytes
from axejournal.jobs.steps.run_command import RunCommand, checks_of
from axejournal.jobs.steps.stage_table import CompareTable, StageTable

NAME = "restore.table"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "preparing"),
        ("preparing", "TablePrepared", "fetching"),
        ("fetching", "TableFetched", "staging"),
        ("staging", "TableStaged", "comparing"),
        ("comparing", "TableCompared", "equalising"),
        ("equalising", "TableEqualised", "restarting"),
        *ROWS,
        ("ending", "ScratchDropped", "ending"),
    ),
    final=("succeeded", "degraded"),
)


def undo_options(undone: Run, config: Mapping[str, Any], requested_at: str) -> dict[str, Any]:
    """What an undo of such a run records; its job is this one, too. Raises RestorePointMissing when it changed nothing."""
    done = undone.find(TableEqualised)
    if done is not None and done.kept is None:
        raise RestorePointMissing(f"run {undone.id} changed nothing in table {done.table}", "There is nothing to take back.")
    mine = {"undone": undone.id, "requested_at": requested_at, "config": dict(config), "only_missing": False, "queue": []}
    return {**undone.requested.options, **mine}


def preview(hands: Any, run: Run, about: About) -> RestorePreview:
    """The plan of one table; touches nothing. A server that does not answer is a fault, not an error."""
    kit = table_kit(hands, run)
    base, found = kit.base, []
    live: LiveTable | None = None
    try:
        live = kit.tables.look(kit.database, kit.table)
        found = [fault.message for fault in faults(kit, live)]
    except AxejError as failure:
        found = [failure.message]
    kit.tables.close()
    lines = [("restore point", point_text(base, about))] if kit.undone is None else [("takes back", f"run {kit.undone}")]
    lines += [("table", f"{kit.title} of database {kit.database} at {base.plan.place}"), *_size_lines(kit, live)]
    lines.append(("changes", _changes(kit, live)))
    until = (about.now + base.plan.keep_old).isoformat(timespec="minutes")
    lines.append(("keeps", f'its present content in schema axej_kept_RUN until {until}, for "axej undo RUN"'))
    lines += closing_lines(base, about, ["fetch", "load beside", "compare", "make equal in one transaction"])
    return RestorePreview(base.plan.source, tuple(lines), (), tuple(found))


def is_there(hands: Any, source: Any) -> bool:
    """Whether something would be lost: never, the table's content is kept."""
    return False


def _size_lines(kit: TableKit, live: LiveTable | None) -> list[tuple[str, str]]:
    if kit.undone is not None:
        return []
    wanted = {kit.table, *(live.partitions if live else ())}
    rows = sum(table.rows for table in kit.dumped.tables if (table.schema, table.name) in wanted)
    snapshot = kit.base.plan.point.snapshot[:8]
    return [("fetch", f"{size_bytes(kit, live):,} bytes with {rows:,} rows, and the table of contents, of snapshot {snapshot}")]


def _changes(kit: TableKit, live: LiveTable | None) -> str:
    if kit.only_missing:
        return "rows that are missing are inserted, nothing else is touched"
    if live is not None and not live.key:
        return "there is no primary key: all rows are replaced, in one transaction"
    key = f" by {', '.join(live.key)}" if live else ""
    return f"rows are compared{key}; what is missing is inserted, changed is updated, extra is deleted, in one transaction"


def _checked(run: Run) -> Fact:
    """A failed check makes a restore point suspect; one that passes proves one table, which proves no restore point."""
    suspect = lost_by_check(run)
    return ChecksFinished() if suspect is None or run.requested.options.get("undone") else suspect


def told(run: Run) -> list[str]:
    """How it ended, for a person: one line each."""
    done, staged = run.find(TableEqualised), run.find(TableStaged)
    if done is None:
        return []
    lines = [f"table {done.table}: {done.inserted:,} rows inserted, {done.updated:,} updated, {done.deleted:,} deleted"]
    if staged is not None and staged.added:
        lines.append(f"columns that were added since have their default in inserted rows: {', '.join(staged.added)}")
    if done.sequences:
        lines.append(f"sequences moved on: {', '.join(done.sequences)}")
    if done.kept is not None:
        lines.append(f'its old content is in schema {done.kept} until {done.kept_until}; "axej undo {run.id}" puts it back')
    return lines


def _tidy(run: Run, kit: TableKit) -> None:
    shutil.rmtree(kit.base.plan.folder, ignore_errors=True)
    if run.state in ("failed", "cancelled") and run.steps.get("stage") is not None:
        with contextlib.suppress(AxejError):  # it is in nobody's way
            kit.tables.drop_scratch(kit.database, run.id)
    kit.tables.close()


JOB: Job[TableKit] = Job(
    name=NAME,
    title="make one live table equal to a restore point, in one transaction",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "preparing": Stage(steps=lambda run, kit: (PrepareTable(kit),)),
        "fetching": Stage(steps=lambda run, kit: (FetchTable(kit),)),
        "staging": Stage(steps=lambda run, kit: (StageTable(kit),)),
        "comparing": Stage(steps=lambda run, kit: (CompareTable(kit),)),
        "equalising": Stage(steps=lambda run, kit: (EqualiseTable(kit),)),
        "restarting": Stage(
            steps=lambda run, kit: tuple(RunCommand(kit.base.commands, plan) for plan in kit.base.plan.restart), leave=restarted
        ),
        "checking": Stage(steps=lambda run, kit: checks_of(kit.base), leave=_checked),
        "ending": Stage(steps=lambda run, kit: (DropScratch(kit),), leave=ending),
    },
    resources=lambda run: restore_resources(run),
    kit=table_kit,
    tidy=_tidy,
)
