"""What jobs add to the messages about their runs, by the job's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axejournal.domain.facts.drill import DrillMeasured, SourceDrilled, TierDrilled
from axejournal.domain.message import Facts
from axejournal.domain.run import Run

REASON, SHOWN = 110, 2
"""Characters of a reason, and reasons of a tier, in a message; the report has them all."""


def drilled(run: Run) -> Sequence[str]:
    """What each tier gave back, how fast, and who saved the day."""
    lines = [f"{_tier(fact)}{_failed(run, fact.tier) if not fact.unusable else ''}" for fact in run.all(TierDrilled)]
    measured = run.find(DrillMeasured)
    if measured is not None and measured.saved_by:
        lines.append("saved: " + ", ".join(f"{source} from {tier}" for source, tier in measured.saved_by.items()))
    return (*lines, 'the evidence: "axej report --html report.html"')


def _tier(fact: TierDrilled) -> str:
    if fact.unusable:
        return f"{fact.tier}: {fact.unusable}"
    allowed = f" ({_time(fact.rto_s)} are allowed)" if fact.rto_s is not None else ""
    count = f"{len(fact.passed)} of {len(fact.passed) + len(fact.failed)}"
    return f"{fact.tier}: {count} sources came back in {_time(fact.restore_s)}{allowed}"


def _failed(run: Run, tier: str) -> str:
    """Why, source by source: each in short, so that a reason of every tier has its place in one message."""
    bad = [fact for fact in run.all(SourceDrilled) if fact.tier == tier and not fact.passed]
    shown = [f"; {fact.source}: {fact.reason if len(fact.reason) <= REASON else fact.reason[:REASON] + '…'}" for fact in bad]
    return "".join(shown[:SHOWN])


def _time(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "min"), (left, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


FACTS: Mapping[str, Facts] = {"restore.drill": drilled}
