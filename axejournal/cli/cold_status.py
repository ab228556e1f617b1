"""How cold disks stand, as a person reads it and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from axejournal.app.cold import ColdStanding, DiskStanding
    from axejournal.cli.context import Context
    from axejournal.domain.rotation import Turn

OVERDUE = 20


def look(here: Context, tier: str) -> ColdStanding:
    """How the tier stands now."""
    from axejournal.app.cold import is_mounted, standing

    return standing(here.light, tier, here.journal_path, here.now(), is_mounted)


def show(here: Context, tier: str, as_json: bool) -> int:
    """Prints it; the exit code."""
    from axejournal.cli.output import print_json

    found = look(here, tier)
    if as_json:
        print_json(
            {
                "tier": tier,
                "today": found.today.isoformat(),
                "disks": [_disk_json(one) for one in found.disks],
                "calendar": [_turn_json(turn) for turn in found.calendar],
                "overdue": found.overdue is not None,
            }
        )
    else:
        _print(here, found)
    return OVERDUE if found.overdue else 0


def disk_rows(here: Context, found: ColdStanding) -> list[tuple[Any, ...]]:
    """A row for each disk: number, where, state, last sync, when all of it was last read, snapshots, its turn."""
    from axejournal.cli.output import local

    rows = []
    for one in found.disks:
        last = local(one.row.synced_at, here.zone) if one.row and one.row.synced_at else "never"
        held = str(one.row.snapshots) if one.row and one.row.snapshots is not None else ""
        where = f"{one.mount}{'' if one.connected else ' (not connected)'}"
        whole = local(one.row.read_whole_at, here.zone)[:10] if one.row and one.row.read_whole_at else ""
        rows.append((one.disk, where, one.state, last, whole, held, str(one.turn.quarter) if one.turn else ""))
    return rows


def _print(here: Context, found: ColdStanding) -> None:
    from axejournal.cli.tables import Column, print_table

    columns: list[str | Column] = [
        "disk",
        Column("mounted at", spare=1, least=16),
        Column("state", least=12),
        "last sync",
        Column("read whole", spare=1),
        Column("snapshots", spare=2, right=True),
        "turn",
    ]
    print_table(columns, disk_rows(here, found))
    click.echo("\nquarters:")
    for turn in found.calendar:
        click.echo(
            f"  {turn.quarter}  disk {turn.disk}  from {turn.quarter.begins}, by {turn.quarter.last_day}  {_word(turn)}".rstrip()
        )
    if (late := found.overdue) is not None:
        click.echo(f"\noverdue: disk {late.disk} was to be synced by {late.quarter.last_day}")
        click.echo(f'HINT: connect disk {late.disk}; "axej cold sync {late.disk}" copies what it lacks')
    for one in found.disks:
        if one.row is not None and one.row.behind:
            click.echo(f"\ndisk {one.disk} still has the old password, from before {one.row.behind:%Y-%m-%d}: keep that paper")
            click.echo(f'HINT: connect disk {one.disk}, then "axej keys rotate {found.tier}"')
        if one.open is not None and one.state.startswith("waits"):
            remedy = "axej cold unlock" if "password" in one.state else f"connect disk {one.disk}"
            click.echo(f"\nrun {one.open.run} {one.state}: {remedy}")


def _word(turn: Turn) -> str:
    if turn.synced is not None:
        return f"synced {turn.synced}"
    return "overdue" if turn.overdue else ""


def _turn_json(turn: Turn) -> dict[str, Any]:
    return {
        "quarter": str(turn.quarter),
        "disk": turn.disk,
        "from": turn.quarter.begins.isoformat(),
        "by": turn.quarter.last_day.isoformat(),
        "synced": turn.synced.isoformat() if turn.synced else None,
        "overdue": turn.overdue,
    }


def _disk_json(one: DiskStanding) -> dict[str, Any]:
    row = one.row
    return {
        "disk": one.disk,
        "mount": str(one.mount),
        "connected": one.connected,
        "state": one.state,
        "turn": _turn_json(one.turn) if one.turn else None,
        "volume": row.volume if row else None,
        "filesystem": row.filesystem if row else None,
        "repository": row.repository if row else None,
        "synced_at": row.synced_at.isoformat() if row and row.synced_at else None,
        "read_whole_at": row.read_whole_at.isoformat() if row and row.read_whole_at else None,
        "snapshots": row.snapshots if row else None,
        "free_bytes": row.free_bytes if row else None,
        "run": one.open.run if one.open else None,
    }
