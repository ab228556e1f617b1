"""The loop: intent, effect, fact, until the run has ended. The only user of `tenacity`.

A finished step is never done again. A step that a dead process left open is probed first: did it happen after all?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from axejournal.domain.errors import AxejError, Interrupted, JournalDamaged, PersonNeeded, StaleRunner
from axejournal.domain.events import (
    ChildStarted,
    RunCancelled,
    RunFailed,
    RunWaits,
    StepFailed,
    StepGivenUp,
    StepProbed,
    StepStarted,
)
from axejournal.domain.job import Attempt, Job, Step
from axejournal.domain.ports import Child, Children, Clock, Progress
from axejournal.domain.run import OPEN, Run
from axejournal.engine.log import Entry, RunLog

Kit = TypeVar("Kit")


class Observer(Protocol):
    """Watches a run. `at` names the instants between which a process can die."""

    def at(self, point: str, step: str) -> None:
        """point: "intent" (durable, effect not begun), "effect" (done, fact not recorded), "fact" (recorded)."""
        ...

    def progress(self, run: str, step: str, progress: Progress) -> None:
        """How far a step has come; called often, from any thread."""
        ...


@dataclass(frozen=True)
class Runner:
    """Drives runs. Raises nothing for a run that failed: its outcome says so."""

    children: Children
    clock: Clock
    observer: Observer

    def drive(self, job: Job[Any], log: RunLog, kit: Any) -> Run:
        """Goes on until the run has ended, or waits for a person, and returns it. Raises JournalDamaged and StaleRunner,
        after which nothing of the run may be touched, and re-raises a bug after it was recorded as the run's failure."""
        try:
            while log.run.state not in job.machine.final:
                if not self._advance(job, log, kit):
                    return log.run
        except (JournalDamaged, StaleRunner):
            self.children.end_all("the journal can't be written")
            raise
        except Exception as bug:
            hint = 'This is a bug of axej; "axej history RUN" has the events that led to it.'
            log.record(Entry(RunFailed(type(bug).__name__, f"unexpected: {bug}", hint)))
            job.tidy(log.run, kit)
            raise
        job.tidy(log.run, kit)
        return log.run

    def _advance(self, job: Job[Any], log: RunLog, kit: Any) -> bool:
        """Returns False when the run can't go on until a person is there."""
        run = log.run
        if why := self.children.cancelled():
            log.record(Entry(RunCancelled(why)))
            return True
        stage = job.stages[job.machine.renamed.get(run.state, run.state)]
        pending = [step for step in stage.steps(run, kit) if not run.settled(step.name)]
        if pending:
            return self._work(log, pending, stage.at_once(run))
        if stage.leave is None:
            raise RuntimeError(f"job {job.name}: nothing to do in state {run.state} and no way out of it")
        log.record(Entry(stage.leave(run)))
        return True

    def _work(self, log: RunLog, steps: Sequence[Step], at_once: int) -> bool:
        if len(steps) == 1 or at_once == 1:
            failures = [self._settle(log, steps[0])]
        else:
            with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="step") as pool:
                failures = list(pool.map(lambda step: self._settle(log, step), steps))
        bad = [failure for failure in failures if failure is not None and not isinstance(failure, PersonNeeded)]
        if bad and isinstance(bad[0], Interrupted):
            log.record(Entry(RunCancelled(self.children.cancelled() or bad[0].message)))
        elif bad:
            log.record(Entry(RunFailed.of(bad[0])))
        return bool(bad) or not any(failures)

    def _settle(self, log: RunLog, step: Step) -> AxejError | None:
        """Does a step, or gives it up when the run can bear that; returns the failure that the run can't bear."""
        try:
            if not self._happened(log, step):
                self._perform(log, step)
        except (JournalDamaged, StaleRunner):
            raise
        except (Interrupted, PersonNeeded) as failure:
            return failure
        except AxejError as failure:
            if not step.contained:
                return failure
            log.record(Entry(StepGivenUp(failure.code, failure.message, failure.hint), step.name))
        return None

    def _happened(self, log: RunLog, step: Step) -> bool:
        record = log.run.steps.get(step.name)
        if record is None or record.status != OPEN:
            return False
        decided = log.run.decided.decision if log.run.decided else None
        if decided == "adopt":
            log.record(Entry(StepGivenUp("OperatorDecided", "the operator said that the run is to go on without it"), step.name))
            return True
        with self.children.owned(log.run.id, lambda child: self._child(log, step, record.attempts, child)):
            fact = step.probe(log.run) if decided != "retry" else None
        entries = [Entry(StepProbed(happened=fact is not None), step.name, record.attempts)]
        if fact is not None:
            entries.append(Entry(fact, step.name, record.attempts))
        log.record(*entries)
        return fact is not None

    def _perform(self, log: RunLog, step: Step) -> None:
        record = log.run.steps.get(step.name)
        left = max(1, step.policy.attempts - (record.failures if record else 0))
        retrying = Retrying(
            stop=stop_after_attempt(left),
            wait=wait_exponential_jitter(multiplier=step.policy.first_wait_s, max=step.policy.longest_wait_s),
            retry=retry_if_exception(lambda failure: isinstance(failure, AxejError) and failure.passing),
            sleep=self.clock.sleep,
            before_sleep=lambda state: self._failed(log, step, state),
            reraise=True,
        )
        try:
            retrying(self._try, log, step)
        except AxejError as failure:
            if not isinstance(failure, JournalDamaged | StaleRunner):
                attempts = log.run.steps[step.name].attempts
                waits = isinstance(failure, PersonNeeded)
                says = RunWaits(failure.message, failure.hint) if waits else None
                log.record(Entry(says or StepFailed(failure.code, failure.message, failure.hint), step.name, attempts))
            raise

    def _try(self, log: RunLog, step: Step) -> None:
        self._unless_cancelled()
        record = log.run.steps.get(step.name)
        number = record.attempts + 1 if record else 1
        log.record(Entry(StepStarted(), step.name, number))
        self.observer.at("intent", step.name)
        with self.children.owned(log.run.id, lambda child: self._child(log, step, number, child)):
            fact = step.act(Attempt(log.run, number, self._teller(log.run.id, step.name), self._unless_cancelled))
        self.observer.at("effect", step.name)
        log.record(Entry(fact, step.name, number))
        self.observer.at("fact", step.name)

    def _teller(self, run: str, step: str) -> Callable[[Progress], None]:
        return lambda progress: self.observer.progress(run, step, progress)

    def _unless_cancelled(self) -> None:
        if why := self.children.cancelled():
            raise Interrupted(why)

    def _failed(self, log: RunLog, step: Step, state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        assert isinstance(failure, AxejError)
        wait_s = round(state.next_action.sleep, 1) if state.next_action else 0.0
        attempts = log.run.steps[step.name].attempts
        log.record(Entry(StepFailed(failure.code, failure.message, failure.hint, wait_s), step.name, attempts))

    def _child(self, log: RunLog, step: Step, attempt: int, child: Child) -> None:
        log.record(Entry(ChildStarted(child.program, child.pid, child.started_at_s, child.boot_id), step.name, attempt))
