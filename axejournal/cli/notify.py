"""`axej notify`: what is told to people and outside watches, and whether it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Group
from axejournal.domain.alarm_errors import MessageNotSent
from axejournal.domain.errors import ConfigurationFault

if TYPE_CHECKING:
    from axejournal.journal.outbox import Waiting

NO_CHANNEL = "no channel is configured: nobody is told when a backup fails"
CONFIGURE = 'Write "notify:" into axej.yaml, with slack:, command: or ping: below it; "axej config schema" has them all.'
UNSENT = '"axej notify test" tries each channel; then write "axej notify send".'


@click.group(cls=Group, short_help="Tell people how runs ended; try the channels.")
def notify() -> None:
    """Tell people how runs ended, and try the channels.

    \b
    Example:
      axej notify test
      axej notify pending

    Messages are made as runs end and are sent at once. What can't be sent waits, and every later run tries again.
    """


@notify.command()
@click.option("--channel", "names", multiple=True, metavar="NAME", help="Only this one: slack, command, ping:NAME.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def test(names: tuple[str, ...], as_json: bool) -> int:
    """Send a test message on each channel, now.

    \b
    Example:
      axej notify test
      axej notify test --channel slack

    An outside watch (ping:NAME) is only called when it is named: a call tells it that a backup went well.
    """
    from axejournal.cli.output import Styled, print_json
    from axejournal.cli.tables import Column, print_table

    here = context()
    known = _channels(here)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigurationFault(f"no channel is called {unknown[0]}; there are {', '.join(known)}", CONFIGURE)
    chosen = names or tuple(name for name in known if not name.startswith("ping:"))
    came = here.app.telling.test(chosen)
    rows = [(name, "sent" if one.sent else "not sent", one.why) for name, one in came.items()]
    rows += [(name, "left alone", "it is called only when it is named") for name in known if name not in chosen and not names]
    if as_json:
        print_json([dict(zip(("channel", "state", "why"), row, strict=True)) for row in rows])
    else:
        styles = {"sent": "green", "not sent": "bold red"}
        print_table(
            ["channel", "state", Column("why", least=24)],
            [(name, Styled(state, styles.get(state, "")), why) for name, state, why in rows],
        )
    failed = [name for name, one in came.items() if not one.sent]
    if failed and not as_json:
        raise MessageNotSent(
            f"{', '.join(failed)}: the test message did not arrive", "Mend what the table names, then try again."
        )
    return MessageNotSent.exit_code if failed else 0


@notify.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def pending(as_json: bool) -> None:
    """List the messages that wait to be sent, and why.

    \b
    Example:
      axej notify pending
    """
    from axejournal.cli.output import print_json

    here = context()
    found = _waiting(here)
    if as_json:
        print_json([{**row._asdict(), "at": row.at.isoformat(), "not_before": row.not_before} for row in found])
        return
    if not found:
        click.echo("no message waits" if _names(here) else NO_CHANNEL)
        return
    _print(here, found)


@notify.command()
def send() -> int:
    """Send what waits, now, also on channels that just failed.

    \b
    Example:
      axej notify send
    """
    from axejournal.cli.progress import watched
    from axejournal.domain.outbox import MessageSent

    here = context()
    _channels(here)
    with watched(here.app) as view:
        run = here.app.telling.send(due_only=False, view=view)
    if run is None:
        click.echo("no message waits")
        return 0
    sent, asked = len(run.all(MessageSent)), len(run.requested.options["messages"])
    click.echo(f"{sent} of {asked} messages sent (run {run.id})")
    if sent < asked:
        from axejournal.domain.events import RunDegraded

        why = run.outcome.reasons[0] if isinstance(run.outcome, RunDegraded) else run.state
        raise MessageNotSent(f"{asked - sent} of {asked} messages wait: {why}", UNSENT)
    return 0


def _names(here: Context) -> tuple[str, ...]:
    from axejournal.domain.channels import channel_names

    return channel_names(here.light["notify"], here.light.get("heartbeat"))


def _channels(here: Context) -> tuple[str, ...]:
    names = _names(here)
    if not names:
        raise ConfigurationFault(NO_CHANNEL, CONFIGURE)
    return names


def _waiting(here: Context) -> tuple[Waiting, ...]:
    from axejournal.journal.outbox import waiting

    return waiting(here.journal_path, here.light["customer"], _names(here), here.now(), due_only=False)


def _print(here: Context, found: tuple[Waiting, ...]) -> None:
    from axejournal.cli.output import local, times
    from axejournal.cli.tables import Column, print_table

    title, moments = times("since", [local(row.at, here.zone) for row in found])
    print_table(
        ["channel", title, "kind", "job", Column("run", spare=1), Column("tried", spare=2, right=True), Column("why", least=24)],
        [
            (row.channel, moments[place], row.kind, row.job, row.run, row.failures or "", row.why or "not tried yet")
            for place, row in enumerate(found)
        ],
    )
