"""The evidence of one quarter, and what is missing in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from axejournal.domain.facts.drill import SourceDrilled, TierDrilled

PASSED, FAILED, NEVER = "passed", "failed", "never"


class Gap(NamedTuple):
    """Something that is not proven. `kind` has its sentence in each language; `values` fill it."""

    kind: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Drill:
    """One drill: its tiers in the order in which they were tried, and the verdict of each source in each."""

    run: str
    at: datetime
    ended_at: datetime | None
    outcome: str
    message: str
    tiers: tuple[TierDrilled, ...]
    sources: tuple[SourceDrilled, ...]


@dataclass(frozen=True)
class Night:
    """One run that filled a tier."""

    at: datetime
    outcome: str
    size_bytes: int | None
    stored_bytes: int | None
    duration_s: float | None


@dataclass(frozen=True)
class Ages:
    """How old the newest restore point of a tier ever got in the quarter (the worst source's), against what is allowed."""

    tier: str
    worst_s: float | None
    allowed_s: float | None
    source: str = ""
    points: int = 0


@dataclass(frozen=True)
class Read:
    """How much of a tier's repository was read so far. `since`: from when on all of it was, None while it was not."""

    tier: str
    good: int
    bad: int
    of: int
    last: datetime | None
    since: datetime | None


@dataclass(frozen=True)
class Journal:
    """The journal's end, and whether every event still follows from the one before."""

    events: int
    head: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything that the report says. `until`: the quarter's end, or when it was made, if that is earlier."""

    customer: str
    host: str
    quarter: str
    begin: datetime
    until: datetime
    made_at: datetime
    sources: tuple[str, ...]
    tiers: tuple[str, ...]
    rto_s: float | None
    drills: tuple[Drill, ...]
    nights: Mapping[str, tuple[Night, ...]]
    ages: tuple[Ages, ...]
    reads: tuple[Read, ...]
    journal: Journal
    overdue: tuple[str, ...] = ()
    earlier: tuple[tuple[datetime, str, float], ...] = ()  # (when, tier, restore_s) of all drills so far, oldest first
    gaps: tuple[Gap, ...] = field(default=())

    def verdict(self, source: str, tier: str) -> SourceDrilled | None:
        """The newest of a source in a tier, in this quarter."""
        judged = (each for drill in self.drills for each in drill.sources if (each.source, each.tier) == (source, tier))
        return next(judged, None)

    @property
    def restore_s(self) -> float | None:
        """The measured RTO: of the newest drill that restored anything, of its first tier."""
        return next((tier.restore_s for drill in self.drills for tier in drill.tiers if tier.restore_s), None)


def gaps(report: Report) -> tuple[Gap, ...]:
    """What an auditor would ask about, the worst first."""
    return tuple(_gaps(report))


def _gaps(report: Report) -> Iterator[Gap]:
    if report.journal.faults:
        yield Gap("journal", {"fault": report.journal.faults[0]})
    if not report.drills:
        yield Gap("no_drill", {"quarter": report.quarter})
    for tier in report.tiers:
        if report.drills and not any(each.tier == tier for drill in report.drills for each in drill.sources):
            yield Gap("tier_not_drilled", {"tier": tier})
    for source in report.sources:
        yield from _of_source(report, source)
    for drill in report.drills:
        for tier_drilled in drill.tiers:
            if tier_drilled.rto_s is not None and tier_drilled.restore_s > tier_drilled.rto_s:
                yield Gap("slow", {"tier": tier_drilled.tier, "run": drill.run})
    for ages in report.ages:
        if ages.worst_s is not None and ages.allowed_s is not None and ages.worst_s > ages.allowed_s:
            yield Gap("too_old", {"tier": ages.tier, "source": ages.source})
        elif not ages.points:
            yield Gap("no_points", {"tier": ages.tier})
    for read in report.reads:
        if read.bad:
            yield Gap("damaged", {"tier": read.tier, "parts": str(read.bad)})
        elif read.good < read.of:
            yield Gap("not_read", {"tier": read.tier, "good": str(read.good), "of": str(read.of)})
    yield from (Gap("overdue", {"what": text}) for text in report.overdue)


def _of_source(report: Report, source: str) -> Iterator[Gap]:
    if not report.drills:
        return
    verdicts = [report.verdict(source, tier) for tier in report.tiers]
    seen = [verdict for verdict in verdicts if verdict is not None]
    if not seen:
        yield Gap("source_not_drilled", {"source": source})
    for verdict in seen:
        if not verdict.passed:
            yield Gap("source_failed", {"source": source, "tier": verdict.tier, "reason": verdict.reason})


def worst_age(times: Sequence[datetime], begin: datetime, until: datetime) -> float | None:
    """The longest time for which the newest of these restore points got older without a new one, within [begin, until];
    None without any. One from before counts from where it was."""
    inside = sorted(time for time in times if time <= until)
    if not inside:
        return None
    marks = [*(time for time in inside if time >= begin), until]
    before = [time for time in inside if time < begin]
    start = before[-1:] or marks[:1]
    steps = zip([*start, *marks[:-1]], marks, strict=True)
    return max((later - earlier).total_seconds() for earlier, later in steps)
