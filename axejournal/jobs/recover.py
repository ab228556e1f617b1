"""Brings a whole machine back: `recover`. Its run begins in the journal that came out of the repository, once that has its
place; from there each source is restored by a run of its own, in the order of the configuration."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from axejournal.domain import machine
from axejournal.domain.errors import Interrupted, ProgramFailed
from axejournal.domain.events import Fact, RunDegraded, RunFailed, RunSucceeded
from axejournal.domain.facts.recover import SourceRecovered, SourcesFinished
from axejournal.domain.job import ONCE, Attempt, Job, Resource, RetryPolicy, Stage
from axejournal.domain.ports.desk import Linked
from axejournal.domain.run import Run
from axejournal.jobs.restore_orders import Order, job_of

NAME = "recover"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "JournalRecovered", "restoring"),
        ("restoring", "SourceRecovered", "restoring"),
        ("restoring", "SourcesFinished", "ending"),
        ("restoring", "RunWaits", "waiting"),
        ("waiting", "SourceRecovered", "restoring"),
        ("waiting", "RunWaits", "waiting"),
        ("ending", "RunSucceeded", "succeeded"),
        ("ending", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


class RecoverHands(Protocol):
    """What the assembled program offers to a recovery."""

    @property
    def paging(self) -> Any:
        """Runs that belong to a step of another: `linked(run, step)`, `linking(run, step)`; `view`, `typed`."""
        ...

    @property
    def restoring(self) -> Any:
        """Restores: `begin`."""
        ...

    def resume(self, run: str, reason: str, decision: str | None = None, view: Any = None) -> Run:
        """Takes up a run whose process died."""
        ...


@dataclass(frozen=True)
class RecoverKit:
    """The hands of a recovery. `opened`: inside, the repository's password is at hand; raises PersonNeeded when a person
    has to type it and nobody is there. `work`: what the beginning fetched; it is gone when the run has ended."""

    orders: tuple[Order, ...]
    linked: Callable[[str, str], tuple[Linked, ...]]
    restore: Callable[[Order, str, str], Run]
    resume: Callable[[Linked, str, str], Run]
    opened: Callable[[], AbstractContextManager[None]]
    work: Path


@dataclass(frozen=True)
class RecoverSource:
    """A source that does not come back does not stop the others."""

    kit: RecoverKit
    order: Order
    policy: RetryPolicy = ONCE
    contained: bool = True

    @property
    def name(self) -> str:
        return f"restore:{self.order.source}"

    def probe(self, run: Run) -> SourceRecovered | None:
        """Whether the source's own run has ended well."""
        linked = self._newest(run)
        return SourceRecovered(self.order.source, linked.run, linked.outcome) if linked and linked.is_done else None

    def act(self, attempt: Attempt) -> SourceRecovered:
        """Raises ProgramFailed when the source's run did not end well, Interrupted when it was cancelled, PersonNeeded."""
        linked = self._newest(attempt.run)
        with self.kit.opened():
            if linked is not None and linked.outcome == "open":
                done = self.kit.resume(linked, attempt.run.id, self.name)
            else:
                done = self.kit.restore(self.order, attempt.run.id, self.name)
        if done.state == machine.CANCELLED:
            raise Interrupted(f"run {done.id} was cancelled")
        if isinstance(done.outcome, RunFailed):
            hint = f'"axej history {done.id}" tells why. Restore it by itself when that is mended.'
            raise ProgramFailed(f"{self.order.source}: {done.outcome.message} (run {done.id})", hint)
        return SourceRecovered(self.order.source, done.id, done.state)

    def _newest(self, run: Run) -> Linked | None:
        found = self.kit.linked(run.id, self.name)
        return found[-1] if found else None


def recover_orders(options: Mapping[str, Any]) -> tuple[Order, ...]:
    """The restores of a recovery from its recorded options."""
    base = dict(options["restore"])
    return tuple(Order(job_of(mine["kind"]), str(mine["source"]), {**base, **mine, "queue": []}) for mine in options["each"])


def _steps(run: Run, kit: RecoverKit) -> tuple[RecoverSource, ...]:
    return tuple(RecoverSource(kit, order) for order in kit.orders)


def _finish(run: Run) -> Fact:
    missing = tuple(step.name.removeprefix("restore:") for step in run.given_up)
    return SourcesFinished(tuple(fact.source for fact in run.all(SourceRecovered)), missing)


def _end(run: Run) -> Fact:
    reasons = [f"{step.name} failed: {step.last_failure.message if step.last_failure else ''}" for step in run.given_up]
    reasons += [
        f"{fact.source}: its run {fact.run} is {fact.outcome}" for fact in run.all(SourceRecovered) if fact.outcome == "degraded"
    ]
    left_out = [f"{source}: {why}" for source, why in run.requested.options.get("left_out", {}).items()]
    if run.given_up and not run.all(SourceRecovered):
        tier = run.requested.options["tier"]
        hint = f'Configuration and journal are back. Mend the cause, then type "axej restore --tier {tier}".'
        return RunFailed(ProgramFailed.__name__, f"no source came back; {reasons[0]}", hint, 1, "machine-lost")
    return RunDegraded((*reasons, *left_out)) if reasons or left_out else RunSucceeded()


def _kit(hands: RecoverHands, run: Run) -> RecoverKit:
    paging = hands.paging

    def restore(order: Order, parent: str, step: str) -> Run:
        with paging.linking(parent, step):
            done: Run = hands.restoring.begin(order, paging.view, backup_first=False)
            return done

    def resume(linked: Linked, parent: str, step: str) -> Run:
        with paging.linking(parent, step):
            return hands.resume(linked.run, f"recovery {parent} goes on", None, paging.view)

    options = run.requested.options
    return RecoverKit(
        recover_orders(options), paging.linked, restore, resume, lambda: paging.opened(options), Path(options["work"])
    )


def _never(run: Run) -> Fact:
    return RunFailed("JournalDamaged", "a recovery that did not bring its journal", "", 30, "journal-damaged")


JOB: Job[RecoverKit] = Job(
    name=NAME,
    title="bring a lost machine back out of a repository: configuration, journal, then each source",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=_never),
        "restoring": Stage(steps=_steps, leave=_finish),
        "waiting": Stage(steps=_steps),
        "ending": Stage(steps=lambda run, kit: (), leave=_end),
    },
    resources=lambda run: (Resource("recover"),),
    kit=_kit,
    tidy=lambda run, kit: shutil.rmtree(kit.work, ignore_errors=True),
)
