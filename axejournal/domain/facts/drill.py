"""What a drill finds out and records: enough to print the evidence from, years later."""

from __future__ import annotations

from dataclasses import dataclass, field

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class DrillPoint:
    """One restore point of a tier that is drilled. `age_s`: of its time, when it was chosen; `rpo_s`: the age that its
    tier allows."""

    source: str
    kind: str  # "postgres", "files"
    repository: str
    snapshot: str
    run: str  # that made it
    time: str
    proof: str
    paths: tuple[str, ...]
    size_bytes: int
    files: int
    age_s: float
    rpo_s: float

    @property
    def is_stale(self) -> bool:
        """Older than allowed."""
        return self.age_s > self.rpo_s


@dataclass(frozen=True)
class PointsChosen(Fact):
    """What is drilled of a tier. `missing`: source -> why nothing of it can be; `unusable`: why the tier as a whole can't.
    `at_us`: the machine's monotonic clock."""

    tier: str
    points: tuple[DrillPoint, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    unusable: str = ""
    swept: tuple[str, ...] = ()
    at_us: int = 0


@dataclass(frozen=True)
class ScratchReady(Fact):
    """A server of this run alone answers. `kind`: container or local; `instead`: why it is no container, where the source
    is one."""

    tier: str
    source: str
    kind: str
    place: str
    server_version: str
    system_identifier: str
    instead: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True)
class ScratchFetched(Fact):
    """The files of one source came back from the tier. `damaged`: what of it is not as it was put in, and why."""

    tier: str
    source: str
    size_bytes: int
    files: int
    sha256: str = ""
    damaged: tuple[str, ...] = ()
    message: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True)
class ScratchLoaded(Fact):
    """The dump is loaded into the scratch server. `roles`: how many were made."""

    tier: str
    source: str
    database: str
    size_bytes: int
    roles: int
    duration_s: float = 0.0


@dataclass(frozen=True)
class CheckResult:
    """One check and its verdict. `detail`: its numbers, or what it found wrong."""

    name: str
    passed: bool
    detail: str
    seconds: float = 0.0


@dataclass(frozen=True)
class ScratchCompared(Fact):
    """What came back was compared with what was recorded when it was backed up. `unproven`: tables whose fingerprints are
    of another method, so that their rows were counted only; `at_us`: the machine's monotonic clock."""

    tier: str
    source: str
    results: tuple[CheckResult, ...]
    tables: int = 0
    rows: int = 0
    files: int = 0
    unproven: tuple[str, ...] = ()
    duration_s: float = 0.0
    at_us: int = 0


@dataclass(frozen=True)
class ScratchChecked(Fact):
    """One check of the source's own was run against the scratch server. `output`: the end of what it printed, where it
    did not pass."""

    tier: str
    source: str
    result: CheckResult
    output: str = ""


@dataclass(frozen=True)
class SourceDrilled(Fact):
    """The verdict of one source in one tier, with everything that it rests on. `reason`: why it did not pass; `finding`: what
    is wrong although it passed. `seconds`: of each part of the work; `proof`: what is shown by it ("" where nothing is)."""

    tier: str
    source: str
    kind: str
    passed: bool
    reason: str = ""
    findings: tuple[str, ...] = ()
    repository: str = ""
    snapshot: str = ""
    point_run: str = ""
    time: str = ""
    size_bytes: int = 0
    age_s: float | None = None
    rpo_s: float | None = None
    checks: tuple[CheckResult, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    proof_before: str = ""
    proof: str = ""
    scratch: str = ""


@dataclass(frozen=True)
class TierDrilled(Fact):
    """One tier is through. `restore_s`: the time that bringing all these sources back took, from the first byte to the last
    comparison; by the parts added up when the run was resumed. `rto_s`: the allowed time, None where none is set."""

    tier: str
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    restore_s: float
    rto_s: float | None = None
    unusable: str = ""


@dataclass(frozen=True)
class ScratchesReady(Fact):
    """Every scratch server and every fetch was tried."""


@dataclass(frozen=True)
class LoadsFinished(Fact):
    """Every load was tried."""


@dataclass(frozen=True)
class ComparisonsFinished(Fact):
    """Everything that could be was compared."""


@dataclass(frozen=True)
class ScratchCleared(Fact):
    """Nothing of the scratch is left on this machine. `what`: what there was."""

    tier: str
    what: tuple[str, ...] = ()


@dataclass(frozen=True)
class TierLeft(Fact):
    """The next tier is drilled too: all are asked for, or this one failed these sources."""

    tier: str
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class DrillMeasured(Fact):
    """All is seen. `saved_by`: source -> the tier that gave it back, where the first one did not."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    saved_by: dict[str, str] = field(default_factory=dict)
