"""`axej cold`: copies on disks in a drawer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Group
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.domain.run import Run


@click.group(cls=Group, short_help="Keep copies on cold disks.")
def cold() -> None:
    """Keep copies on cold disks (tier C): disks in a drawer, their password on paper.

    \b
    Example:
      axej cold status
      axej cold sync
      axej cold unlock
    """


def tier_of(here: Context, wanted: str | None) -> str:
    """The cold tier that is meant. Raises UsageFault."""
    from axejournal.app.cold import cold_tiers

    there = cold_tiers(here.light)
    if not there:
        raise UsageFault("axej.yaml has no tier of cold disks", "Add one under tiers: see axej init --example axe.")
    if wanted is not None and wanted not in there:
        raise UsageFault(f"no tier of cold disks is called {wanted}; there is {', '.join(there)}", "Write its name.")
    return wanted or there[0]


OF_TIER = click.option("--tier", metavar="NAME", help="Which tier of cold disks, where there are several.")


@cold.command(short_help="Make a newly connected disk a cold one.")
@click.argument("disk", metavar="N")
@OF_TIER
@click.option("--adopt", is_flag=True, help="Take the repository that is on it, make none.")
@click.option("--not-empty", is_flag=True, help="Other files may be on the disk; they stay.")
@click.option("--replace", is_flag=True, help="The disk that had this number is gone for good.")
@click.option("--card", type=click.Path(path_type=Path), metavar="FILE", help="Also write the recovery card as a page to print.")
def init(disk: str, tier: str | None, adopt: bool, not_empty: bool, replace: bool, card: Path | None) -> int:
    """Make a newly connected disk a cold one: a repository on it, and its number.

    \b
    Example:
      axej cold init 2
      axej cold init 2 --card cold-2.html

    Asks twice for the password that you wrote on paper. axej does not store it. A disk that is not empty, that has another
    number, or that is not mounted is refused.
    """
    here = context()
    chosen = tier_of(here, tier)
    from axejournal.app.cold_card import as_page, as_text, card_of
    from axejournal.cli.backup import tell
    from axejournal.cli.cold_desk import desk
    from axejournal.cli.progress import watched

    how = {"adopt": adopt, "not_empty": not_empty, "replace": replace}
    with watched(here.app) as view:
        here.app.password_desk = desk(view)
        run = here.app.cold.init(chosen, disk, how, view)
    code = waits(run, disk) or tell(run)
    if code == 0:
        made = card_of(here.app, run)
        click.echo(as_text(made), nl=False)
        if card is not None:
            card.write_text(as_page(made), encoding="utf-8")
            click.echo(f"wrote {card}: print it, and put it with the paper, not with the disk", err=True)
    return code


@cold.command(short_help="Copy what a disk lacks, now.")
@click.argument("disk", metavar="[N]", required=False)
@OF_TIER
@click.option("--watched", "by_watch", is_flag=True, hidden=True)
def sync(disk: str | None, tier: str | None, by_watch: bool) -> int:
    """Copy the snapshots that the connected disk lacks, and read a part of its data back.

    \b
    Example:
      axej cold sync
      axej cold sync 2

    A sync that was interrupted, because the disk was pulled out or the machine went down, is gone on with. Asks for the
    password on this terminal unless the machine has a key of its own.
    """
    here = context()
    chosen = tier_of(here, tier)
    from axejournal.cli.cold_desk import desk
    from axejournal.cli.progress import watched

    app = here.app
    number = disk or app.cold.connected(chosen)
    if by_watch:
        app.cold.listen(chosen, number, lambda text: click.echo(text, err=True))
    with watched(app) as view:
        if not by_watch:
            app.password_desk = desk(view)
        run = app.cold.sync(chosen, number, "watch" if by_watch else "operator", view)
    return tell_sync(run, number)


@cold.command(short_help="Type the password for the sync that waits.")
@click.argument("disk", metavar="[N]", required=False)
@OF_TIER
def unlock(disk: str | None, tier: str | None) -> int:
    """Type the password that is on paper, for the sync that waits for it.

    \b
    Example:
      axej cold unlock

    It is handed to the waiting process by a private way, held in its memory, and gone afterwards. Where no process waits
    any more, the sync goes on here.
    """
    here = context()
    chosen = tier_of(here, tier)
    from axejournal.cli.cold_desk import desk, is_terminal
    from axejournal.cli.progress import watched
    from axejournal.domain.errors import PersonNeeded

    app = here.app
    waiting = [one for one in app.cold.awaiting_password(chosen) if disk in (None, one.disk)]
    if not waiting:
        click.echo("no sync waits for a password", err=True)
        return 0
    if len(waiting) > 1:
        names = ", ".join(one.disk for one in waiting)
        raise UsageFault(f"the syncs of disks {names} wait", 'Name one: "axej cold unlock N".')
    if not is_terminal():
        raise PersonNeeded("the password is typed on a terminal only", 'Run "axej cold unlock" there.')
    number = waiting[0].disk
    if here.is_alive(waiting[0].run):
        return _hand_over(here, chosen, number, waiting[0].run)
    with watched(app) as view:
        app.password_desk = desk(view)
        run = app.cold.sync(chosen, number, view=view)
    return tell_sync(run, number)


def _hand_over(here: Context, tier: str, disk: str, run: str) -> int:
    import getpass

    asked = next((row.asked for row in here.app.disk_rows(tier) if row.disk == disk), f"disk {disk}")
    while True:
        said = here.app.cold.hand_over(tier, disk, getpass.getpass(f"password of {asked} (on paper): "))
        word, _, rest = said.partition(" ")
        if word == "ok":
            click.echo(f"disk {disk} is open; run {run} goes on by itself", err=True)
            return 0
        if word != "wrong":
            click.echo(rest or "the run that waited has ended", err=True)
            return 1
        if rest == "0":
            click.echo("wrong password, three times: the run has ended", err=True)
            return 12
        click.echo(f"wrong password; {rest} more {'tries' if rest != '1' else 'try'}", err=True)


@cold.command("enroll-key", short_help="Add the machine's key to the connected disk.")
@click.argument("disk", metavar="[N]", required=False)
@OF_TIER
def enroll_key(disk: str | None, tier: str | None) -> int:
    """Add a key for this machine to the connected disk, so that it is synced without you.

    \b
    Example:
      axej cold enroll-key 2

    Asks once for the password on paper, which stays the one for recovery. The machine's key is where machine_key: in
    axej.yaml says; a file that is not there yet is made, with a random password. Where another secret is there by now, its key
    takes the place of the one that was added before.
    """
    from axejournal.cli.backup import tell
    from axejournal.cli.cold_desk import desk
    from axejournal.cli.progress import watched

    here = context()
    chosen = tier_of(here, tier)
    number = disk or here.app.cold.connected(chosen)
    with watched(here.app) as view:
        here.app.password_desk = desk(view)
        run = here.app.keys.begin_enroll(chosen, number, view)
    return waits(run, number) or tell(run)


@cold.command(short_help="Which disk is due, and how each stands.")
@OF_TIER
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(tier: str | None, as_json: bool) -> int:
    """Which disk is due this quarter, how each disk stands, and the calendar of the next four quarters.

    \b
    Example:
      axej cold status
      axej cold status --json

    Ends with exit code 20 when this quarter's disk was not synced by the quarter's 15th day.
    """
    from axejournal.cli.cold_status import show

    here = context()
    return show(here, tier_of(here, tier), as_json)


@cold.command(short_help="Sync each disk when it is connected.")
@OF_TIER
@click.option("--poll", default=60.0, metavar="SECONDS", help="How often to look even when nothing was told.")
def watch(tier: str | None, poll: float) -> int:
    """Wait for cold disks, and start a sync when one is connected. Disks that are there already count.

    \b
    Example:
      axej cold watch

    Started by launchd or systemd (axej schedule install). It is one small process; each sync is a process of its own.
    """
    here = context()
    from axejournal.app.cold_watch import watch_disks

    watch_disks(here.light, tier_of(here, tier), here.config_path, here.journal_path, poll)
    return 0


def waits(run: Run, disk: str) -> int:
    """Says for what a run waits; 0 when it does not."""
    from axejournal.domain.resting import AWAITING_DISK

    if run.waits is None:
        return 0
    click.echo(f"run {run.id} waits: {run.waits.message}", err=True)
    click.echo(f"HINT: {run.waits.hint}", err=True)
    return 50 if run.state == AWAITING_DISK else 12


def tell_sync(run: Run, disk: str) -> int:
    """Says how a sync ended; returns the exit code."""
    from axejournal.cli.backup import tell
    from axejournal.domain.facts import SnapshotCopied
    from axejournal.domain.facts.check import DataRead
    from axejournal.domain.facts.cold import DiskEjected, DiskSynced
    from axejournal.domain.facts.copy import BackupAwaited

    code = waits(run, disk)
    if code:
        return code
    code = tell(run)
    synced, read, ejected = run.find(DiskSynced), run.find(DataRead), run.find(DiskEjected)
    waited = run.find(BackupAwaited)
    if synced is not None:
        copied = len(run.all(SnapshotCopied))
        click.echo(f"  disk {disk}: {copied} copied, {synced.snapshots} snapshots on it", err=True)
        if waited is not None and waited.backup is not None and not waited.late:
            click.echo(f"  tonight's backup, run {waited.backup}, was waited for: its snapshot is on it too", err=True)
        if synced.due not in (None, disk):
            click.echo(f"  {synced.quarter} is the turn of disk {synced.due}: connect that one too", err=True)
    row = next((one for one in context().app.disk_rows(run.requested.options["tier"]) if one.disk == disk), None)
    if row is not None and row.behind:
        click.echo(
            f"  disk {disk} still has the old password, from before {row.behind:%Y-%m-%d}: while it is connected, type", err=True
        )
        click.echo(f'  "axej keys rotate {row.tier}", and keep the old paper until then', err=True)
    if read is not None:
        part = "all of its data was" if read.of == 1 else f"part {read.part} of {read.of} of its data was"
        click.echo(f"  {part} read back, {len(read.faults) or 'no'} fault{'' if len(read.faults) == 1 else 's'}", err=True)
    click.echo(f"  {'ejected: ' + ejected.how if ejected else 'eject it before you take it off'}", err=True)
    return code
