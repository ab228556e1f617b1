"""From one tier of a drill to the next, and to its end."""

from __future__ import annotations

from collections.abc import Sequence

from axejournal.domain.events import Fact, RunDegraded, RunFailed, RunSucceeded
from axejournal.domain.facts.drill import (
    DrillMeasured,
    PointsChosen,
    ScratchCompared,
    ScratchFetched,
    ScratchLoaded,
    SourceDrilled,
    TierDrilled,
    TierLeft,
)
from axejournal.domain.run import Run
from axejournal.jobs.drill_plan import Round

PAGE = "drill-failed"


def wanted_next(run: Run) -> tuple[str, tuple[str, ...]]:
    """The tier that comes next, and what is drilled of it."""
    options = run.requested.options
    tier = options["tiers"][len(run.all(TierDrilled))]
    return str(tier), tuple(options["sources"]) if options["all_tiers"] else unsaved(run)


def unsaved(run: Run) -> tuple[str, ...]:
    """The sources that no tier gave back so far."""
    saved = {source for tier in run.all(TierDrilled) for source in tier.passed}
    return tuple(source for source in run.requested.options["sources"] if source not in saved)


def measured(run: Run, now: Round) -> TierDrilled:
    """A tier is through."""
    judged = [fact for fact in run.all(SourceDrilled) if fact.tier == now.tier]
    chosen = run.all(PointsChosen)[-1]
    return TierDrilled(
        tier=now.tier,
        passed=tuple(fact.source for fact in judged if fact.passed),
        failed=tuple(fact.source for fact in judged if not fact.passed),
        restore_s=_restore_s(run, now, chosen),
        rto_s=run.requested.options["rto_s"],
        unusable=chosen.unusable,
    )


def _restore_s(run: Run, now: Round, chosen: PointsChosen) -> float:
    """Until the last comparison's end, by the clock; a run that was resumed was also dead for a while, and is added up."""
    compared = [fact for fact in run.all(ScratchCompared) if fact.tier == now.tier]
    if not compared:
        return 0.0
    if run.resumed == 0:
        return round((max(fact.at_us for fact in compared) - chosen.at_us) / 1e6, 3)
    fetched = [fact.duration_s for fact in run.all(ScratchFetched) if fact.tier == now.tier]
    loaded = [fact.duration_s for fact in run.all(ScratchLoaded) if fact.tier == now.tier]
    return round(sum((*fetched, *loaded, *(fact.duration_s for fact in compared))), 3)


def leave_tier(run: Run) -> Fact:
    """On to the next tier, or to the end."""
    tiers, done = run.requested.options["tiers"], run.all(TierDrilled)
    more = len(done) < len(tiers) and (run.requested.options["all_tiers"] or unsaved(run))
    if more:
        return TierLeft(done[-1].tier, done[-1].failed)
    first = set(done[0].passed)
    saved = {source: tier.tier for tier in reversed(done[1:]) for source in tier.passed if source not in first}
    wanted = run.requested.options["sources"]
    failed = tuple(source for source in wanted if source not in first)
    return DrillMeasured(tuple(source for source in wanted if source in first), failed, saved)


def ending(run: Run) -> Fact:
    """Failed when a source did not come back from the first tier (also where another one would have saved the day), or, of
    all tiers, from one of them; degraded for what is not as it should be."""
    result = run.find(DrillMeasured)
    assert result is not None
    bad = [fact for fact in run.all(SourceDrilled) if not fact.passed and (_counts(run, fact))]
    if bad:
        reasons = "; ".join(f"{fact.source} from {fact.tier}: {fact.reason}" for fact in bad)
        return RunFailed("DrillFailed", f"{len({fact.source for fact in bad})} of {_total(run)} sources failed: {reasons}",
                         _hint(run, result), 21, PAGE)  # fmt: skip
    findings = tuple(findings_of(run))
    return RunDegraded(findings) if findings else RunSucceeded()


def _counts(run: Run, fact: SourceDrilled) -> bool:
    """A tier without anything of a source is no failure of that tier where all tiers are drilled: it is a finding, unless
    it is the first."""
    is_first = fact.tier == run.requested.options["tiers"][0]
    return is_first or bool(fact.repository) or not run.requested.options["all_tiers"]


def _total(run: Run) -> int:
    return len(run.requested.options["sources"])


def _hint(run: Run, result: DrillMeasured) -> str:
    if result.saved_by:
        saved = ", ".join(f"{source} from {tier}" for source, tier in result.saved_by.items())
        lost = [source for source in result.failed if source not in result.saved_by]
        rest = f" Nothing gave back {', '.join(lost)}." if lost else ""
        return f"Another tier would have saved the day: {saved}.{rest}"
    if result.failed and len(run.all(TierDrilled)) > 1:
        return f"No tier gave back {', '.join(result.failed)}: make a backup now, and find the reason."
    return 'Look at each check\'s numbers with "axej history RUN", and drill another tier with "axej drill --all-tiers".'


def findings_of(run: Run) -> Sequence[str]:
    """What is wrong although all came back, each as a sentence."""
    found = [f"{fact.source}, tier {fact.tier}: {one}" for fact in run.all(SourceDrilled) for one in fact.findings]
    found += [f"{fact.source}: {fact.reason}" for fact in run.all(SourceDrilled) if not fact.passed and not _counts(run, fact)]
    for tier in run.all(TierDrilled):
        if tier.rto_s is not None and tier.restore_s > tier.rto_s:
            found.append(f"tier {tier.tier}: restoring took {tier.restore_s:.0f} s, {tier.rto_s:.0f} s are allowed")
    found += [
        f"{step.name} failed: {step.last_failure.message if step.last_failure else ''}"
        for step in run.given_up
        if step.name.startswith("clear:")
    ]
    return found
