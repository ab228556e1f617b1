"""What should have happened by now and did not, from what the journal knows. Pure: the one truth of `axej status` and of the
alarms when nothing ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

AGE, SLOT, DRILL, DISK, WAITS = "age", "slot", "drill", "disk", "waits"
GRACE = timedelta(hours=2)
"""How long after its slot a run may begin: the machine may be asleep, or another run at work."""
DAY = timedelta(days=1)
AGAIN = timedelta(hours=23)
"""After so long the same things are told once more: a nightly call is a little early on some nights."""


@dataclass(frozen=True)
class Late:
    """One thing that is overdue, since that instant. `key` stays the same as long as it is the same thing."""

    kind: str
    since: datetime
    text: str
    tier: str = ""
    source: str = ""
    run: str = ""

    @property
    def key(self) -> str:
        """What it is, without since when."""
        return ":".join(part for part in (self.kind, self.tier, self.source, self.run) if part)


@dataclass(frozen=True)
class TierKnown:
    """One tier. `newest`: the time of the newest restore point of each source; `allowed_text`: its RPO as it is written."""

    tier: str
    allowed: timedelta | None
    allowed_text: str
    newest: Mapping[str, datetime]


@dataclass(frozen=True)
class SlotKnown:
    """One schedule. `slot`: the newest; `asked`: when a run of its job was requested last; `done`: when one last came to a
    good end; `began`: slots before it never count."""

    name: str
    job: str
    slot: datetime
    began: datetime
    asked: datetime | None = None
    done: datetime | None = None
    grace: timedelta = GRACE


@dataclass(frozen=True)
class DiskKnown:
    """The cold disk whose turn it is. `until`: the instant at which its sync is overdue."""

    tier: str
    disk: str
    quarter: str
    until: datetime
    is_synced: bool


@dataclass(frozen=True)
class WaitKnown:
    """A run that waits for something outside. `what`: "its password"."""

    run: str
    job: str
    tier: str
    what: str
    since: datetime


@dataclass(frozen=True)
class Known:
    """What the journal and the configuration say. `began`: nothing can be overdue from before it was asked for."""

    began: datetime
    sources: Sequence[str]
    tiers: Sequence[TierKnown] = ()
    slots: Sequence[SlotKnown] = ()
    disks: Sequence[DiskKnown] = ()
    waits: Sequence[WaitKnown] = ()


def overdue(known: Known, now: datetime) -> tuple[Late, ...]:
    """Everything that is overdue now, tiers in their order."""
    aged = [late for tier in known.tiers for late in _ages(tier, known, now)]
    slots = [late for slot in known.slots for late in _slot(slot, now)]
    tiers = {late.tier for late in aged}
    return (
        *aged,
        *(late for late in slots if late.tier not in tiers or not late.tier),  # an old restore point says more
        *(late for disk in known.disks for late in _disk(disk, known.began, now)),
        *(late for wait in known.waits for late in _wait(wait, now)),
    )


def _ages(tier: TierKnown, known: Known, now: datetime) -> Iterator[Late]:
    for source in known.sources:
        newest = tier.newest.get(source)
        until = (newest or known.began) + tier.allowed if tier.allowed else None
        if until is not None and until < now:
            text = f"no restore point of {source} is younger than {tier.allowed_text}"
            yield Late(AGE, until, text, tier.tier, source)


def _slot(known: SlotKnown, now: datetime) -> Iterator[Late]:
    until = known.slot + known.grace
    if known.slot <= known.began or now < until:
        return
    slot = known.slot.isoformat(timespec="minutes")
    if known.name == DRILL:
        if known.done is None or known.done < known.slot:
            yield Late(DRILL, until, f"no drill has passed since the one of {slot} was due")
    elif (known.asked is None or known.asked < known.slot) and (known.done is None or known.done < known.slot):
        yield Late(SLOT, until, f"nothing ran for the slot {slot} of {known.job}", known.name)


def _disk(disk: DiskKnown, began: datetime, now: datetime) -> Iterator[Late]:
    if not disk.is_synced and began < disk.until <= now:
        text = f"disk {disk.disk} of {disk.quarter} was not synced by its 15th day: connect it"
        yield Late(DISK, disk.until, text, disk.tier)


def _wait(wait: WaitKnown, now: datetime) -> Iterator[Late]:
    if wait.since + DAY <= now:
        yield Late(
            WAITS, wait.since, f"run {wait.run} of {wait.job} has waited for {wait.what} for over a day", wait.tier, run=wait.run
        )


def sentences(found: Sequence[Late]) -> tuple[str, ...]:
    """What a person reads: sources of one tier together, and which tier it is about."""
    grouped: dict[tuple[str, str], list[Late]] = {}
    for late in found:
        grouped.setdefault((late.tier, late.kind if late.kind == AGE else late.key), []).append(late)
    return tuple(_sentence(tier, lates) for (tier, _), lates in grouped.items())


def _sentence(tier: str, lates: Sequence[Late]) -> str:
    first = lates[0]
    names = ", ".join(late.source for late in lates)
    text = first.text.replace(f"of {first.source} is", f"of {names} is", 1) if first.source else first.text
    return f"{tier}: {text}" if tier else text


def is_to_be_told(found: Sequence[Late], told: Mapping[str, object] | None, told_at: datetime | None, now: datetime) -> bool:
    """Whether a run is to record it. `told`: the keys of the last such run, empty when that said that all is well again,
    None when there never was one. New things at once, the same ones once a day, their end once."""
    before = set(told or ())
    present = {late.key for late in found}
    if not present:
        return bool(before)
    if present - before or told_at is None:
        return True
    return now - told_at >= AGAIN
