"""`axej keys`: where each password lives, whether it still opens anything, and whether it is lost with this machine."""

from __future__ import annotations

import click

from axejournal.cli.context import context
from axejournal.cli.main import Group
from axejournal.domain.errors import PersonNeeded

CIRCULAR = 4


@click.group(cls=Group, short_help="Where each password lives, and whether it opens anything.")
def keys() -> None:
    """Where each password lives, whether it still opens its repository, and what is lost with this machine.

    \b
    Example:
      axej keys list
      axej keys verify
      axej keys verify --paper
      axej keys rotate local
    """


@keys.command("list", short_help="Where each password lives.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_keys(as_json: bool) -> int:
    """Where each repository's password lives, and when it opened the repository the last time.

    \b
    Example:
      axej keys list

    Follows what backs each place up: where that leads only back to the repository itself, with no paper on the way, the
    circle is shown, and the exit code is 4.
    """
    from axejournal.cli.output import local, print_json
    from axejournal.cli.tables import Column, print_table

    here = context()
    found = here.app.keys.standing()
    if as_json:
        rows = [
            {
                "tier": row.tier,
                "disk": row.disk or None,
                "kind": row.kind,
                "kept": row.kept,
                "proven_at": row.proven_at.isoformat() if row.proven_at else None,
            }
            for row in found.rows
        ]
        print_json({"keys": rows, "circles": [list(circle) for circle in found.circles], "single": list(found.single)})
        return CIRCULAR if found.circles else 0
    columns: list[str | Column] = ["tier", "disk", Column("kept in", spare=1, least=20), "last opened it"]
    shown = [
        (row.tier, row.disk, row.kept, local(row.proven_at, here.zone) if row.proven_at else "never proven") for row in found.rows
    ]
    print_table(columns, shown)
    for circle in found.circles:
        click.echo(f"\ncircle: {' -> '.join(circle)}: lost with this machine")
    if found.circles:
        click.echo('HINT: write it on paper, then "axej keys verify --paper"; see runbooks/keys-circular.md.')
    for tier in found.single:
        click.echo(f"\ntier {tier}: its password is in one place only, which nothing backs up")
        click.echo('HINT: write it on paper too, then "axej keys verify --paper"')
    return CIRCULAR if found.circles else 0


@keys.command(short_help="Try whether each password opens its repository.")
@click.option("--paper", is_flag=True, help="Type them from the paper.")
@click.option("--tier", metavar="NAME", help="Only this tier's.")
def verify(paper: bool, tier: str | None) -> int:
    """Try whether each password still opens its repository; of cold disks those that are connected.

    \b
    Example:
      axej keys verify
      axej keys verify --paper --tier local

    With --paper each is asked for on this terminal, to be typed from the paper. The day is kept in the journal; axej doctor
    asks for it again each quarter.
    """
    from axejournal.cli.backup import tell
    from axejournal.cli.cold_desk import desk, is_terminal
    from axejournal.cli.progress import watched
    from axejournal.domain.facts.cold import KeyProven

    here = context()
    if paper and not is_terminal():
        raise PersonNeeded("passwords are typed on a terminal only", 'Run "axej keys verify --paper" there.')
    with watched(here.app) as view:
        here.app.password_desk = desk(view)
        run = here.app.keys.verify(paper, tier, view)
    code = tell(run)
    for fact in run.all(KeyProven):
        which = f"disk {fact.disk}" if fact.disk else f"tier {fact.tier}"
        click.echo(f"  {which}: {'the password on paper' if fact.kind == 'paper' else fact.kind} opens it", err=True)
    return code


@keys.command(short_help="Give a repository another password.")
@click.argument("tier")
def rotate(tier: str) -> int:
    """Give a repository another password: the new one is added, put in its place, tried, and only then the old one goes.

    \b
    Example:
      axej keys rotate local

    For passwords that are in a file. For a Keychain or a paper it says what to type. Write the new one on paper too, then
    "axej keys verify --paper". Copies of the repository keep their own passwords.
    """
    from axejournal.cli.backup import tell
    from axejournal.cli.progress import watched

    here = context()
    with watched(here.app) as view:
        run = here.app.keys.rotate(tier, view)
    code = tell(run)
    if code == 0:
        click.echo('  write the new one on paper too, then "axej keys verify --paper"', err=True)
    return code
