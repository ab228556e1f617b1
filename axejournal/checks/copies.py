"""The copies themselves: is each source held twice, was it shown to be restorable, do both ways of the ring work, and is
every password on paper? What the operator's page calls pitfalls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.checks.finding import Finding, Patient, failed, ok, warn
from axejournal.domain.errors import ConfigurationFault
from axejournal.domain.letter import restic_doubt

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.journal.disks import KeyProof

VERIFIED_DAYS = 35
"""How long a proof that both ways of the ring work is believed."""
QUARTER_DAYS = 92
RECENT = timedelta(days=120)
"""A restore point older than the longest rotation is no second copy of what there is now."""


def held_twice(patient: Patient) -> Iterable[Finding]:
    """Each source has restore points in two tiers at least; what is the only copy of its data must."""
    from axejournal.journal.reader import standing

    app = _app(patient)
    now = app.clock.now()
    held: dict[str, set[str]] = {name: set() for name in app.config.sources}
    for point, _ in standing(_journal(app), app.config.customer):
        if point.source in held and now - point.at < RECENT:
            held[point.source].add(point.tier)
    single = [name for name, tiers in held.items() if len(tiers) < 2]
    only = [name for name in single if app.config.sources[name].only_copy]
    for name in only:
        where = ", ".join(held[name]) or "no tier"
        text = f"{name} is the only copy of its data, and is in {where} only"
        yield warn("two tiers", text, 'Add a second tier to axej.yaml, or fill it: "axej ring push", "axej cold status".')
    rest = [name for name in single if name not in only]
    if rest:
        hint = 'Fire or theft takes both the data and this copy: "axej ring push", or connect a cold disk.'
        yield warn("two tiers", f"no two tiers hold {', '.join(rest)}", hint)
    if not single:
        yield ok("two tiers", f"all {len(held)} sources are in two tiers at least")


def proof(patient: Patient) -> Iterable[Finding]:
    """Somebody has seen the newest restore points come back, or at least their data read."""
    from axejournal.journal.reader import points

    app = _app(patient)
    since = app.clock.now() - timedelta(days=QUARTER_DAYS)
    proven = {
        (point.source, point.tier)
        for point in points(_journal(app), customer=app.config.customer, since=since, current=True)
        if point.proof in ("restored", "verified")
    }
    held = {
        (point.source, point.tier) for point in points(_journal(app), customer=app.config.customer, since=since, current=True)
    }
    for tier in dict.fromkeys(tier for _, tier in sorted(held)):
        without = sorted(source for source, of in held if of == tier and (source, of) not in proven)
        if without:
            text = f"tier {tier}: no restore of {', '.join(without)} was seen to work for {QUARTER_DAYS} days"
            yield warn("proof", text, f'Run "axej drill --tier {tier}".')
        else:
            yield ok("proof", f"tier {tier}: every source was restored in a drill within {QUARTER_DAYS} days")
    if not held:
        yield warn("proof", "there is no restore point yet", 'Run "axej backup --local".')


def both_ways(patient: Patient) -> Iterable[Finding]:
    """A ring in one direction only brings nothing back when the other side is lost."""
    from axejournal.journal.ring import consent, proven_back, proven_there, ring_facts

    app = _app(patient)
    for name, tier in app.config.tiers.items():
        if tier.kind != "ring" or tier.peer is None:
            continue
        facts = ring_facts(_journal(app), app.config.customer, name)
        agreed = consent(facts)
        if agreed is None or agreed.name != "ConsentGiven":
            text = f"tier {name}: no consent of both operators is recorded: nothing is pushed to {tier.peer}"
            yield warn("both ways", text, 'Run "axej ring consent" when both have agreed.')
        seen = {"the way to": proven_there(facts), "the way back from": proven_back(facts)}
        stale = [way for way, at in seen.items() if _older(at, app.clock.now(), VERIFIED_DAYS)]
        if stale:
            text = f"tier {name}: {' and '.join(stale)} {tier.peer} was not proven for {VERIFIED_DAYS} days"
            yield warn("both ways", text, 'Run "axej ring verify" on both machines.')
        else:
            yield ok("both ways", f"tier {name}: both ways to {tier.peer} were proven within {VERIFIED_DAYS} days")


def peer_restic(patient: Patient) -> Iterable[Finding]:
    """restic at both ends, by what the peer's last letter said."""
    from axejournal.journal.ring import ring_facts

    app = _app(patient)
    mine = app.restic_version()
    for name, tier in app.config.tiers.items():
        fact = ring_facts(_journal(app), app.config.customer, name).get("WayBackSeen")
        theirs = str(fact.data.get("restic") or "") if fact else ""
        if tier.kind != "ring" or not theirs:
            continue
        if doubt := restic_doubt(str(tier.peer), theirs, app.config.restic.minimum):
            yield warn("peer's restic", f"tier {name}: {doubt}", f'The operator of {tier.peer} runs "axej doctor --install".')
        else:
            yield ok("peer's restic", f"tier {name}: restic {mine} here, {theirs} at {tier.peer}")


def paper_password(patient: Patient) -> Iterable[Finding]:
    """A password in one place only is lost with this machine: it is on paper too, and was typed from there lately."""
    from axejournal.journal.disks import key_proofs

    app = _app(patient)
    proofs = [each for each in key_proofs(_journal(app), app.config.customer) if each.kind == "paper"]
    for name, _ in app.config.tiers.items():
        newest: KeyProof | None = max(
            (each for each in proofs if each.tier == name), key=lambda each: each.proven_at, default=None
        )
        if newest is None:
            text = f"tier {name}: nobody has shown that its password is on paper too"
            yield warn("paper password", text, 'Write it down, then type it from there: "axej keys verify --paper".')
        elif _older(newest.proven_at, app.clock.now(), QUARTER_DAYS):
            text = f"tier {name}: the password on paper was last typed on {newest.proven_at:%Y-%m-%d}"
            yield warn("paper password", text, 'Type it from the paper once a quarter: "axej keys verify --paper".')
        else:
            yield ok("paper password", f"tier {name}: typed from the paper on {newest.proven_at:%Y-%m-%d}")


def cold_password(patient: Patient) -> Iterable[Finding]:
    """A cold disk whose only key is kept on a machine is lost with it. Raises ConfigurationFault."""
    from axejournal.journal.disks import disks

    app = _app(patient)
    found = disks(_journal(app), app.config.customer)
    stored = [row for row in found if row.machine_key is not None and set(row.keys) <= {row.machine_key}]
    for row in stored:
        text = f"disk {row.disk} of tier {row.tier}: its only key is kept on a machine, none is on paper"
        yield failed("cold password", ConfigurationFault(text, 'Add the paper key again: "axej keys list" shows the keys.'))
    for row in found:
        if row.behind is not None:
            text = f"disk {row.disk} of tier {row.tier} still has the password from before {row.behind:%Y-%m-%d}"
            yield warn("cold password", text, f'Keep that paper; connect the disk, then "axej keys rotate {row.tier}".')
    if found and not stored:
        machine = sum(row.machine_key is not None for row in found)
        yield ok("cold password", f"{len(found)} disks have a key that no machine keeps; {machine} also one for this machine")


def excludes(patient: Patient) -> Iterable[Finding]:
    """Exclude files hide nothing that a snapshot must hold, and no pattern of theirs is without effect."""
    from axejournal.config import checks

    app = _app(patient)
    bad = [fault for fault in checks.check(Path(app.config_path)) if "exclude" in f"{fault.key} {fault.message} {fault.file}"]
    for fault in bad:
        yield warn("excludes", f"{fault.file}:{fault.line}: {fault.message}", f"Write: {fault.remedy}.")
    bare = [name for name, source in app.config.folders.items() if not source.require]
    if bare:
        text = f"{', '.join(bare)}: nothing is required to be in a snapshot, so that a wrong exclude file would not be noticed"
        yield warn("excludes", text, 'Add to the source: require: [{pattern: "**", at_least: 1}].')
    if not bad and not bare:
        yield ok("excludes", "every folder names what a snapshot must hold, and no exclude pattern is in its way")


def _older(moment: datetime | None, now: datetime, days: int) -> bool:
    return moment is None or now - moment > timedelta(days=days)


def _journal(app: App) -> Path:
    return Path(app.state) / "journal.sqlite"


def _app(patient: Patient) -> App:
    assert patient.app is not None
    return patient.app
