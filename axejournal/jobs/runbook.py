"""Works through a page of runbooks/ as one run: `runbook`. Where a person is needed and nobody is there, it waits."""

from __future__ import annotations

from typing import Protocol

from axejournal.domain import machine
from axejournal.domain.events import Fact, RunDegraded, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.runbook import CommandPerformed, PageFinished, ValueGiven
from axejournal.domain.job import Job, Resource, Stage, Step
from axejournal.domain.page import Page
from axejournal.domain.ports.desk import Desk, Linked
from axejournal.domain.run import Run
from axejournal.jobs.steps.work_page import WELL, RunbookKit, page_steps

NAME = "runbook"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "working"),
        ("working", "StepWorked", "working"),
        ("working", "ValueGiven", "working"),
        ("working", "CommandPerformed", "working"),
        ("working", "RunWaits", "waiting"),
        ("waiting", "StepWorked", "working"),
        ("waiting", "ValueGiven", "working"),
        ("waiting", "CommandPerformed", "working"),
        ("waiting", "RunWaits", "waiting"),
        ("working", "PageFinished", "ending"),
        ("ending", "RunSucceeded", "succeeded"),
        ("ending", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


class Paging(Protocol):
    """What the assembled program knows of pages."""

    @property
    def desk(self) -> Desk:
        """Who sits there now."""
        ...

    def page(self, name: str) -> Page:
        """A page of runbooks/ in the configured language. Raises UsageFault."""
        ...

    def linked(self, run: str, step: str) -> tuple[Linked, ...]:
        """The runs that were begun for a step of a run, oldest first."""
        ...


class RunbookHands(Protocol):
    """What the assembled program offers to a page's run."""

    @property
    def paging(self) -> Paging:
        """Pages, and who reads them."""
        ...


def _steps(run: Run, kit: RunbookKit) -> tuple[Step, ...]:
    return tuple(page_steps(run, kit))


def _finish(run: Run) -> Fact:
    return PageFinished(len({name for name, fact in run.facts if name and not isinstance(fact, ValueGiven)}))


def _end(run: Run) -> Fact:
    bad = [fact for fact in run.all(CommandPerformed) if fact.skipped or fact.exit_code not in WELL]
    reasons = tuple(f"`{fact.command}` ended with exit {fact.exit_code}, and the page went on without it" for fact in bad)
    return RunDegraded(reasons) if reasons else RunSucceeded()


def _kit(hands: RunbookHands, run: Run) -> RunbookKit:
    paging = hands.paging
    return RunbookKit(paging.page(str(run.requested.options["page"])), paging.desk, paging.linked)


JOB: Job[RunbookKit] = Job(
    name=NAME,
    title="work through a page of runbooks/, step by step, asking where a person must decide",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "working": Stage(steps=_steps, leave=_finish),
        "waiting": Stage(steps=_steps),
        "ending": Stage(steps=lambda run, kit: (), leave=_end),
    },
    resources=lambda run: (Resource(f"runbook:{run.requested.options['page']}"),),
    kit=_kit,
    tidy=lambda run, kit: None,
)
