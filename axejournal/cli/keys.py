"""`axej keys`: where each password lives, whether it still opens anything, and whether it is lost with this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Group
from axejournal.domain.errors import PersonNeeded

if TYPE_CHECKING:
    from axejournal.app.keys import KeyRow

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
                "behind": row.behind.isoformat() if row.behind else None,
            }
            for row in found.rows
        ]
        print_json({"keys": rows, "circles": [list(circle) for circle in found.circles], "single": list(found.single)})
        return CIRCULAR if found.circles else 0
    columns: list[str | Column] = ["tier", "disk", Column("kept in", spare=1, least=20), "last opened it"]
    shown = [
        (row.tier, row.disk, _kept(row), local(row.proven_at, here.zone) if row.proven_at else "never proven")
        for row in found.rows
    ]
    print_table(columns, shown)
    for row in found.rows:
        if row.behind:
            click.echo(f"\ndisk {row.disk} still has the password from before {row.behind:%Y-%m-%d}: keep that paper")
            click.echo(f'HINT: connect it, then "axej keys rotate {row.tier}"')
    if any(row.proven_at is None for row in found.rows):
        click.echo('\nHINT: "axej keys verify" tries whether each opens its repository')
    for circle in found.circles:
        click.echo(f"\ncircle: {' -> '.join(circle)}: lost with this machine")
    if found.circles:
        click.echo('HINT: write it on paper, then "axej keys verify --paper"; see runbooks/keys-circular.md.')
    for tier in found.single:
        click.echo(f"\ntier {tier}: its password is in one place only, which nothing backs up")
        click.echo('HINT: write it on paper too, then "axej keys verify --paper"')
    return CIRCULAR if found.circles else 0


def _kept(row: KeyRow) -> str:
    return f"{row.kept}, the old one" if row.behind else row.kept


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
      axej keys rotate cold

    A password in a file is chosen by axej: write it on paper too, then "axej keys verify --paper". Any other you choose: it is
    asked for twice. axej puts it into a Keychain or a secret service; where a command or a variable gives it, you do, and the
    run waits for that. Of cold disks those that are connected get the new one; the others keep the old one, "axej keys list"
    tells which, and the same command goes on with each when it is connected. Copies have passwords of their own. Interrupted
    at any moment, the repository can be opened; the same command goes on.
    """
    from axejournal.app.typed_rotation import SameForAll
    from axejournal.cli.backup import tell
    from axejournal.cli.cold import waits
    from axejournal.cli.cold_desk import desk, is_terminal
    from axejournal.cli.progress import watched

    here, code = context(), 0
    turns = here.app.keys.turns(tier)
    if not is_terminal() and any(here.app.keys.is_typed(turn) for turn in turns):
        raise PersonNeeded("passwords are typed on a terminal only", f'Run "axej keys rotate {tier}" there.')
    with watched(here.app) as view:
        here.app.password_desk = SameForAll(desk(view))
        runs = [here.app.keys.rotate(turn, view) for turn in turns]
    for run in runs:
        code = code or waits(run, str(run.requested.options.get("disk") or "")) or tell(run)
    if code == 0:
        _tell_renewed(here, tier)
    return code


def _tell_renewed(here: Context, tier: str) -> None:
    """What a person still has to do."""
    rows = here.app.disk_rows(tier)
    behind = [row.disk for row in rows if row.behind]
    if behind:
        which = f"disk {behind[0]} keeps" if len(behind) == 1 else f"disks {', '.join(behind)} keep"
        click.echo(f"  {which} the old password: keep the old paper until then", err=True)
        click.echo(f'HINT: connect disk {behind[0]}, then "axej keys rotate {tier}" again', err=True)
    elif rows:
        click.echo("  every disk has the new password: destroy the old paper", err=True)
    else:
        click.echo('  write the new one on paper too, then "axej keys verify --paper"', err=True)
