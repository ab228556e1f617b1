"""`axej recover`: a lost machine, out of a repository and its password."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.domain.errors import ConfigurationFault, JournalDamaged, UsageFault

if TYPE_CHECKING:
    from axejournal.app.recovering import Origin, Plan
    from axejournal.domain.run import Run

BEFORE = "Killed before its run begins, it is simply begun again; from then on it is resumed."


class Asked(NamedTuple):
    """What was typed."""

    tier: str
    repository: str | None
    password_file: Path | None
    password_command: str | None
    identity: Path | None
    credentials: Path | None
    customer: str | None
    as_of: str | None
    dry_run: bool
    yes: bool


@click.command(cls=Command, short_help="Bring a lost machine back out of a repository.")
@click.option("--from", "tier", default="ring", show_default=True, metavar="TIER", help="Which copy it is: ring, cold, local.")
@click.option("--repository", metavar="URL", help="As restic names it (else the tier's; of cold, the connected disk's).")
@click.option("--password-file", type=click.Path(path_type=Path), metavar="FILE", help="The file that holds its password.")
@click.option("--password-command", metavar="COMMAND", help="The command that prints its password (else it is asked for).")
@click.option("--identity", type=click.Path(path_type=Path), metavar="FILE", help="The SSH key of an sftp: repository.")
@click.option("--credentials", type=click.Path(path_type=Path), metavar="FILE", help="The login of an s3: or rest: place.")
@click.option("--customer", metavar="NAME", help="Whose machine, when the repository holds several.")
@click.option("--as-of", metavar="WHEN", help="As it was then: a date, a time or a run (else the newest there is).")
@click.option("--dry-run", is_flag=True, help="Print the plan, touch nothing.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def recover(**typed: Any) -> int:
    """Bring a lost machine back out of a repository: configuration, journal, then every database and folder.

    \b
    Example:
      axej recover --from ring --repository sftp:axe@peer:/peer-backups/axe --dry-run
      axej recover --from cold

    It needs a repository and its password, nothing else: no configuration, no journal. What is on this machine already is
    moved aside, never overwritten. A recovery that was killed goes on when it is typed again.
    """
    asked, here = Asked(**typed), context()
    open_run = _open_recovery(here)
    if open_run is not None and not asked.dry_run:
        with _watched(here):
            return tell_recovery(here.app.resume(open_run, "the recovery was asked for again", view=here.app.paging.view))
    origin = _origin(here, asked)
    typed_password = None if origin.password else _ask_password(origin)
    with _found(here, origin, typed_password) as (plan, at):
        _show(here, plan)
        if asked.dry_run:
            click.echo("nothing is touched")
            return 0
        _confirm(asked)
        from axejournal.app.placing import Placing

        here.app, run = Placing(plan, here.config_path, at, here.page_step).begin()
    if typed_password is not None:
        here.app.paging.typed = lambda: typed_password
    with _watched(here):
        return tell_recovery(here.app.resume(run, "configuration and journal have their place", view=here.app.paging.view))


def _open_recovery(here: Context) -> str | None:
    """A recovery that has begun on this machine and has not ended."""
    from axejournal.journal import reader

    if not here.config_path.is_file():
        return None
    try:
        found = reader.runs(here.journal_path, job="recover", outcome="open", limit=1)
    except (ConfigurationFault, JournalDamaged):
        return None  # what is there is moved aside
    return found[0].run if found else None


def _origin(here: Context, asked: Asked) -> Origin:
    from axejournal.app.recovering import Origin

    if asked.password_file and asked.password_command:
        raise UsageFault("--password-file and --password-command are two places for one password", "Leave one of them out.")
    password: dict[str, Any] = {}
    if asked.password_file:
        password = {"file": str(asked.password_file.expanduser().absolute())}
    if asked.password_command:
        password = {"command": shlex.split(asked.password_command)}
    place, identity, login = asked.repository, asked.identity, asked.credentials
    if place is None:
        place, password = _configured(here, asked.tier, password, asked.customer)
        known = here.config.tiers[asked.tier] if here.config_path.is_file() else None
        identity, login = identity or getattr(known, "identity", None), login or getattr(known, "credentials", None)
    elif ":" not in place:
        place = str(Path(place).expanduser().absolute())
    key, login = (path.expanduser().absolute() if path else None for path in (identity, login))
    return Origin(asked.tier, place, password, key, login, asked.customer, asked.as_of)


def _configured(here: Context, tier: str, password: Mapping[str, Any], customer: str | None) -> tuple[str, dict[str, Any]]:
    """Place and password of a tier of the configuration that is here; of cold disks the one that is connected, which without
    a configuration is known by its mark. Raises UsageFault, DiskMissing."""
    if not here.config_path.is_file() and tier == "cold":
        from axejournal.app.cold_found import found_disk

        disk = found_disk(customer)
        click.echo(f"taken: disk {disk.disk} of {disk.customer} at {disk.mount}, its repository {disk.place}", err=True)
        return str(disk.place), dict(password)
    if not here.config_path.is_file():
        raise UsageFault(
            f"there is no configuration at {here.config_path} that would say where tier {tier} is",
            f'Write where it is: "axej recover --from {tier} --repository URL".',
        )
    if tier not in here.config.tiers:
        raise UsageFault(f"{here.config_path} has no tier {tier}", "Name another one, or write --repository URL.")
    if here.config.tiers[tier].kind == "cold":
        from axejournal.app.cold_open import connected_disk

        found = connected_disk(here.app, tier)
        click.echo(f"taken: disk {found.disk} of {here.config.customer} at {found.mount}, its repository {found.place}", err=True)
        return str(found.place), dict(password)
    configured = getattr(here.config.tiers[tier], "password", None)
    known = dict(configured.reference) if configured is not None and hasattr(configured, "reference") else {}
    return here.app.repository(tier).place, dict(password) or known


def _ask_password(origin: Origin) -> str:
    """Typed on the terminal, kept in memory. Raises UsageFault where nobody is."""
    if not sys.stdin.isatty():
        raise UsageFault(
            f"nobody is there to type the password of {origin.place}: this is no terminal",
            "Write --password-file FILE or --password-command COMMAND.",
        )
    return str(click.prompt(f"password of {origin.place}", hide_input=True, err=True))


@contextmanager
def _found(here: Context, origin: Origin, typed: str | None) -> Iterator[tuple[Plan, Any]]:
    """The plan, and what it was fetched for, until it has its place."""
    import shutil

    from axejournal.app.placing import work_folder
    from axejournal.app.recovering import look

    work = work_folder(here.config_path)
    try:
        with look(origin, work, typed) as found:
            yield found
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _watched(here: Context) -> Iterator[None]:
    from axejournal.cli.progress import watched

    with watched(here.app) as view:
        here.app.paging.view = view
        if here.app.paging.typed is None:
            here.app.paging.typed = ask_once()
        yield


def ask_once() -> Callable[[], str] | None:
    """Asks for the password that a recovery needs again, once; None where nobody can be asked."""
    if not sys.stdin.isatty():
        return None
    return functools.cache(lambda: str(click.prompt("the repository's password", hide_input=True, err=True)))


def _show(here: Context, plan: Plan) -> None:
    from axejournal.app.parts import JOURNAL
    from axejournal.app.placing import configuration_places
    from axejournal.cli.output import plain, size

    snapshot, config, verdict = plan.memory.snapshot, plan.memory.config, plan.memory.verdict
    servers = f" (PostgreSQL {', '.join(plan.versions)})" if plan.versions else ""
    time = (snapshot.tag("slot") or "").replace("T", " ", 1)
    lines = [
        ("customer", config.customer),
        ("restore point", f"{time}, {plan.origin.tier}, snapshot {snapshot.id[:8]}"),
        ("configuration", ", ".join(path.name for path in plan.memory.files)),
        ("journal", f"{verdict.events:,} events, whole; it holds {plan.heads[0]} of {plan.heads[1]} heads that snapshots name"),
        ("sources", f"{', '.join(point.source for point in plan.points)}{servers}"),
    ]
    for label, text in lines:
        click.echo(f"{label:<16}{plain(text)}")
    for point in plan.points:
        when = point.time.replace("T", " ", 1)
        click.echo(f"  {plain(point.source):<14}{when}, proof {point.proof}, {size(point.size_bytes)} in {point.files} files")
    places = [target for _, target in configuration_places(plan, here.config_path)]
    for target in (*places, config.state / JOURNAL):
        there = f", what is there becomes {target.name}.before-RUN" if target.exists() else ""
        click.echo(f"{'writes':<16}{target}{there}")
    for source, why in plan.left_out.items():
        click.echo(f"warning: {plain(source)} does not come back: {why}")
    if any(point.proof == "unknown" for point in plan.points):
        click.echo("note: the repository's tags say nothing of proof; what the journal's copy does not know is unknown")
    click.echo(f"note: {BEFORE}")


def _confirm(asked: Asked) -> None:
    if asked.yes:
        return
    if not sys.stdin.isatty():
        raise UsageFault("nobody is there to say yes: this is no terminal", 'Read the plan above, then write it with "--yes".')
    if not click.confirm("Bring this machine back?", err=True):
        raise click.Abort


def tell_recovery(run: Run) -> int:
    """Says how a recovery ended and what to type next; returns the exit code."""
    from axejournal.cli.pages import see
    from axejournal.domain.events import RunDegraded, RunFailed
    from axejournal.domain.facts.recover import SourceRecovered

    if run.waits is not None:
        click.echo(f"run {run.id} waits: {run.waits.message}\nHINT: {run.waits.hint}", err=True)
        return 2
    click.echo(f"run {run.id} {run.state}", err=True)
    back = [fact.source for fact in run.all(SourceRecovered)]
    if back:
        click.echo(f"  {', '.join(back)}", err=True)
    match run.outcome:
        case RunDegraded(reasons=reasons):
            for reason in reasons:
                click.echo(f"  {reason}", err=True)
            click.echo(f'HINT: "axej history {run.id}" tells what happened. {see("machine-lost")}', err=True)
            return 3
        case RunFailed() as failure:
            click.echo(f"  {failure.message}\nHINT: {failure.hint} {see(failure.runbook)}", err=True)
            return failure.exit_code
    return 130 if run.state == "cancelled" else 0
