"""`axej undo`: take a restore back."""

from __future__ import annotations

import click

from axejournal.cli.context import context
from axejournal.cli.main import Command
from axejournal.cli.progress import watched
from axejournal.cli.restore_story import tell_restore


@click.command(cls=Command, short_help="Take a restore back.")
@click.argument("run")
def undo(run: str) -> int:
    """Take a restore back: what RUN replaced gets its place again.

    \b
    Example:
      axej undo 260520-0412-p7wd

    What the restore had brought is kept in turn, so that an undo can be undone. It works as long as the replaced data is
    kept (restore.keep_old, 7 days by default); after that it is refused and nothing changes.
    """
    app = context().app
    with watched(app) as view:
        return tell_restore(app.restoring.undo(run, view))
