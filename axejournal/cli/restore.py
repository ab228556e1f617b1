"""`axej restore`: bring data back. The plan is printed first, always."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.cli.progress import watched
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.jobs.restore_orders import Ask, Order
    from axejournal.jobs.restore_preview import RestorePreview


@click.command(cls=Command, short_help="Bring a database, a table or files back.")
@click.option("--customer", metavar="NAME", help="Whose data (the configuration's customer, else refused).")
@click.option("--tier", metavar="NAME", help="Where from: local (the default), ring, cold.")
@click.option("--from", "origin", metavar="NAME", help="The same, by a tier's or a peer's name.")
@click.option("--as-of", metavar="WHEN", help="A date, a time, last-valid, or a run (else the newest there is).")
@click.option("--target", "targets", multiple=True, metavar="SOURCE", help="What (several times for several; else all).")
@click.option("--table", metavar="NAME", help="Only this table of the database: TABLE or SCHEMA.TABLE.")
@click.option("--only-missing", is_flag=True, help="With --table: insert what is lost, touch nothing else.")
@click.option("--path", metavar="PART", help="Only this file or folder of a source of files.")
@click.option("--physical", is_flag=True, help="The physical copy of a database's server, into the folder --into names.")
@click.option("--into", metavar="NAME", help="Restore beside, under this name; swap nothing.")
@click.option("--dry-run", is_flag=True, help="Print the plan, touch nothing.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def restore(
    customer: str | None,
    tier: str | None,
    origin: str | None,
    as_of: str | None,
    targets: tuple[str, ...],
    table: str | None,
    only_missing: bool,
    path: str | None,
    physical: bool,
    into: str | None,
    dry_run: bool,
    yes: bool,
) -> int:
    """Bring a database, a table or files back.

    \b
    Example:
      axej restore --target frame --as-of 2026-05-20T03:00 --dry-run
      axej restore --target frame --as-of 2026-05-20T03:00
      axej restore --target frame --table journal_line --as-of last-valid
      axej restore --target files --path invoices/2026 --into /tmp/invoices

    A database is loaded beside the live one and compared with what was counted when it was dumped; only then it is
    swapped in, in one step. What it replaces is kept: "axej undo RUN" takes the restore back.
    """
    from axejournal.cli.cold_desk import desk
    from axejournal.jobs.restore_orders import Ask

    here = context()
    _check_customer(here, customer)
    here.app.password_desk = desk()
    ask = Ask(_tier(here, tier, origin), as_of, targets, into, path, table, only_missing, physical)
    orders = here.app.restoring.orders(ask)
    here.app.cold.open_for(orders)
    previews = _show(here, orders)
    if dry_run:
        click.echo("nothing is touched")
        return 0
    faults = [fault for preview in previews for fault in preview.faults]
    if faults:
        from axejournal.domain.errors import SourceRefused

        raise SourceRefused(faults[0], "Nothing was touched. Set that right, then restore again.")
    _confirm(ask, orders, yes)
    return _run(here, orders)


def _run(here: Context, orders: Sequence[Order]) -> int:
    """One after another; one that fails does not stop the next."""
    from axejournal.cli.restore_story import tell_restore

    worst = 0
    with watched(here.app) as view:
        for run in here.app.restoring.begin_all(orders, view):
            code = tell_restore(run)
            worst = worst if worst not in (0, 3) else code or worst
    return worst


def _check_customer(here: Context, customer: str | None) -> None:
    mine = str(here.light["customer"])
    if customer not in (None, mine):
        raise UsageFault(
            f"this configuration is customer {mine}'s, not {customer}'s", f'Write "--customer {mine}", or name another --config.'
        )


def _tier(here: Context, tier: str | None, origin: str | None) -> str:
    """`--from` takes a tier or a peer; both together must mean the same. Raises UsageFault."""
    tiers = here.light["tiers"]
    names = ", ".join(tiers)
    if tier is not None and tier not in tiers:
        raise UsageFault(f"no tier is called {tier}; there are {names}", f"Write --tier and one of these: {names}.")
    if origin is None:
        return tier or "local"
    found = origin if origin in tiers else next((name for name, one in tiers.items() if one.get("peer") == origin), None)
    if found is None:
        raise UsageFault(
            f"no tier and no peer is called {origin}; the tiers are {names}", f"Write --from and one of these: {names}."
        )
    if tier not in (None, found):
        raise UsageFault(f"--from {origin} means tier {found}, --tier says {tier}", "Leave one of them out.")
    return found


def _show(here: Context, orders: Sequence[Order]) -> list[RestorePreview]:
    from axejournal.cli.output import plain

    previews = here.app.restoring.previews(orders)
    for place, preview in enumerate(previews):
        if place:
            click.echo()
        for label, text in preview.lines:
            click.echo(f"{label:<16}{plain(text)}")
        for warning in preview.warnings:
            click.echo(f"warning: {plain(warning)}")
        for fault in preview.faults:
            click.echo(f"can't: {plain(fault)}")
    return previews


def _confirm(ask: Ask, orders: Sequence[Order], yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageFault("nobody is there to say yes: this is no terminal", 'Read the plan above, then write it with "--yes".')
    names = ", ".join(order.source for order in orders)
    if not click.confirm(f"Restore {names}?", err=True):
        raise click.Abort
    if not ask.targets and not click.confirm("No --target was named, so that ALL of these are restored. Really?", err=True):
        raise click.Abort
