"""How a restore or an undo ended, in a few lines on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.output import plain
from axejournal.cli.pages import see

if TYPE_CHECKING:
    from axejournal.domain.facts.restore import FilesCompared
    from axejournal.domain.run import Run


def tell_restore(run: Run) -> int:
    """Says how it ended and what to type next; returns the exit code."""
    from axejournal.domain.events import RunDegraded, RunFailed

    click.echo(f"run {run.id} {run.state}", err=True)
    for line in _done(run):
        click.echo(f"  {plain(line)}", err=True)
    match run.outcome:
        case RunDegraded(reasons=reasons):
            for reason in reasons:
                click.echo(f"  {plain(reason)}", err=True)
            click.echo(f'HINT: "axej history {run.id}" tells what happened. {see("failed-run")}', err=True)
            return 3
        case RunFailed() as failure:
            click.echo(f"  {plain(failure.message)}", err=True)
            click.echo(f"HINT: {failure.hint} {see(failure.runbook)}".replace("HINT:  ", "HINT: "), err=True)
            return failure.exit_code
    return 130 if run.state == "cancelled" else 0


def _done(run: Run) -> list[str]:
    from axejournal.domain.facts.restore import DatabaseLoaded, DatabasePlaced, FilesCompared, FilesPlaced

    options = run.requested.options
    if run.requested.job == "restore.table":
        from axejournal.jobs.restore_table import told

        return told(run)
    if run.requested.job == "restore.volume":
        from axejournal.jobs import restore_volume

        return restore_volume.told(run)
    point = options.get("point") or {}
    placed = run.find(DatabasePlaced) or run.find(FilesPlaced)
    if placed is None:
        return []
    what = placed.database if isinstance(placed, DatabasePlaced) else placed.path
    if "undone" in options:
        return [f"{what} is as it was before run {options['undone']}"]
    compared = run.find(FilesCompared)
    changes = [_changes(compared)] if compared else []
    when = str(point.get("time", "")).replace("T", " ", 1)
    kept = f"; the old one is {placed.kept}" if placed.kept else ""
    loaded = run.find(DatabaseLoaded)
    notes = loaded.notes if loaded else ()
    return [*changes, *notes, f"{what} is as it was at {when}{kept}"]


def _changes(compared: FilesCompared) -> str:
    """Counts, and the first names of each kind."""
    parts = []
    for kind, count in (("added", compared.added), ("changed", compared.changed), ("removed", compared.removed)):
        names = ", ".join(name or "the file" for name in compared.examples.get(kind, ()))
        parts.append(f"{count} {kind}" + (f" ({names}{', …' if count > len(compared.examples[kind]) else ''})" if count else ""))
    return f"{'; '.join(parts)}; {compared.same} as they were"
