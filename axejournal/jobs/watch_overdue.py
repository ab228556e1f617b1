"""Records that something is overdue, so that it is told like any failure; and once, that all is well again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axejournal.domain import machine
from axejournal.domain.alarm_errors import Overdue
from axejournal.domain.events import Fact, RunFailed, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.job import Job, Resource, Stage
from axejournal.domain.overdue import Late, sentences
from axejournal.domain.run import Run

NAME = "watch.overdue"
HINT = '"axej status" shows what is overdue; "axej doctor" looks for the reason.'

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(("requested", "RunStarted", "telling"), ("telling", "RunSucceeded", "succeeded")),
    final=("succeeded",),
)


def options(found: Sequence[Late], requested_at: str) -> dict[str, Any]:
    """What a run records: each overdue thing. `trouble` makes another set of them another trouble."""
    late = [{"key": one.key, "since": one.since.isoformat(timespec="seconds"), "text": one.text} for one in found]
    keys = " ".join(sorted(one.key for one in found))
    return {"requested_at": requested_at, "late": late, "trouble": keys, "sentences": list(sentences(found))}


def _end(run: Run) -> Fact:
    said = run.requested.options["sentences"]
    if not said:
        return RunSucceeded()
    return RunFailed(Overdue.__name__, "\n".join(said), HINT, Overdue.exit_code, Overdue.runbook)


JOB: Job[None] = Job(
    name=NAME,
    title="record what is overdue, and that all is well again",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "telling": Stage(steps=lambda run, kit: (), leave=_end),
    },
    resources=lambda run: (Resource("overdue"),),
    kit=lambda hands, run: None,
    tidy=lambda run, kit: None,
)
