"""`axej history`: what ran, how it ended, and all that happened in one run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.journal.rows import RunRow

OUTCOMES = ("open", "succeeded", "degraded", "failed", "cancelled", "abandoned")


class Filter(NamedTuple):
    """What the list is asked for, as typed."""

    job: str | None
    since: str | None
    until: str | None
    outcome: str | None
    limit: int
    at: str | None


@click.command(cls=Command, short_help="Show what ran, and what happened in a run.")
@click.argument("run", required=False)
@click.option("--job", metavar="NAME", help="Only this job, such as backup.local.")
@click.option("--since", metavar="TIME", help="Only runs from then on: 2026-05-01, 2026-05-01T03:00, 7d, 12h.")
@click.option("--until", metavar="TIME", help="Only runs up to then; a date includes its day.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only runs that ended so.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many runs at most.")
@click.option("--at", metavar="TIME", help="As it was known at that time.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def history(run: str | None, as_json: bool, **asked: Any) -> None:
    """Show what ran, newest first, or everything that happened in RUN (the start of its name is enough).

    \b
    Example:
      axej history
      axej history --since 7d --outcome failed
      axej history 260520-0300
      axej history --at 2026-05-20T03:05
    """
    wanted, here = Filter(**asked), context()
    if run is None:
        rows = _found(here, wanted)
        _print_json_list(rows[: wanted.limit]) if as_json else _print_list(here, rows, wanted)
        return
    if given := [name for name in ("job", "since", "until", "outcome") if asked[name] is not None]:
        raise UsageFault(f"--{given[0]} goes with the list of runs, not with one run", f'Write "axej history {run}".')
    from axejournal.cli import run_page

    run_page.show(here, run, wanted.at, as_json)


def _found(here: Context, wanted: Filter) -> tuple[RunRow, ...]:
    from axejournal.journal import reader

    until = wanted.until and here.span("--until", wanted.until).end - timedelta(microseconds=1)
    return reader.runs(
        here.journal_path,
        job=wanted.job,
        since=here.span("--since", wanted.since).begin if wanted.since else None,
        until=until or None,
        outcome=wanted.outcome,
        limit=wanted.limit + 1,  # one more, to know whether there are more
        at=here.as_known_at(wanted.at),
    )


def _print_json_list(rows: tuple[RunRow, ...]) -> None:
    from axejournal.cli.output import print_json

    print_json([as_json(row) for row in rows])


def as_json(row: RunRow) -> dict[str, Any]:
    """A run as `history --json` gives it. Later versions add keys and change none."""
    values = dict(vars(row))
    texts = {name: value.isoformat() for name, value in values.items() if isinstance(value, datetime)}
    return {**values, **texts, "error": row.message or row.error, "error_code": row.error}


def _print_list(here: Context, rows: tuple[RunRow, ...], wanted: Filter) -> None:
    from axejournal.cli.output import duration, local, outcome, size, times
    from axejournal.cli.tables import Column, print_table

    if not rows:
        click.echo(_nothing(here, wanted))
        return
    shown = rows[: wanted.limit]
    slot, slots = times("slot", [slot_text(row) for row in shown])
    started, starts = times("started", [local(row.started_at or row.requested_at, here.zone) for row in shown])
    columns: list[str | Column] = [
        "run",
        Column("job", spare=5),
        Column(slot, spare=3),
        "outcome",
        Column(started, spare=4),
        Column("took", spare=2, right=True),
        Column("tries", spare=8, right=True),
        Column("resumed", spare=7, right=True),
        Column("new", spare=9, right=True),
        Column("error", spare=6, least=24),
    ]
    lines = [
        (
            row.run,
            row.job,
            slots[place],
            outcome(row.outcome, row.state),
            starts[place],
            duration(took_s(row)),
            row.attempts,
            row.resumed or "",
            size(row.stored_bytes),
            first_line(row),
        )
        for place, row in enumerate(shown)
    ]
    if "error" in print_table(columns, lines):
        _print_errors(shown)
    if len(rows) > len(shown):
        click.echo(f"({wanted.limit} runs of more; --limit shows them)", err=True)


def _print_errors(rows: tuple[RunRow, ...]) -> None:
    click.echo()
    for row in rows:
        if text := first_line(row):
            click.echo(f"{row.run}: {text}")


def _nothing(here: Context, wanted: Filter) -> str:
    asked = [name for name in ("job", "since", "until", "outcome", "at") if getattr(wanted, name) is not None]
    if asked:
        return f"no run with that {' and '.join(asked)} is in the journal {here.journal_path}"
    return f'nothing ran yet: the journal {here.journal_path} has no run. "axej backup --local" starts one.'


def slot_text(row: RunRow) -> str:
    """The slot as its schedule's zone has it; empty for a run that no schedule asked for."""
    return (row.slot or "").replace("T", " ", 1)


def took_s(row: RunRow) -> float | None:
    """From the request to the end, waits and crashes included; None while the run is open."""
    if row.finished_at is None:
        return None
    return max(0.0, (row.finished_at - (row.started_at or row.requested_at)).total_seconds())


def first_line(row: RunRow) -> str:
    """The first line of what went wrong."""
    return (row.message or row.error or "").split("\n", 1)[0]
