"""A quarter of a journal, as an auditor meets it: nights, copies, readings, a drill that passed and one that caught something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from axejournal.domain.events import Fact, RunDegraded, RunFailed, RunRequested, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts import drill as d
from axejournal.domain.facts.check import DataRead
from axejournal.domain.facts.known import KNOWN_FACTS
from axejournal.domain.ports import Draft
from axejournal.jobs import JOBS
from axejournal.journal.ids import event_id
from axejournal.journal.store import Store
from tests.cli.journals import REPOSITORY, Journal, f

SOURCES = {"frame": "postgres", "hive": "postgres", "index": "postgres", "files": "files"}
SIZES = {"frame": 312, "hive": 148, "index": 640, "files": 150}  # MiB
FIRST = datetime(2026, 3, 31, 18, tzinfo=UTC)  # April 1st, 03:00 in Seoul


def write(
    journal: Journal, job: str, run: str, at: datetime, *facts: tuple[Fact, float], trigger: str = "schedule", **options: Any
) -> None:
    """A whole run: each fact so many seconds after the one before. Steps are not told."""
    if journal.process not in journal.stores:
        journal.stores[journal.process] = Store(
            journal.path, KNOWN_FACTS, clock=journal.clock, process_name=journal.process, boot_id="boot-1"
        )
    machine = JOBS[job].machine
    journal.clock.at = at
    slot = (at + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M+09:00")
    first = RunRequested(job, "axe", slot, trigger, machine.version, "0.1.0", "axe-macmini", options)
    state, number = machine.initial, 0
    for fact, after_s in ((first, 0.0), *facts):
        journal.clock.sleep(after_s)
        state = machine.next(state, type(fact).__name__) if number else state
        number = journal.store.append(run, 1, number, (Draft(event_id(journal.clock.at), fact, state),))[-1].number


def night(journal: Journal, number: int, sources: Sequence[str] = tuple(SOURCES), took_s: float = 30) -> str:
    """Night `number` of the quarter, counted from 0; returns its snapshot."""
    at = FIRST + timedelta(days=number)
    snapshot = f"{number:02x}" * 32
    growth = 1 + number / 200 + 0.01 * math.sin(number)
    points = tuple(f.PointMade(name, SOURCES[name], (f"/s/{name}",), int(SIZES[name] * growth * 2**20), 12) for name in sources)
    total = sum(point.size_bytes for point in points)
    facts = (
        f.RunStarted(),
        f.PreflightPassed("0.19.1", REPOSITORY, 50 * 2**30, 2**30),
        f.DumpsFinished(tuple(sources)),
        f.SnapshotTaken(snapshot, REPOSITORY, total, total // 90, total // 200, 420, "0" * 64),
        f.SnapshotVerified(snapshot, REPOSITORY, "local", at.isoformat(), points),
        f.SnapshotsForgotten("local", REPOSITORY, (), number + 1, False, total),
        f.StagingCleared(0),
    )
    steps = [(fact, took_s / 7) for fact in facts]
    write(journal, "backup.local", f"2604{number:02}-0300-aaaa", at, *steps, (RunSucceeded(), 0.0), tier="local")
    return snapshot


def verdict(source: str, tier: str, snapshot: str, time: str, reason: str = "", **more: Any) -> d.SourceDrilled:
    """Of one source in one tier."""
    good = not reason
    if SOURCES[source] == "postgres":
        said = "41 tables, 1,048,210 rows and 12 sequences as they were dumped" if good else reason.partition(": ")[2]
        checks = [
            d.CheckResult("roles", True, "3 roles"),
            d.CheckResult("contents", good, said, 2.4),
            d.CheckResult("extensions", True, "2 extensions; pgcrypto 1.3 is 1.4 here"),
        ]
    else:
        said = "3000 files, 157,286,400 bytes as the snapshot lists them" if good else reason
        checks = [
            d.CheckResult("contents", good, said, 1.2),
            d.CheckResult("require **", True, "3000 files match **, 1 are required"),
        ]
    return d.SourceDrilled(
        tier=tier,
        source=source,
        kind=SOURCES[source],
        passed=good,
        reason=reason,
        repository=REPOSITORY,
        snapshot=snapshot,
        point_run="260414-0300-aaaa",
        time=time,
        size_bytes=SIZES[source] * 2**20,
        age_s=24 * 3600.0,
        rpo_s=26 * 3600.0,
        checks=tuple(checks),
        seconds={"fetch": SIZES[source] / 80, "load": SIZES[source] / 60, "compare": 2.4},
        proof_before="checked",
        proof="verified" if good else "suspect",
        scratch="container",
        **more,
    )


def drill(journal: Journal, run: str, at: datetime, tiers: dict[str, Sequence[d.SourceDrilled]], restore_s: float = 41.5) -> None:
    """A drill of these tiers; it fails when a source failed in the first."""
    facts: list[Fact] = [RunStarted()]
    for number, (tier, judged) in enumerate(tiers.items()):
        facts += [d.PointsChosen(tier), d.ScratchesReady(), d.LoadsFinished(), d.ComparisonsFinished()]
        facts += [_checks_finished(), *judged]
        passed = tuple(each.source for each in judged if each.passed)
        failed = tuple(each.source for each in judged if not each.passed)
        facts.append(d.TierDrilled(tier, passed, failed, restore_s * (1 + number / 4), 4 * 3600.0))
        facts.append(d.TierLeft(tier, failed) if number < len(tiers) - 1 else d.DrillMeasured(passed, failed))
    bad = [each for each in next(iter(tiers.values())) if not each.passed]
    findings = [
        f"{each.source}, tier {each.tier}: {one}" for judged in tiers.values() for each in judged for one in each.findings
    ]
    end: Fact = RunSucceeded()
    if bad:
        reasons = "; ".join(f"{each.source} from {each.tier}: {each.reason}" for each in bad)
        end = RunFailed("DrillFailed", f"{len(bad)} of 4 sources failed: {reasons}", "Look.", 21, "drill-failed")
    elif findings:
        end = RunDegraded(tuple(findings))
    write(journal, "restore.drill", run, at, *((fact, 3.0) for fact in facts), (end, 1.0), tiers=list(tiers))


def _checks_finished() -> Fact:
    kind: Any = KNOWN_FACTS["ChecksFinished"]
    return kind()  # type: ignore[no-any-return]


def reading(journal: Journal, part: int, at: datetime, faults: tuple[str, ...] = ()) -> None:
    """One weekly reading of a part of 13."""
    from axejournal.domain.facts.check import PointsChecked

    read = DataRead("local", REPOSITORY, part, 13, faults, 40 * 2**20, 3.0)
    ends = (PointsChecked("local", REPOSITORY, ()), RunSucceeded())
    facts = ((RunStarted(), 0.1), (read, 3.0), *((fact, 0.1) for fact in ends))
    write(journal, "repository.check", f"26{at:%m%d}-0500-chk{part:x}", at, *facts, tier="local")


def quarter(journal: Journal, nights: int = 20) -> None:
    """The second quarter of 2026, so many nights of it: night 7 was missed; a drill on April 15th found a row missing in the
    local tier, the ring saved the day; one a week later passed."""
    snapshots = {number: night(journal, number, took_s=28 + number % 5) for number in range(nights) if number != 7}
    for part, week in enumerate(range(0, nights, 7), start=1):
        reading(journal, part, FIRST + timedelta(days=week, hours=2))
    snapshot, time = snapshots[min(13, nights - 1)], "2026-04-14T03:00+09:00"
    missing = "contents: table public.journal_line has 999,999 rows, not 1,000,000"
    first = [verdict(name, "local", snapshot, time, missing if name == "frame" else "") for name in SOURCES]
    ring = [verdict("frame", "ring", snapshot, time)]
    drill(journal, "260415-0300-dr1l", FIRST + timedelta(days=14), {"local": first, "ring": ring})
    late = "of 2 tables only the rows could be counted"
    again = [verdict(name, "local", snapshot, time, findings=(late,) if name == "hive" else ()) for name in SOURCES]
    drill(journal, "260422-0910-again", FIRST + timedelta(days=21, hours=6), {"local": again}, 38.0)
