"""`axej ring`: the copies on the partner's machine."""

from __future__ import annotations

from typing import Any

import click

from axejournal.cli.backup import tell
from axejournal.cli.context import Context, context
from axejournal.cli.main import Group
from axejournal.cli.progress import watched
from axejournal.domain.errors import UsageFault


@click.group(cls=Group, short_help="Keep copies on the partner's machine.")
def ring() -> None:
    """Keep copies on the partner's machine (tier B).

    \b
    Example:
      axej ring init
      axej ring push
    """


@ring.command(short_help="Make the repository at the peer.")
@click.argument("tier", default="ring")
@click.option("--adopt", is_flag=True, help="Take the repository that is there, make none.")
def init(tier: str, adopt: bool) -> int:
    """Make the tier's repository at the peer, with the local one's chunker parameters, and record its id.

    \b
    Example:
      axej ring init
    """
    here = context()
    _check(here, tier)
    return tell(here.app.init_repository(tier, adopt))


@ring.command(short_help="Copy what the peer lacks, now.")
@click.argument("tier", default="ring")
def push(tier: str) -> int:
    """Copy the snapshots that the peer's repository lacks.

    \b
    Example:
      axej ring push
    """
    here = context()
    _check(here, tier)
    with watched(here.app) as view:
        run = here.app.copies.push(tier, view=view)
    return tell(run)


def _check(here: Context, tier: str) -> None:
    tiers: dict[str, Any] = here.light["tiers"]
    rings = [name for name, one in tiers.items() if one["kind"] == "ring"]
    if tier not in rings:
        names = ", ".join(rings) or "none in axej.yaml"
        raise UsageFault(f"no ring is called {tier}; there is {names}", "Write its name, or add it under tiers.")
