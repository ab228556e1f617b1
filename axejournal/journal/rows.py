"""What the readers return. Times are aware datetimes in UTC; slots keep the text that the schedule gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class RunRow:
    """One run. `outcome`: open, succeeded, degraded, failed, cancelled, abandoned. `attempts` counts tries of steps,
    `retries` those that were not a step's first; `open_steps` are at work now (or were when their process died).
    `error` is the name of the error's class, `message` its sentence; both also tell an open run's last failure."""

    run: str
    job: str
    customer: str
    slot: str | None
    trigger: str
    program_version: str
    state: str
    outcome: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    retries: int
    resumed: int
    snapshots: tuple[str, ...]
    error: str | None
    message: str | None
    hint: str | None
    runbook: str | None
    exit_code: int | None
    epoch: int
    number: int
    first_position: int
    last_position: int
    last_at: datetime
    size_bytes: int | None
    added_bytes: int | None
    stored_bytes: int | None
    tier: str | None = None
    open_steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventRow:
    """One event as it is stored, whatever its kind and version; `hash` in hex."""

    position: int
    event_id: str
    run: str
    number: int
    name: str
    version: int
    state: str
    step: str | None
    attempt: int | None
    epoch: int
    process: str
    boot_id: str
    recorded_at: datetime
    monotonic_us: int
    data: Mapping[str, Any]
    hash: str


@dataclass(frozen=True)
class PointRow:
    """One restore point. `time` is its slot's text (or when it was taken), `at` the same as an instant; `made_at`: since when
    the journal knows it. `proof_by`: the run that showed it good so far, or suspect, and then why."""

    source: str
    customer: str
    tier: str
    kind: str
    repository: str
    snapshot: str
    run: str
    time: str
    at: datetime
    taken_at: str
    proof: str
    paths: tuple[str, ...]
    size_bytes: int
    files: int
    removed_by: str | None
    made_at: datetime
    proof_by: str | None = None
    proof_reason: str | None = None


@dataclass(frozen=True)
class FreshRow:
    """How fresh a job is. `success_*`: the newest run that succeeded, `success_slot` the newest slot that a success
    satisfied; `done_*`: the newest that succeeded or was degraded; `failures`: attempts in a row that were neither."""

    job: str
    customer: str
    tier: str  # "" for a job that is of no tier
    attempt_run: str
    attempt_slot: str | None
    attempt_at: datetime
    attempt_outcome: str
    success_run: str | None
    success_at: datetime | None
    success_slot: str | None
    done_run: str | None
    done_at: datetime | None
    failures: int


@dataclass(frozen=True)
class RepositoryRow:
    """A tier's repository. `recorded_by`: the run that recorded its id, None for one that was only measured."""

    customer: str
    tier: str
    repository: str
    place: str | None
    recorded_by: str | None
    size_bytes: int | None
    snapshots: int | None
    measured_at: datetime | None
    pruned_at: datetime | None
