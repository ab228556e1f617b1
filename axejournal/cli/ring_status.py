"""`axej ring status`, and how the ring's runs are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command

if TYPE_CHECKING:
    from axejournal.domain.run import Run
    from axejournal.jobs.ring_preview import Preview


@click.command(cls=Command, short_help="Show what each side holds of the other.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def status(as_json: bool) -> int:
    """Show what each side holds of the other: age, sizes, consent, and when both ways were proven last.

    \b
    Example:
      axej ring status
    """
    from axejournal.cli.output import print_json, say
    from axejournal.cli.tables import Column, print_table

    here = context()
    rings = [_ring(here, name) for name, one in here.light["tiers"].items() if one.get("kind", name) == "ring"]
    if as_json:
        print_json(rings)
        return 0
    for ring in rings:
        say(f"{ring['tier']}: {ring['peer'] or 'a place, no partner'}")
        print_table(
            ["", Column("what", least=30)],
            [(title, text) for title, text in _lines(ring, here.zone) if text],
        )
    if not rings:
        say("no tier of kind ring is in axej.yaml")
    return 0


def _ring(here: Context, tier: str) -> dict[str, Any]:
    from axejournal.journal.reader import freshness, points, repositories
    from axejournal.journal.ring import consent, ring_facts

    journal, customer, settings = here.journal_path, str(here.light["customer"]), here.light["tiers"][tier]
    facts = ring_facts(journal, customer, tier)
    held = points(journal, tier=tier, customer=customer, current=True)
    known = repositories(journal, customer, tier)
    fresh = next((row for row in freshness(journal, customer) if row.job == "ring.push" and row.tier == tier), None)
    word = consent(facts)
    there, back, seen = (facts.get(name) for name in ("PeerReached", "WayBackSeen", "PeerWatched"))
    key = facts.get("HostKeyPinned")
    return {
        "tier": tier,
        "peer": settings.get("peer"),
        "consent": word and {"given": word.name == "ConsentGiven", "names": word.data["names"], "at": word.at.isoformat()},
        "host_key": key and key.data["fingerprint"],
        "last_push": fresh and fresh.done_at and fresh.done_at.isoformat(),
        "held_there": {
            "snapshots": len({point.snapshot for point in held}),
            "newest": max((point.at for point in held), default=None),
            "size_bytes": known[0].size_bytes if known else None,
        },
        "held_here": seen
        and {
            "snapshots": len(seen.data["snapshots"]),
            "newest": seen.data["newest_at"],
            "size_bytes": seen.data["size_bytes"],
            "looked_at": seen.at.isoformat(),
        },
        "there": there and {**there.data, "at": there.at.isoformat(), "challenge": None},
        "back": back and {**back.data, "at": back.at.isoformat()},
    }


def _lines(ring: dict[str, Any], zone: str) -> list[tuple[str, str]]:
    from datetime import datetime

    from axejournal.cli.output import local, size

    def at(text: Any) -> str:
        return local(datetime.fromisoformat(str(text)), zone) if text else "never"

    word, there, back, seen, held = (ring[name] for name in ("consent", "there", "back", "held_here", "held_there"))
    ours = f"{count(held['snapshots'])}, the newest of {at(held['newest'])}" if held["snapshots"] else "none yet: axej ring push"
    lines = [("ours there", ours)]
    lines += [("pushed last", at(ring["last_push"]))]
    if not ring["peer"]:
        return lines
    theirs = f"{count(seen['snapshots'])}, {size(seen['size_bytes'])}, the newest came {at(seen['newest'])}" if seen else ""
    lines.append(("theirs here", theirs or "not looked at yet: axej ring watch-peer"))
    given = f"{'given' if word['given'] else 'WITHDRAWN'} by {', '.join(word['names'])} on {at(word['at'])}" if word else ""
    lines.append(("consent", given or "none: nothing is sent"))
    lines.append(("host key", ring["host_key"] or "none pinned yet: axej ring verify"))
    way = f"proven {at(there['at'])} at {there['address']}, {size(there['free_bytes'])} free" if there else ""
    lines.append(("way there", way or "never proven: axej ring verify"))
    lines.append(
        ("way back", f"proven {at(back['answered_at'])}" if back and back["answered_at"] else "not proven: axej ring verify")
    )
    if back:
        versions = f"axej {back['axej']}, restic {back['restic']}" if back["restic"] else ""
        lines.append(("its versions", versions))
        lines.append(("its key", f"held in {back['confined']}" if back["confined"] else "no line of axej's lets it in"))
        lines += [("doubt", doubt) for doubt in back["doubts"]]
    return lines


def count(snapshots: int) -> str:
    """`1 snapshot`, `3 snapshots`."""
    return f"{snapshots} snapshot" if snapshots == 1 else f"{snapshots} snapshots"


def tell_verify(run: Run) -> int:
    """Says on stderr what was proven; returns the exit code."""
    from axejournal.cli.backup import tell
    from axejournal.cli.output import size
    from axejournal.domain.facts.ring import HostKeyPinned, HostKeySeen, PeerReached, WayBackSeen

    code = tell(run)
    pinned, seen, there, back = (run.find(kind) for kind in (HostKeyPinned, HostKeySeen, PeerReached, WayBackSeen))
    if isinstance(pinned, HostKeyPinned):
        click.echo(f"  host key pinned: {pinned.fingerprint}; compare it with the partner by voice", err=True)
    elif isinstance(seen, HostKeySeen):
        click.echo(f"  host key as pinned: {seen.fingerprint}", err=True)
    if isinstance(there, PeerReached):
        for why in there.tried:
            click.echo(f"  not by {why}", err=True)
        free = f", {size(there.free_bytes)} free there" if there.free_bytes is not None else ""
        click.echo(f"  there: {there.peer} at {there.address}, a letter written and read in {there.took_s:.1f} s{free}", err=True)
    if isinstance(back, WayBackSeen):
        when = f"proven: answered {back.answered_at}" if back.answered_at else "not proven yet"
        held = f"; its key is held in {back.confined}" if back.confined else ""
        click.echo(f"  back: {when}{held}", err=True)
        if back.restic:
            click.echo(f"  {back.peer} runs restic {back.restic}, axej {back.axej}", err=True)
    return code


def tell_watch(run: Run) -> int:
    """Says on stderr what lies here of the peer; returns the exit code."""
    from axejournal.cli.backup import tell
    from axejournal.cli.output import size
    from axejournal.domain.facts.ring import PeerWatched

    code, seen = tell(run), run.find(PeerWatched)
    if seen is not None:
        newest = f", the newest came {seen.newest_at}" if seen.newest_at else ""
        click.echo(f"  {seen.peer}: {count(len(seen.snapshots))} here, {size(seen.size_bytes)}{newest}", err=True)
    return code


def show_preview(preview: Preview) -> int:
    """Prints what a push would do."""
    from axejournal.cli.output import say, size
    from axejournal.cli.tables import print_table

    where = f" by {preview.address}" if preview.address else ""
    say(f"push into {preview.tier} ({preview.place}){where}; nothing is sent")
    for why in preview.tried:
        say(f"not by {why}")
    if preview.wanted:
        print_table(["snapshot", "taken"], preview.wanted)
    room = (
        f", about {size(preview.needed_bytes)}; {size(preview.free_bytes)} free there" if preview.needed_bytes is not None else ""
    )
    say(f"to send: {count(len(preview.wanted))}{room}; {preview.present} are there already")
    if preview.vanished:
        say(f"vanished there: {', '.join(one[:8] for one in preview.vanished)}")
    return 0
