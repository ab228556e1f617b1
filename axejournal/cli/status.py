"""`axej status`: is everything backed up?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.cli.standing import Standing

MISSED = 20
EVERY_S = 5.0


@click.command(cls=Command, short_help="Show at a look whether everything is backed up.")
@click.option("--watch", is_flag=True, help="Show it again every five seconds, until Ctrl-C.")
@click.option("--prometheus", is_flag=True, help="As Prometheus' text format, for a textfile collector.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(watch: bool, prometheus: bool, as_json: bool) -> int:
    """Show at a look whether everything is backed up.

    \b
    Example:
      axej status
      axej status --json || echo "something is overdue"
      axej status --prometheus > /var/lib/node_exporter/axej.prom

    A tier is overdue when the newest restore point of any source is older than its RPO allows, or when the cold disk of the
    quarter was not synced by its 15th day; then the exit code is 20.
    """
    from axejournal.cli import standing

    here = context()
    if watch and (as_json or prometheus):
        raise UsageFault("--watch goes with neither --json nor --prometheus", 'Write "axej status --watch".')
    if watch:
        return _watch(here)
    found = standing.stand(here)
    if prometheus:
        from axejournal.cli.prometheus import prometheus as as_text

        click.echo(as_text(found), nl=False)
    elif as_json:
        from axejournal.cli.output import print_json

        print_json(standing.as_json(found))
    else:
        from axejournal.cli.status_page import show

        show(here, found)
    _record(here, found)
    return MISSED if found.overdue else 0


def _record(here: Context, found: Standing) -> None:
    """What is overdue and was not told today becomes a run, so that it is told; nothing that fails in that is status's."""
    import contextlib

    from axejournal.app.watching import told
    from axejournal.domain.overdue import is_to_be_told

    with contextlib.suppress(Exception):
        before, at = told(here.journal_path, here.light["customer"])
        if is_to_be_told(found.late, before, at, found.at):
            here.app.telling.after()


def _watch(here: Context) -> int:
    """On a terminal the screen is cleared each time. Ends with Ctrl-C."""
    from axejournal.cli import standing
    from axejournal.cli.status_page import show
    from axejournal.programs.clock import SystemClock

    while True:
        found = standing.stand(here)
        click.clear()
        show(here, found)
        try:
            SystemClock().sleep(EVERY_S)
        except KeyboardInterrupt:
            return MISSED if found.overdue else 0
