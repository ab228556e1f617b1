"""`axej points`: what can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.context import context
from axejournal.cli.main import Command

if TYPE_CHECKING:
    from axejournal.journal.rows import PointRow

PROOF_STYLES = {"suspect": "red", "stored": "", "checked": "cyan", "restored": "green", "verified": "bold green"}


@click.command(cls=Command, short_help="List what can be restored.")
@click.option("--source", metavar="NAME", help="Only this source.")
@click.option("--tier", metavar="NAME", help="Only this tier: local, ring, cold.")
@click.option("--limit", type=click.IntRange(1), help="How many at most, the newest first (else all).")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def points(source: str | None, tier: str | None, limit: int | None, as_json: bool) -> None:
    """List what can be restored, newest first: source, tier, time, and how far it was shown good.

    \b
    Example:
      axej points --source frame
      axej points --tier local --limit 5 --json

    Proof is stored (looked for in the snapshot), checked (its data was read), restored (a drill brought it back) or
    verified (what came back was compared).
    """
    from axejournal.journal import reader

    here = context()
    found = reader.points(here.journal_path, source=source, tier=tier, limit=limit and limit + 1, current=True)
    if as_json:
        from axejournal.cli.output import print_json

        print_json([_as_json(point) for point in found[:limit]])
        return
    if not found:
        asked = " and ".join(f"{name} {value}" for name, value in (("source", source), ("tier", tier)) if value)
        click.echo(f"no restore point of {asked}" if asked else 'no restore point yet: "axej backup --local" makes the first.')
        return
    _print(found[:limit])
    if limit and len(found) > limit:
        click.echo(f"({limit} restore points of more; --limit shows them)", err=True)


def _as_json(point: PointRow) -> dict[str, object]:
    """Later versions add keys and change none."""
    names = (
        "source",
        "tier",
        "time",
        "snapshot",
        "run",
        "proof",
        "size_bytes",
        "customer",
        "kind",
        "files",
        "paths",
        "repository",
        "proof_by",
        "proof_reason",
    )
    return {name: getattr(point, name) for name in names}


def _print(found: tuple[PointRow, ...]) -> None:
    from axejournal.cli.output import Styled, size, times
    from axejournal.cli.tables import Column, print_table

    title, moments = times("time", [point.time.replace("T", " ", 1) for point in found])
    print_table(
        [
            "source",
            "tier",
            title,
            Column("proof", spare=1),
            Column("size", spare=2, right=True),
            "snapshot",
            Column("run", spare=3),
        ],
        [
            (
                point.source,
                point.tier,
                moments[place],
                Styled(point.proof, PROOF_STYLES.get(point.proof, "")),
                size(point.size_bytes),
                point.snapshot[:8],
                point.run,
            )
            for place, point in enumerate(found)
        ],
    )
