"""All that is known of one run: `axej history RUN`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axejournal.cli.history import as_json as run_as_json
from axejournal.cli.history import slot_text, took_s
from axejournal.cli.output import Styled, duration, local, outcome, print_json, say, size
from axejournal.cli.pages import full_path, language
from axejournal.cli.tables import Column, print_table
from axejournal.domain.resting import RESTING, WAITS_FOR

if TYPE_CHECKING:
    from axejournal.cli.context import Context
    from axejournal.domain.page import PageStep
    from axejournal.journal.rows import EventRow, RunRow

TAIL_LINES = 20


def show(here: Context, name: str, at: str | None, as_json: bool) -> None:
    """Prints a run by the (beginning of its) name. Raises RunUnknown, also for a run that had not begun `at` that time."""
    from axejournal.journal import reader

    run = reader.find_run(here.journal_path, name)
    known = here.as_known_at(at)
    events = reader.run_events(here.journal_path, run.run)
    if known is not None:
        run, events = _as_known(here, run, events, known)
    alive = here.is_alive(run.run) if run.outcome == "open" and known is None else None
    progress = _progress(here, run.run) if alive else {}
    if as_json:
        _print_json(here, run, events, alive, progress)
        return
    _print_head(here, run, alive)
    _print_events(here, events)
    _print_progress(progress)
    _print_log(here, run.run)
    _print_next(here, run, alive)


def _as_known(here: Context, run: RunRow, events: Sequence[EventRow], known: datetime) -> tuple[RunRow, tuple[EventRow, ...]]:
    from axejournal.domain.errors import RunUnknown
    from axejournal.journal import reader

    begun = reader.runs(here.journal_path, since=run.requested_at, until=run.requested_at, limit=None, at=known)
    then = [row for row in begun if row.run == run.run]
    if not then:
        began = local(run.requested_at, here.zone, seconds=True)
        raise RunUnknown(f"run {run.run} had not begun by then; it began at {began}", 'Ask for a later time, or without "--at".')
    return then[0], tuple(event for event in events if event.number <= then[0].number)


def _progress(here: Context, run: str) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads((here.state / "progress" / f"{run}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none written yet, or the run ended this instant
        return {}
    return found


def _log_path(here: Context, run: str) -> Path:
    return here.state / "logs" / f"{run}.log"


def _print_json(here: Context, run: RunRow, events: Sequence[EventRow], alive: bool | None, progress: dict[str, Any]) -> None:
    log = _log_path(here, run.run)
    shown = [
        {
            "position": event.position,
            "number": event.number,
            "name": event.name,
            "version": event.version,
            "recorded_at": event.recorded_at.isoformat(),
            "state": event.state,
            "step": event.step,
            "attempt": event.attempt,
            "epoch": event.epoch,
            "process": event.process,
            "data": event.data,
            "hash": event.hash,
        }
        for event in events
    ]
    beside = {"alive": alive, "progress": progress, "log": str(log) if log.exists() else None}
    print_json({**run_as_json(run), **beside, "events": shown})


def _print_head(here: Context, run: RunRow, alive: bool | None) -> None:
    state = [outcome(run.outcome, run.state)]
    if alive is not None:
        dead = Styled("") if run.state in RESTING else Styled(", its process is dead", "red")
        state.append(Styled(", at work", "cyan") if alive else dead)
    if run.exit_code:
        state.append(Styled(f" (exit {run.exit_code})"))
    took = f", took {duration(took_s(run))}" if run.finished_at else ""
    tries = f"{run.attempts} tries of steps" + (f", {run.retries} repeated" if run.retries else "")
    tries += f", resumed {run.resumed} times" if run.resumed > 1 else ", resumed once" if run.resumed else ""
    snapshots = ", ".join(each[:8] for each in run.snapshots)
    if snapshots and run.size_bytes:
        snapshots += f", {size(run.size_bytes)}, {size(run.stored_bytes)} new"
    say(Styled(f"run {run.run}: {run.job} of {run.customer}", "bold"))
    say("  outcome   ", *state)
    if run.slot:
        say(f"  slot      {slot_text(run)}")
    say(f"  started   {local(run.started_at or run.requested_at, here.zone, seconds=True)}{took}")
    say(f"  tries     {tries}")
    if snapshots:
        say(f"  snapshot  {snapshots}")
    say()


def _print_events(here: Context, events: Sequence[EventRow]) -> None:
    from zoneinfo import ZoneInfo

    from axejournal.cli.story import lines

    zone = ZoneInfo(here.zone)
    begin = events[0].recorded_at
    columns: list[str | Column] = [
        Column("position", spare=6, right=True),
        Column("time", spare=4),
        Column("+", spare=2, right=True),
        "step",
        Column("try", spare=5, right=True),
        "event",
        Column("took", spare=3, right=True),
        Column("what", spare=1, least=26),
    ]
    told = lines(events)
    left_out = print_table(
        columns,
        [
            (
                line.event.position,
                f"{line.event.recorded_at.astimezone(zone):%H:%M:%S}",
                duration(max(0.0, (line.event.recorded_at - begin).total_seconds())),
                line.event.step,
                line.event.attempt,
                line.event.name,
                duration(line.took_s),
                line.words,
            )
            for line in told
        ],
    )
    if "what" in left_out:
        click.echo()
        for line in told:
            if line.words:
                click.echo(f"{line.event.position} {line.event.name}: {line.words}")


def _print_progress(progress: dict[str, dict[str, Any]]) -> None:
    for step, how_far in progress.items():
        done, of = how_far.get("done_bytes"), how_far.get("of_bytes")
        share = f" of {size(of)} ({100 * done // of} %)" if of and done is not None else ""
        click.echo(f"now: {step}: {size(done)}{share} {how_far.get('note') or ''}".rstrip())


def _print_log(here: Context, run: str) -> None:
    path = _log_path(here, run)
    try:
        kept = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    except OSError as fault:
        click.echo(f"\noutput kept in {path} can't be read: {fault.strerror}", err=True)
        return
    cut = f", its last {TAIL_LINES} lines" if len(kept) > TAIL_LINES else ""
    click.echo(f"\noutput kept in {path}{cut}:")
    for line in kept[-TAIL_LINES:]:
        click.echo(f"  {click.unstyle(line)}")


def _print_next(here: Context, run: RunRow, alive: bool | None) -> None:
    """What a person does now, when the run did not end well."""
    if run.outcome == "open" and alive is False:
        waits = f"waits for {WAITS_FOR[run.state]}; " if run.state in RESTING else ""
        click.echo(f'\n{waits}to go on: "axej resume {run.run}"')
    if run.outcome in ("succeeded", "open") and not run.runbook:
        return
    click.echo()
    if run.hint:
        click.echo(f"HINT: {run.hint}")
    name, step, why = way_on(here.journal_path, run)
    click.echo(f"page: {full_path(name)}")
    if step is not None:
        click.echo(f"step {step.number} of {name}: {step.id}{why}: {step.title}")
    click.echo(f'go on: "axej runbook run {name}"')
    if run.outcome in ("failed", "cancelled", "abandoned"):
        click.echo(f'then: "{command_of(run.job)}" starts a new run; this one has ended')


def way_on(journal: Path, run: RunRow) -> tuple[str, PageStep | None, str]:
    """The page of runbooks/ to go on with, its step, and why it is that one: where the run was begun by a page, that page
    goes on there; else its failure's own page from the start."""
    from axejournal.app.paging import page
    from axejournal.journal import links, reader

    parent = links.part_of(journal, run.run)
    if parent is not None:
        began = reader.find_run(journal, parent[0])
        options = reader.run_events(journal, began.run, limit=1)[0].data["options"]
        if began.outcome == "open" and "page" in options:
            found = page(str(options["page"]), language())
            return found.name, found.step(parent[1].partition(":")[0]), f" (run {began.run} waits there)"
    found = page(run.runbook or "failed-run", language())
    return found.name, next(iter(found.steps), None), ""


def command_of(job: str) -> str:
    """What a person types to start a job: `backup.local` is `axej backup --local`, `ring.push` is `axej ring push`."""
    noun, _, verb = job.partition(".")
    own = {
        "runbook": "axej runbook run PAGE",
        "notify": "axej notify send",
        "watch.overdue": "axej status",
        "restore.drill": "axej drill",
    }
    if job in own:
        return own[job]
    named = {"backup": f"axej backup --{verb}", "repository": f"axej {verb}"}
    return named.get(noun, f"axej {noun} {verb}".rstrip())
