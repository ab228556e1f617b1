"""`axej schedule`: what launchd or systemd starts by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Group

if TYPE_CHECKING:
    from axejournal.app.schedules import Plan, Standing

MEANING = {
    ("launchd", "user"): (
        "a LaunchAgent runs while this user is logged in on the screen: it can read the login Keychain, and it needs "
        "Full Disk Access for the program that it starts (System Settings, Privacy & Security); a Mac without a screen "
        "needs automatic login"
    ),
    ("launchd", "system"): (
        "a LaunchDaemon runs from boot on, without a login: it can't read the login Keychain (use the System keychain, "
        "or {file: …}), and its privacy permissions are those of the program that it starts"
    ),
    ("systemd", "user"): 'units of this user run without a login only while lingering is on: "loginctl enable-linger"',
    ("systemd", "system"): "units of the system run from boot on, as the user that is named in them",
}
"""What the choice of `schedules.scope` comes to."""


@click.group(cls=Group, short_help="Start backups by themselves (launchd, systemd).")
def schedule() -> None:
    """Start backups by themselves: through launchd on a Mac, through systemd on Linux.

    \b
    Example:
      axej schedule show
      axej schedule install

    They only call axej; the journal decides what is due. So a call that comes late, twice, after sleep or after three
    nights without power makes one run for the newest slot that was missed.
    """


@schedule.command(short_help="Show what is started when, and what the system knows of it.")
@click.option("--crontab", is_flag=True, help="Print lines for cron, for a machine with neither launchd nor systemd.")
@click.option("--files", is_flag=True, help="Print the files that install writes.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(crontab: bool, files: bool, as_json: bool) -> int:
    """Show the next run of each schedule, and what the system's scheduler knows of it.

    \b
    Example:
      axej schedule show
      axej schedule show --crontab | crontab -

    Writes nothing. Next runs are shown in the schedule's zone, in UTC and from now: the machine's zone may differ.
    """
    from axejournal.app import schedules

    here = context()
    plan = _plan(here)
    if crontab:
        for line in schedules.crontab(plan.tasks):
            click.echo(line)
        return 0
    if files:
        for path, content in schedules.written(plan).items():
            click.echo(f"# {path}\n{content.decode()}")
        return 0
    found = schedules.standing(plan)
    if as_json:
        from axejournal.cli.output import print_json

        print_json(_as_json(plan, found))
        return 0
    _print(plan, found)
    return 0


@schedule.command(short_help="Give the schedules to launchd or systemd.")
def install() -> int:
    """Write the property lists or units of this configuration and load them; those of schedules that are gone, go.

    \b
    Example:
      axej schedule install
      sudo axej schedule install    # with "schedules: {scope: system}"

    Doing it twice is doing it once. Do it again after axej.yaml was moved, or its schedules were changed.
    """
    from axejournal.app import schedules

    plan = _plan(context())
    for label, what in schedules.install(plan):
        click.echo(f"{what:<10} {label}")
    click.echo(MEANING[(plan.scheduler.kind, plan.scheduler.scope)], err=True)
    click.echo('HINT: "axej doctor --as-scheduled" looks at everything from inside that session.', err=True)
    return 0


@schedule.command(short_help="Take them away again.")
def remove() -> int:
    """Unload everything that install loaded, and remove its files.

    \b
    Example:
      axej schedule remove

    Nothing is started by itself from then on; no backup and no journal is touched.
    """
    from axejournal.app import schedules

    plan = _plan(context())
    gone = schedules.remove(plan)
    for label in gone:
        click.echo(f"removed    {label}")
    if not gone:
        click.echo(f"nothing of axej is in {plan.scheduler.kind} here")
    return 0


def _plan(here: Context) -> Plan:
    from axejournal.app.schedules import plan

    return plan(here.light, here.config_path, here.now())


def _print(plan: Plan, found: tuple[Standing, ...]) -> None:
    from axejournal.cli.output import Styled, plain
    from axejournal.cli.tables import Column, print_table

    print_table(
        [
            "schedule",
            Column("label", spare=3),
            Column("next run", spare=1),
            Column(plan.scheduler.kind, least=12),
            Column("last exit", spare=2, right=True),
        ],
        [
            (
                each.name,
                each.task.label,
                next_text(each.next_run, plan.now) or ("always" if each.task.keeps_alive else ""),
                Styled(each.word, "green" if each.sound else "yellow"),
                "" if each.state.last_exit is None else str(each.state.last_exit),
            )
            for each in found
        ],
    )
    click.echo()
    if plan.scheduler.kind == "launchd" and plan.machine.zone not in {each.zone for each in found if each.zone}:
        click.echo(f"this machine's own zone is {plan.machine.zone}: launchd is told the times in it, and calls once an hour too")
    click.echo(MEANING[(plan.scheduler.kind, plan.scheduler.scope)])
    for trouble in dict.fromkeys(each.trouble for each in found if each.trouble):
        click.echo(plain(trouble))


def next_text(moment: datetime | None, now: datetime) -> str:
    """A run to come, in its schedule's zone, in UTC and from now."""
    from axejournal.cli.output import duration

    if moment is None:
        return ""
    wait = duration((moment - now).total_seconds())
    return f"{moment.isoformat(sep=' ', timespec='minutes')}, {moment.astimezone(UTC):%H:%M} UTC, in {wait}"


def _as_json(plan: Plan, found: tuple[Standing, ...]) -> dict[str, Any]:
    """Later versions add keys and change none."""
    return {
        "scheduler": plan.scheduler.kind,
        "scope": plan.scheduler.scope,
        "machine_zone": plan.machine.zone,
        "schedules": [
            {
                "schedule": each.name,
                "label": each.task.label,
                "argv": list(each.task.argv),
                "next_run": each.next_run.isoformat() if each.next_run else None,
                "next_run_utc": each.next_run.astimezone(UTC).isoformat() if each.next_run else None,
                "installed": each.state.installed,
                "current": each.state.current,
                "loaded": each.state.loaded,
                "state": each.state.state or None,
                "pid": each.state.pid,
                "last_exit": each.state.last_exit,
                "trouble": each.trouble or None,
            }
            for each in found
        ],
    }
