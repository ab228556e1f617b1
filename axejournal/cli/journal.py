"""`axej journal`: is the record what was written, and how to take it along."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from axejournal.cli import journal_copies
from axejournal.cli.context import Context, context
from axejournal.cli.main import Group
from axejournal.cli.pages import see
from axejournal.domain.errors import DiskFull, JournalDamaged, UsageFault

if TYPE_CHECKING:
    from axejournal.journal.verify import Anchor, Verdict

DAMAGED = 30
HEAD_DIGITS = 64


@click.group(cls=Group, short_help="Verify, back up, rebuild, export the journal.")
def journal() -> None:
    """Verify, back up, rebuild, export the journal.

    \b
    Example:
      axej journal verify
      axej journal backup ~/journal.sqlite
      axej journal export journal.jsonl
    """


@journal.command(short_help="Is every event as it was written?")
@click.option("--snapshots", is_flag=True, help="Compare with the heads that the repository's snapshots carry, too.")
@click.option("--head", "heads", multiple=True, metavar="HASH", help="A head known from elsewhere (several times for several).")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def verify(snapshots: bool, heads: tuple[str, ...], as_json: bool) -> int:
    """Verify that no event was changed, removed or put in, and that the tables agree with the events.

    \b
    Example:
      axej journal verify
      axej journal verify --snapshots

    A chain of hashes can't show that its end was cut off: --snapshots compares it with the heads that were written
    into the tags of the snapshots. A fault names the first bad position and ends with exit code 30.
    """
    from axejournal.journal.verify import verify as look

    here = context()
    must_exist(here.journal_path)
    anchors = [*map(_typed, heads), *(_of_snapshots(here) if snapshots else ())]
    shown = sys.stderr.isatty()
    verdict = look(here.journal_path, anchors, _progress if shown else lambda events: None)
    if shown:
        click.echo("\r\x1b[K", err=True, nl=False)
    _print_json(verdict) if as_json else _print(verdict)
    return 0 if verdict.sound else DAMAGED


def _typed(text: str) -> Anchor:
    from axejournal.journal.verify import Anchor

    if len(text) != HEAD_DIGITS or set(text.lower()) - set("0123456789abcdef"):
        raise UsageFault(f'--head "{text}" is no hash of {HEAD_DIGITS} hex digits', 'Copy it from a "head=" tag of a snapshot.')
    return Anchor(text.lower(), where="typed")


def _of_snapshots(here: Context) -> list[Anchor]:
    from axejournal.journal.verify import Anchor

    found = here.app.repository("local").snapshots(())
    tagged = ((snapshot, snapshot.tag("head")) for snapshot in found)
    return [Anchor(head, where=f"snapshot {snapshot.id[:8]}") for snapshot, head in tagged if head]


def _progress(events: int) -> None:
    click.echo(f"\r{events:,} events", err=True, nl=False)


def _print(verdict: Verdict) -> None:
    from axejournal.cli.output import plain

    heads = f", {verdict.anchors} heads known from elsewhere" if verdict.anchors else ""
    looked = f"{verdict.events:,} events: hash chain, numbers, schema, triggers, projections against replay{heads}"
    if verdict.sound:
        click.echo(f"OK  {verdict.path}\n    {looked}\n    head {verdict.head}")
        return
    click.echo(f"DAMAGED  {verdict.path}\n    {looked}")
    for fault in verdict.faults:
        click.echo(f"    {'' if fault.position is None else f'event {fault.position}: '}{plain(fault.what)}")
    first = f"first bad position {verdict.first_bad}" if verdict.first_bad is not None else "no event is bad"
    click.echo(f"journal {verdict.path} is damaged: {first}, {len(verdict.faults)} faults", err=True)
    click.echo(f"HINT: {_advice(verdict)} {see('journal-damaged')}", err=True)


def _advice(verdict: Verdict) -> str:
    if all("axej journal rebuild" in fault.what for fault in verdict.faults):
        return 'Run "axej journal rebuild": the events are whole, only tables computed from them differ.'
    return "Keep the file as it is, and compare it with the copies that the snapshots hold."


def _print_json(verdict: Verdict) -> None:
    from axejournal.cli.output import print_json

    faults = [{"position": fault.position, "what": fault.what} for fault in verdict.faults]
    counted = {"path": str(verdict.path), "sound": verdict.sound, "events": verdict.events, "head": verdict.head}
    print_json({**counted, "anchors": verdict.anchors, "first_bad": verdict.first_bad, "faults": faults})


@journal.command(short_help="Compute the tables again from the events.")
def rebuild() -> None:
    """Compute the tables that history, status and points read again from the events.

    \b
    Example:
      axej journal rebuild
    """
    here = context()
    must_exist(here.journal_path)
    count = here.app.store.rebuild()
    click.echo(f"computed from {count:,} events: {here.journal_path}")


@journal.command(short_help="Write every event as a line of JSON.")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def export(file: Path | None) -> None:
    """Write every event as a line of JSON, to FILE or to stdout.

    \b
    Example:
      axej journal export | jq -r 'select(.name == "RunFailed") | .data.message'
      axej journal export journal.jsonl
    """
    from axejournal.journal.export import export as write

    here = context()
    must_exist(here.journal_path)
    if file is None or str(file) == "-":
        write(here.journal_path, sys.stdout)
        return
    count = _write_new(file, lambda out: write(here.journal_path, out))
    click.echo(f"{count:,} events: {file}", err=True)


def _write_new(file: Path, write: Callable[[TextIO], int]) -> int:
    """A file (0600) that is written whole or not at all. Raises UsageFault, DiskFull."""
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise UsageFault(f"{file} exists and is not overwritten", "Name another file, or remove that one first.") from None
    except OSError as fault:
        raise UsageFault(f"{file} can't be written: {fault.strerror}", "Name a file in a folder that you may write.") from fault
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            return write(out)
    except BaseException as fault:
        file.unlink(missing_ok=True)
        if isinstance(fault, OSError):
            raise DiskFull(f"{file} can't be written: {fault.strerror}", "Name a file on a disk with more space.") from fault
        raise


@journal.command(short_help="Print where the journal is.")
def path() -> None:
    """Print where the journal is.

    \b
    Example:
      sqlite3 -readonly "$(axej journal path)" "SELECT name, count(*) FROM events GROUP BY name"
    """
    click.echo(context().journal_path)


def must_exist(where: Path) -> None:
    """Raises JournalDamaged when there is no journal."""
    from axejournal.journal.readonly import exists

    if not exists(where):
        raise JournalDamaged(
            f"journal {where}: there is none yet", 'The first run makes it; "axej config show" names its folder as "state".'
        )


journal.add_command(journal_copies.backup)
journal.add_command(journal_copies.restore)
journal.add_command(journal_copies.anchors)
