"""`axej runbook`: the pages for bad days, and working through one, step by step, as a run that resumes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Group
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.cli.desk import TerminalDesk
    from axejournal.domain.run import Run


@click.group(cls=Group, short_help="Read the pages for bad days, and work through one.")
def runbook() -> None:
    """Read the pages for bad days, and work through one.

    \b
    Example:
      axej runbook list
      axej runbook show frame-damaged
      axej runbook run frame-damaged --as-of last-valid
    """


@runbook.command("list", short_help="List the pages.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_pages(as_json: bool) -> None:
    """List the pages: what to do when a machine, a database or axej is in trouble.

    \b
    Example:
      axej runbook list
    """
    from axejournal.app.paging import pages
    from axejournal.cli.output import print_json
    from axejournal.cli.pages import language
    from axejournal.cli.tables import Column, print_table

    found = [(one.name, one.title, "scenario" if one.is_scenario else "failure", len(one.steps)) for one in pages(language())]
    if as_json:
        print_json([dict(zip(("name", "title", "kind", "steps"), row, strict=True)) for row in found])
        return
    columns: list[str | Column] = [
        "page",
        Column("title", least=24),
        Column("kind", spare=1),
        Column("steps", spare=2, right=True),
    ]
    print_table(columns, found)


@runbook.command(short_help="Show a page.")
@click.argument("name")
@click.option("--plain", is_flag=True, help="The Markdown as it is.")
def show(name: str, plain: bool) -> None:
    """Show a page, in the language of the configuration.

    \b
    Example:
      axej runbook show machine-lost
      axej runbook show machine-lost --plain > machine-lost.md
    """
    import re

    from axejournal.app.paging import page
    from axejournal.cli.desk import print_markdown
    from axejournal.cli.pages import language

    text = page(name, language()).text
    if plain:
        click.echo(text, nl=False)
    else:
        print_markdown(re.sub(r"<!-- .*? -->\s?", "", text))


@runbook.command(short_help="Work through a page, step by step.")
@click.argument("name")
@click.option("--as-of", metavar="WHEN", help="What AS_OF stands for in the page's commands.")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="What another word in capitals stands for.")
@click.option("--answer", "answers", multiple=True, metavar="STEP=ANSWER", help="A step's answer: done, yes, no, again, skip.")
@click.option("--yes", is_flag=True, help="Confirm what only has to be confirmed; what may or may not be needed stays undone.")
def run(name: str, as_of: str | None, values: tuple[str, ...], answers: tuple[str, ...], yes: bool) -> int:
    """Work through a page as one run: its steps are shown, what a person must decide is asked, its commands are run.

    \b
    Example:
      axej runbook run frame-damaged
      axej runbook run frame-damaged --as-of 2026-05-20T03:00 --yes
      axej runbook run frame-damaged --answer undo=yes

    It may be left at any question ("later", or Ctrl-C), and a crash loses nothing: the same command goes on where it was.
    Where a person must decide and this is no terminal, the run waits. On a machine without a configuration it has a journal of
    its own, until "axej recover" brings one back: there it goes on.
    """
    from axejournal.app import naked

    given = {**_pairs("--set", values), **({"AS_OF": as_of} if as_of else {})}
    here = context()
    again, said = f"axej runbook run {name}", _pairs("--answer", answers)

    def desk(kind: type[TerminalDesk], where: Context) -> TerminalDesk:
        return kind(where, again, said, given, yes)

    if naked.is_worked(here.config_path) or not here.config_path.is_file():
        from axejournal.cli.naked import work_naked

        if (left := work_naked(here, name, given, desk)) is not None:
            return tell_page(left, named=True)
        here = Context(str(here.config_path))
    from axejournal.cli.desk import TerminalDesk
    from axejournal.cli.recover import ask_once

    here.app.paging.desk = desk(TerminalDesk, here)
    here.app.paging.typed = ask_once()
    return tell_page(here.app.paging.begin(name, given), named=True)


def _pairs(option: str, typed: Iterable[str]) -> dict[str, str]:
    for each in typed:
        if "=" not in each:
            raise UsageFault(f"{option} {each} has no value", f"Write {option} NAME=VALUE.")
    return dict(each.split("=", 1) for each in typed)


def tell_page(run: Run, named: bool) -> int:
    """Says how a page's run stands; returns the exit code: one that waits is no failure, unless it was asked for by name."""
    from axejournal.cli.pages import see
    from axejournal.domain.events import RunDegraded, RunFailed
    from axejournal.domain.facts.runbook import CommandPerformed

    if run.waits is not None:
        click.echo(f"run {run.id} waits: {run.waits.message}", err=True)
        otherwise = f'Type "axej resume {run.id}" on a terminal.'
        click.echo(f"HINT: {run.waits.hint or otherwise}", err=True)
        return 2 if named else 0
    click.echo(f"run {run.id} {run.state}", err=True)
    for fact in run.all(CommandPerformed):
        click.echo(f"  `{fact.command}`{f': run {fact.run} {fact.outcome}' if fact.run else ''}", err=True)
    match run.outcome:
        case RunDegraded(reasons=reasons):
            for reason in reasons:
                click.echo(f"  {reason}", err=True)
            return 3
        case RunFailed() as failure:
            click.echo(f"  {failure.message}", err=True)
            click.echo(f"HINT: {failure.hint} {see(failure.runbook)}".replace("HINT:  ", "HINT: "), err=True)
            return failure.exit_code
    return 130 if run.state == "cancelled" else 0
