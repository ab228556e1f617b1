"""Gathers the evidence of a quarter from the journal: plain sqlite3, read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from axejournal.app import due
from axejournal.config.units import duration
from axejournal.domain.facts.drill import CheckResult, SourceDrilled, TierDrilled
from axejournal.domain.overdue import sentences
from axejournal.domain.report import Ages, Drill, Journal, Night, Read, Report, gaps, worst_age
from axejournal.domain.rotation import Quarter
from axejournal.journal import reader

DRILL = "restore.drill"
F = TypeVar("F", SourceDrilled, TierDrilled)


def gather(effective: Mapping[str, Any], journal: Path, config_path: Path, quarter: Quarter, now: datetime) -> Report:
    """The report of a quarter; of the present one as far as it has come. Reads the whole journal, to verify it. Raises
    JournalDamaged when it can't be read, JournalNewer."""
    zone = ZoneInfo(effective["timezone"])
    begin, end = (datetime.combine(each.begins, time(), zone).astimezone(UTC) for each in (quarter, quarter.later(1)))
    until, customer = min(end, now), effective["customer"]
    rto = (effective.get("drill") or {}).get("rto")
    drills = tuple(_drill(journal, row) for row in reader.runs(journal, DRILL, customer, begin, end, limit=None))
    report = Report(
        customer=customer,
        host=effective["host"],
        quarter=str(quarter),
        begin=begin,
        until=until,
        made_at=now,
        sources=tuple(effective["sources"]),
        tiers=tuple(effective["tiers"]),
        rto_s=duration(rto).total_seconds() if rto else None,
        drills=drills,
        nights={tier: tuple(_nights(journal, effective, tier, begin, end)) for tier in effective["tiers"]},
        ages=tuple(_ages(journal, effective, tier, begin, until) for tier in effective["tiers"]),
        reads=tuple(_read(journal, effective, tier) for tier in effective["tiers"]),
        journal=_verified(journal),
        overdue=_overdue(effective, journal, config_path, now) if begin <= now < end else (),
        earlier=tuple(_earlier(journal, customer, end)),
    )
    return replace(report, gaps=gaps(report))


def _drill(journal: Path, row: Any) -> Drill:
    events = reader.run_events(journal, row.run)
    tiers = tuple(_fact(TierDrilled, event.data) for event in events if event.name == "TierDrilled")
    sources = tuple(_fact(SourceDrilled, event.data) for event in events if event.name == "SourceDrilled")
    return Drill(row.run, row.requested_at, row.finished_at, row.outcome, row.message or "", tiers, sources)


def _fact(kind: type[F], data: Mapping[str, Any]) -> F:
    """The fact as it was recorded; what a later version adds is left out."""
    known = {one.name: _plain(data[one.name]) for one in fields(kind) if one.name in data}
    if "checks" in known:
        known["checks"] = tuple(CheckResult(**{key: check[key] for key in check}) for check in data["checks"])
    return kind(**known)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _nights(journal: Path, effective: Mapping[str, Any], tier: str, begin: datetime, end: datetime) -> Iterator[Night]:
    job = due.job_of(tier, effective)
    for row in reversed(reader.runs(journal, job, effective["customer"], begin, end, limit=None)):
        if (row.tier or tier) == tier and row.outcome != "open":
            took = (row.finished_at - row.started_at).total_seconds() if row.finished_at and row.started_at else None
            yield Night(row.requested_at, row.outcome, row.size_bytes, row.stored_bytes, took)


def _ages(journal: Path, effective: Mapping[str, Any], tier: str, begin: datetime, until: datetime) -> Ages:
    allowed = effective["tiers"][tier].get("rpo")
    allowed_s = duration(allowed).total_seconds() if allowed else None
    worst: tuple[float, str] | None = None
    count = 0
    for source in effective["sources"]:
        points = reader.points(journal, source, tier, effective["customer"], until=until, removed=True)
        age = worst_age([point.at for point in points], begin, until)
        count += sum(point.at >= begin for point in points)
        if age is not None and (worst is None or age > worst[0]):
            worst = (age, source)
    return Ages(tier, worst[0] if worst else None, allowed_s, worst[1] if worst else "", count)


def _read(journal: Path, effective: Mapping[str, Any], tier: str) -> Read:
    from axejournal.domain.reading import all_read_since
    from axejournal.journal.data_reads import parts_read

    of = int(effective["check"]["parts"])
    parts = [part for part in parts_read(journal, effective["customer"], tier) if part.of == of]
    good = sum(part.good_at is not None and part.good_at >= part.read_at for part in parts)
    last = max((part.read_at for part in parts), default=None)
    return Read(tier, good, len(parts) - good, of, last, all_read_since(parts, of))


def _verified(journal: Path) -> Journal:
    from axejournal.journal.verify import verify

    verdict = verify(journal)
    return Journal(verdict.events, verdict.head, tuple(fault.what for fault in verdict.faults))


def _overdue(effective: Mapping[str, Any], journal: Path, config_path: Path, now: datetime) -> tuple[str, ...]:
    from axejournal.app.watching import late

    return sentences(late(effective, journal, config_path, now))


def _earlier(journal: Path, customer: str, end: datetime) -> Iterator[tuple[datetime, str, float]]:
    for row in reversed(reader.runs(journal, DRILL, customer, until=end, limit=40)):
        for event in reader.run_events(journal, row.run):
            if event.name == "TierDrilled" and event.data["restore_s"]:
                yield row.requested_at, str(event.data["tier"]), float(event.data["restore_s"])
