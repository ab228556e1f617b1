"""What restores have in common once the restored thing has its place: services are restarted, checks run, and the run ends."""

from __future__ import annotations

from axejournal.domain.errors import CheckFailed, RestoreDiffers, RestorePointDamaged
from axejournal.domain.events import Fact, RunDegraded, RunFailed, RunSucceeded
from axejournal.domain.facts.restore import (
    CommandRan,
    DatabaseCompared,
    DatabaseLoaded,
    DumpDamaged,
    ProofLost,
    ServicesRestarted,
)
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit
from axejournal.jobs.steps.run_command import RunCommand, checks_of

ROWS = (
    ("restarting", "CommandRan", "restarting"),
    ("restarting", "ServicesRestarted", "checking"),
    ("checking", "CommandRan", "checking"),
    ("checking", "ProofLost", "ending"),
    ("checking", "ChecksFinished", "ending"),
    ("ending", "RunSucceeded", "succeeded"),
    ("ending", "RunDegraded", "degraded"),
)
"""The last rows of a restore's state table."""


def restart_steps(run: Run, kit: RestoreKit) -> tuple[RunCommand, ...]:
    """None when nothing was swapped in."""
    return () if kit.plan.into else tuple(RunCommand(kit.commands, plan) for plan in kit.plan.restart)


def restarted(run: Run) -> Fact:
    """Every restart was tried."""
    return ServicesRestarted(tuple(step.name for step in run.given_up if step.name.startswith("restart:")))


def check_steps(run: Run, kit: RestoreKit) -> tuple[RunCommand, ...]:
    """None when nothing was swapped in."""
    return () if kit.plan.into else checks_of(kit)


def lost_by_check(run: Run) -> ProofLost | None:
    """What the first failed check says of the restore point; None when no check failed."""
    broken = next((step for step in run.given_up if step.name.startswith("check:")), None)
    if broken is None:
        return None
    return lost(run, broken.last_failure.message if broken.last_failure else broken.name)


def lost(run: Run, reason: str) -> ProofLost:
    """The restore point is suspect, for this reason."""
    return ProofLost(**of_point(run), reason=reason)


def damaged(run: Run) -> Fact:
    """What did not come back as it was put in."""
    found = run.find(DumpDamaged)
    assert found is not None
    return lost(run, found.message)


def of_point(run: Run) -> dict[str, str]:
    """What names the restore point in facts about its proof."""
    point = run.requested.options["point"]
    names = {name: str(point[name]) for name in ("repository", "snapshot")}
    return {**names, "source": str(run.requested.options["source"])}


def was_checked(run: Run) -> bool:
    """Whether the operator's own checks looked at what was restored."""
    return any(fact.kind == "check" for fact in run.all(CommandRan))


def ending(run: Run) -> Fact:
    """How a restore ends."""
    bad, compared, found = run.find(DumpDamaged), run.find(DatabaseCompared), run.find(ProofLost)
    time = run.requested.options["point"]["time"]
    older = 'Take an older one: "axej points" lists them. The live database was not touched.'
    if bad is not None:
        what = ", ".join(bad.what[:5]) + (f" and {len(bad.what) - 5} more" if len(bad.what) > 5 else "")
        return RunFailed.of(RestorePointDamaged(f"the restore point {time} is damaged: {what}", older))
    if compared is not None and compared.differences:
        what = "; ".join(compared.differences[:5])
        return RunFailed.of(RestoreDiffers(f"the restored database is not what was dumped: {what}", older))
    if found is not None:
        hint = f'Look at its output with "axej history {run.id}". To take the restore back, type "axej undo {run.id}".'
        return RunFailed.of(CheckFailed(f"restored, but a check failed: {found.reason}", hint))
    reasons = tuple(_reasons_against(run))
    return RunDegraded(reasons) if reasons else RunSucceeded()


def _reasons_against(run: Run) -> list[str]:
    """Why a restore is no plain success, each as a sentence."""
    reasons = [f"{step.name} failed: {step.last_failure.message if step.last_failure else ''}" for step in run.given_up]
    loaded = run.find(DatabaseLoaded)
    reasons += [f"not restored: {one}" for one in loaded.left_out] if loaded else []
    compared = run.find(DatabaseCompared)
    if compared is not None and compared.unproven:
        names = ", ".join(compared.unproven[:5])
        reasons.append(
            f"the fingerprints of {len(compared.unproven)} tables are of another method, only rows were counted: {names}"
        )
    return reasons
