"""What a drill comes to: the verdict of each source, the proof that its restore point gets or loses, and the clearing."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.events import Fact
from axejournal.domain.facts.drill import (
    CheckResult,
    DrillPoint,
    ScratchChecked,
    ScratchCleared,
    ScratchCompared,
    ScratchFetched,
    ScratchLoaded,
    ScratchReady,
    SourceDrilled,
)
from axejournal.domain.facts.restore import ProofLost, ProofRaised
from axejournal.domain.job import ONCE, USUAL, Attempt, RetryPolicy
from axejournal.domain.policy import proof_rank
from axejournal.domain.run import Run
from axejournal.jobs.drill_plan import DrillKit, Round

SUSPECT = "suspect"


def verdict(round_: Round, point: DrillPoint, checks: int, has_export: bool) -> SourceDrilled:
    """The verdict of one source, by what its steps recorded.

    The point becomes `verified` when its contents are equal by fingerprint and everything that was checked holds, `restored`
    when it was loaded and only rows could be counted, `suspect` when what came back is not what was put in or a check says
    no. What the drill itself could not do (no room, no server, a tier that went away) says nothing of the point.
    """
    ready, fetched, loaded, compared = (
        round_.fact(kind, verb, point)
        for kind, verb in (
            (ScratchReady, "scratch"), (ScratchFetched, "fetch"), (ScratchLoaded, "load"), (ScratchCompared, "compare"),
        )
    )  # fmt: skip
    done = [round_.fact(ScratchChecked, "check", point, f":{number}") for number in range(1, checks + 1)]
    done += [round_.fact(ScratchChecked, "export", point)] if has_export else []
    results = (*(compared.results if compared else ()), *(one.result for one in done if one))
    reason, is_bad = _reason(round_, point, fetched, results, checks, has_export)
    proof = "" if reason else "verified" if compared and not compared.unproven else "restored"
    return SourceDrilled(
        tier=round_.tier,
        source=point.source,
        kind=point.kind,
        passed=not reason,
        reason=reason,
        findings=_findings(point, ready, compared),
        repository=point.repository,
        snapshot=point.snapshot,
        point_run=point.run,
        time=point.time,
        size_bytes=point.size_bytes,
        age_s=point.age_s,
        rpo_s=point.rpo_s,
        checks=(*results, *_unanswered(round_, point, checks, has_export)),
        seconds=_seconds(ready, fetched, loaded, compared, done),
        proof_before=point.proof,
        proof=SUSPECT if is_bad else proof,
        scratch=f"{ready.kind}, PostgreSQL {ready.server_version}" if ready else "",
    )


def _reason(
    round_: Round,
    point: DrillPoint,
    fetched: ScratchFetched | None,
    results: tuple[CheckResult, ...],
    checks: int,
    has_export: bool,
) -> tuple[str, bool]:
    """Why a source did not pass, and whether its restore point is to blame."""
    if fetched is not None and fetched.damaged:
        return f"damaged: {', '.join(fetched.damaged[:5])}: {fetched.message}", True
    bad = [result for result in results if not result.passed]
    if bad:
        return f"{bad[0].name}: {bad[0].detail}", True
    verbs = ["fetch", "compare"] if point.kind == "files" else ["scratch", "fetch", "load", "compare"]
    for verb in verbs:
        if why := round_.why_not(verb, point):
            return f"{verb}: {why}", False
    for more in (*(f":{number}" for number in range(1, checks + 1)),):
        if why := round_.why_not("check", point, more):
            return f"check {more[1:]}: {why}", False
    if has_export and (why := round_.why_not("export", point)):
        return f"export: {why}", False
    return "", False


def _unanswered(round_: Round, point: DrillPoint, checks: int, has_export: bool) -> tuple[CheckResult, ...]:
    """Checks that gave no answer: they hung, or their program is not here."""
    asked = [(f"check {number}", round_.why_not("check", point, f":{number}")) for number in range(1, checks + 1)]
    asked += [("export", round_.why_not("export", point))] if has_export else []
    return tuple(CheckResult(name, False, why) for name, why in asked if why)


def _findings(point: DrillPoint, ready: ScratchReady | None, compared: ScratchCompared | None) -> tuple[str, ...]:
    found = []
    if point.is_stale:
        found.append(f"its newest restore point is {point.age_s / 3600:.0f} h old, {point.rpo_s / 3600:.0f} h are allowed")
    if ready is not None and ready.instead:
        found.append(f"its own image was not to be had: {ready.instead}")
    if compared is not None and compared.unproven:
        found.append(f"of {len(compared.unproven)} tables only the rows could be counted")
    return tuple(found)


def _seconds(
    ready: ScratchReady | None,
    fetched: ScratchFetched | None,
    loaded: ScratchLoaded | None,
    compared: ScratchCompared | None,
    done: list[ScratchChecked | None],
) -> dict[str, float]:
    parts = {"scratch": ready, "fetch": fetched, "load": loaded, "compare": compared}
    found = {name: fact.duration_s for name, fact in parts.items() if fact is not None}
    return {**found, "check": round(sum(one.result.seconds for one in done if one), 3)}


@dataclass(frozen=True)
class JudgeSource:
    """The fact is the effect."""

    kit: DrillKit
    round: Round
    point: DrillPoint
    policy: RetryPolicy = ONCE
    contained: bool = False

    @property
    def name(self) -> str:
        return self.round.step("verdict", self.point)

    def probe(self, run: Run) -> SourceDrilled | None:
        """It is told again."""
        return None

    def act(self, attempt: Attempt) -> SourceDrilled:
        """Touches nothing."""
        if self.point.kind != "postgres":
            return verdict(self.round, self.point, 0, False)
        drill = self.kit.database(self.point).drill
        return verdict(self.round, self.point, len(drill.checks), drill.export is not None)


@dataclass(frozen=True)
class MissSource:
    """A source of which the tier has nothing to drill."""

    tier: str
    source: str
    kind: str
    why: str
    policy: RetryPolicy = ONCE
    contained: bool = False

    @property
    def name(self) -> str:
        return f"verdict:{self.tier}:{self.source}"

    def probe(self, run: Run) -> SourceDrilled | None:
        """It is told again."""
        return None

    def act(self, attempt: Attempt) -> SourceDrilled:
        """Touches nothing."""
        return SourceDrilled(self.tier, self.source, self.kind, False, self.why)


@dataclass(frozen=True)
class ProvePoint:
    """A point's proof rises or falls by what was seen of it."""

    judged: SourceDrilled
    policy: RetryPolicy = ONCE
    contained: bool = False

    @property
    def name(self) -> str:
        return f"proof:{self.judged.tier}:{self.judged.source}"

    def probe(self, run: Run) -> Fact | None:
        """The fact is the effect."""
        return None

    def act(self, attempt: Attempt) -> Fact:
        """Touches nothing."""
        judged = self.judged
        if judged.proof == SUSPECT:
            reason = f"drill of tier {judged.tier}: {judged.reason}"
            return ProofLost(judged.repository, judged.snapshot, judged.source, reason)
        return ProofRaised(judged.repository, judged.snapshot, judged.source, judged.proof)


def changes_proof(judged: SourceDrilled) -> bool:
    """Whether something is to be recorded of its restore point."""
    if not judged.proof:
        return False
    if judged.proof == SUSPECT:
        return True
    return proof_rank(judged.proof) > proof_rank(judged.proof_before)


@dataclass(frozen=True)
class ClearScratch:
    """Servers, volumes, folders: what whoever reads the disk could read."""

    kit: DrillKit
    tier: str
    policy: RetryPolicy = USUAL
    contained: bool = True

    @property
    def name(self) -> str:
        return f"clear:{self.tier}"

    def probe(self, run: Run) -> ScratchCleared | None:
        """Clearing what is cleared costs nothing."""
        return None

    def act(self, attempt: Attempt) -> ScratchCleared:
        """Raises SourceUnreachable while Docker, which still has something of it, does not answer."""
        return ScratchCleared(self.tier, self.kit.scratch.down(self.kit.run))
