"""`axej ring`: the copies on the partner's machine."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from axejournal.cli.backup import tell
from axejournal.cli.context import Context, context
from axejournal.cli.main import Group
from axejournal.cli.progress import watched
from axejournal.cli.ring_keys import authorize, serve
from axejournal.cli.ring_status import status
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.app.app import View


@click.group(cls=Group, short_help="Keep copies on the partner's machine.")
def ring() -> None:
    """Keep copies on the partner's machine (tier B).

    \b
    Example:
      axej ring authorize realchoice --key THEIR.pub --write
      axej ring consent --as "Kim, axe" --as "Lee, realchoice"
      axej ring verify
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
      axej ring init --adopt
    """
    here = context()
    check_ring(here, tier)
    return tell(here.app.init_repository(tier, adopt))


@ring.command(short_help="Copy what the peer lacks, now.")
@click.argument("tier", default="ring")
@click.option("--dry-run", is_flag=True, help="Print what would be sent; send nothing.")
@click.option("--scheduled", is_flag=True, help="Called by the scheduler: resume what is open, then run only what is due.")
def push(tier: str, dry_run: bool, scheduled: bool) -> int:
    """Copy the snapshots that the peer's repository lacks, oldest first, each once.

    \b
    Example:
      axej ring push
      axej ring push --dry-run

    A scheduled push waits for tonight's backup (wait: in axej.yaml). A push that was cut goes on where it was: what has
    arrived is not sent again. A part of the copies is read back each night.
    """
    here = context()
    check_ring(here, tier)
    if dry_run:
        from axejournal.cli.ring_status import show_preview

        return show_preview(here.app.copies.preview(tier))
    if scheduled:
        from axejournal.cli.at_slot import run_scheduled

        return run_scheduled(here, tier, lambda slot, view: _at_slot(here, tier, slot, view))
    with watched(here.app) as view:
        run = here.app.copies.push(tier, view=view)
    return tell_push(run)


def _at_slot(here: Context, tier: str, slot: datetime, view: View) -> int:
    """The push; and, where there is a partner, a look whether it still pushes too."""
    from axejournal.cli.ring_status import tell_watch

    code = tell_push(here.app.copies.push(tier, slot, view))
    partner = here.app.receive_folder(tier) is not None and here.app.peer(tier) is not None
    return max(code, tell_watch(here.app.copies.watch(tier, slot, view))) if partner else code


def tell_push(run: Any) -> int:
    """Says on stderr how a push ended; returns the exit code."""
    from axejournal.domain.facts.copy import CopiesFinished, CopiesVerified

    code = tell(run)
    from axejournal.cli.ring_status import count

    done, seen = run.find(CopiesFinished), run.find(CopiesVerified)
    if done is not None and seen is not None:
        click.echo(f"  sent: {count(len(done.copied))}; there now: {seen.snapshots}", err=True)
    return code


@ring.command(short_help="Prove the way to the peer and back.")
@click.argument("tier", default="ring")
@click.option("--accept-host-key", is_flag=True, help="The new fingerprint was compared with the partner by voice.")
def verify(tier: str, accept_host_key: bool) -> int:
    """Prove the way to the peer and back, and record it.

    \b
    Example:
      axej ring verify

    There: the peer is reached (by name, then by IP address), its host key is pinned or compared, free space is measured, a
    letter is written into our folder and read again. Back: the peer's answer to our last letter lies here, and its key
    line gives it this one folder. The way back is proven once the peer has run this too: so both run it, then one again.
    """
    here = context()
    check_ring(here, tier, partner=True)
    with watched(here.app) as view:
        run = here.app.copies.verify(tier, accept_host_key, view)
    from axejournal.cli.ring_status import tell_verify

    return tell_verify(run)


@ring.command(short_help="Record both operators' agreement.")
@click.argument("tier", default="ring")
@click.option("--as", "names", multiple=True, metavar="NAME", required=True, help="Who agrees: once for each operator.")
@click.option("--withdraw", is_flag=True, help="One of them no longer agrees: nothing is sent from now on.")
def consent(tier: str, names: tuple[str, ...], withdraw: bool) -> int:
    """Record that both operators agree to keep each other's copies, in both directions. Without it nothing is sent.

    \b
    Example:
      axej ring consent --as "Kim, axe" --as "Lee, realchoice"
      axej ring consent --withdraw --as "Lee, realchoice"
    """
    here = context()
    check_ring(here, tier, partner=True)
    if len(set(names)) < 2 and not withdraw:
        raise UsageFault(
            "one name is not both operators", 'Name both: axej ring consent --as "NAME, COMPANY" --as "NAME, COMPANY"'
        )
    return tell(here.app.copies.consent(tier, names, withdraw))


@ring.command("watch-peer", short_help="See whether the peer still pushes.")
@click.argument("tier", default="ring")
def watch_peer(tier: str) -> int:
    """See, without any password, whether the peer still pushes into the folder that we keep for it.

    \b
    Example:
      axej ring watch-peer

    Quiet for longer than quiet: in axej.yaml, copies that have gone, and what does not belong there end the run as degraded.
    """
    here = context()
    check_ring(here, tier, partner=True)
    with watched(here.app) as view:
        run = here.app.copies.watch(tier, view=view)
    from axejournal.cli.ring_status import tell_watch

    return tell_watch(run)


def check_ring(here: Context, tier: str, partner: bool = False) -> None:
    """Raises UsageFault for a tier that is no ring, or that has no partner where there must be one."""
    tiers: dict[str, Any] = here.light["tiers"]
    rings = {name: one for name, one in tiers.items() if one.get("kind", name) == "ring"}
    if tier not in rings:
        names = ", ".join(rings) or "none in axej.yaml"
        raise UsageFault(f"no ring is called {tier}; there is {names}", "Write its name, or add it under tiers.")
    if partner and (rings[tier].get("repository") or here.config.peer(tier) is None):
        raise UsageFault(
            f"tier {tier} has no partner in customers.yaml: there is nobody to ask", "Only a tier with peer: has one."
        )


for command in (authorize, serve, status):
    ring.add_command(command)
