"""`axej journal backup`, `restore` and `anchors`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.journal.anchors import LeftHead

DAMAGED = 30


@click.command(cls=Command, short_help="Write a copy of the journal to keep elsewhere.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write a whole, verified copy of the journal to FILE, also while runs are at work.

    \b
    Example:
      axej journal backup ~/journal-2026-05-20.sqlite

    Every snapshot holds such a copy, and each migration leaves one beside the journal (journal.sqlite.before-N). A plain
    copy of the file would lack what is still in its log.
    """
    from axejournal.journal.backup import back_up

    here = context()
    must_exist(here.journal_path)
    verdict = back_up(here.journal_path, file)
    click.echo(f"{verdict.events:,} events, head {verdict.head}: {file}")


@click.command(short_help="Put a copy in the journal's place.", cls=Command)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> int:
    """Put a copy of FILE in the journal's place; the one that is there is kept beside it, under another name.

    \b
    Example:
      axej journal restore ~/journal-2026-05-20.sqlite

    The copy is verified first. Runs that were open in it are gone on with only on the machine that began them. What
    happened after the copy is no longer known: "axej journal anchors" shows heads that are missing then.
    """
    from axejournal.journal.backup import compare
    from axejournal.journal.backup import restore as put

    here = context()
    plan = compare(file, here.journal_path)
    present = "there is none now" if plan.present_events is None else f"the present one has {plan.present_events:,}"
    click.echo(f"{file}: {plan.copy.events:,} events, sound, head {plan.copy.head[:16]}…; {present}", err=True)
    if plan.lost:
        how = "come after it and" if plan.follows else "are of another history and"
        click.echo(f"{plan.lost:,} events {how} will no longer be in the journal", err=True)
    if not yes and not _agreed():
        raise UsageFault("nothing was changed", 'Write "axej journal restore FILE --yes" to do it without being asked.')
    aside = put(file, here.journal_path, here.now(), lambda: _at_work(here))
    kept = f"; what was there is {aside}" if aside else ""
    click.echo(f"{here.journal_path}: {plan.copy.events:,} events{kept}")
    return 0


@click.command(short_help="Show where heads of the journal were left.", cls=Command)
@click.option("--snapshots", is_flag=True, help="Read the tags of the repository's snapshots too.")
@click.option("--all", "everything", is_flag=True, help="All of them, not only the newest of each place.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def anchors(snapshots: bool, everything: bool, as_json: bool) -> int:
    """Show where hashes of the journal's head were left, and whether its chain still has each of them.

    \b
    Example:
      axej journal anchors
      axej journal anchors --snapshots

    A chain that was made anew, or that lost its end, does not hold what snapshots, the peer and cold disks remember. A head
    that is missing ends with exit code 30.
    """
    from axejournal.journal.anchors import LeftHead, left_heads

    here = context()
    must_exist(here.journal_path)
    found = list(left_heads(here.journal_path))
    if snapshots:
        known = {each.hash: each.found for each in found}
        for snapshot in here.app.repository("local").snapshots(()):
            head = snapshot.tag("head")
            if head and head not in known:
                found.insert(
                    0, LeftHead(head, f"tag of snapshot {snapshot.id[:8]}", snapshot.time, snapshot.tag("run") or "", 0, None)
                )
    missing = [each for each in found if each.found is None]
    if as_json:
        from axejournal.cli.output import print_json

        print_json(
            [
                {
                    "where": each.where,
                    "at": each.at.isoformat(),
                    "run": each.run,
                    "head": each.hash,
                    "position": each.found,
                    "recorded_by_event": each.recorded or None,
                }
                for each in found
            ]
        )
    else:
        newest: dict[str, LeftHead] = {}
        for each in found:
            newest.setdefault(each.where.split()[0], each)
        _print(here, found if everything else [*newest.values(), *(each for each in missing if each not in newest.values())])
        click.echo(f"{len(found):,} heads were left, {len(missing)} of them are not in the journal")
    return DAMAGED if missing else 0


def _print(here: Context, found: list[LeftHead]) -> None:
    from axejournal.cli.output import Styled, local
    from axejournal.cli.tables import Column, print_table

    print_table(
        ["where", "left", Column("run", spare=2), Column("head", spare=3), "in the journal"],
        [
            (
                each.where,
                local(each.at, here.zone),
                each.run,
                f"{each.hash[:16]}…",
                Styled(f"event {each.found}", "green") if each.found else Styled("MISSING", "bold red"),
            )
            for each in found
        ],
    )


def _agreed() -> bool:
    return sys.stdin.isatty() and click.confirm("Put it in the journal's place?", err=True)


def _at_work(here: Context) -> str | None:
    """A run whose process lives, of those that the journal knows as open; a damaged journal can't say."""
    from axejournal.domain.errors import JournalDamaged
    from axejournal.journal.reader import runs

    try:
        found = runs(here.journal_path, outcome="open", limit=None)
    except JournalDamaged:
        return None
    return next((f"run {run.run}" for run in found if here.is_alive(run.run)), None)


def must_exist(where: Path) -> None:
    """Raises JournalDamaged when there is no journal."""
    from axejournal.cli.journal import must_exist as look

    look(where)
