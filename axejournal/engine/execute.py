"""Begins runs and takes them up again after a crash.

A run is alive exactly as long as its process holds the lease `run:ID` (the kernel gives it back at death). Resume ends
what the dead process left, records the new epoch, and goes on; it never guesses from pids or timeouts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from axejournal.domain.errors import AxejError, Busy, RunStranded, RunUnknown, UsageFault
from axejournal.domain.events import Event, OperatorDecided, RunCancelled, RunFailed, RunRequested, RunResumed
from axejournal.domain.job import Job
from axejournal.domain.machine import CANCELLED
from axejournal.domain.ports import Children, EventStore, Leases
from axejournal.domain.resting import RESTING
from axejournal.domain.run import OPEN, Run, fold
from axejournal.engine.log import Entry, RunLog
from axejournal.engine.runner import Runner

MOST_CRASHES = 5
"""A step that took its process down this often is not tried a sixth time by itself."""

DECISIONS = ("adopt", "retry", "abandon")


@dataclass(frozen=True)
class Engine:
    """Everything that a run needs beside its job. `hands`: what each job makes its kit from."""

    store: EventStore
    leases: Leases
    children: Children
    runner: Runner
    jobs: Mapping[str, Job[Any]]
    hands: Any
    new_id: Callable[[], str]
    heard: Callable[[Event, Run], None]
    wait_for_lease_s: float = 0.0
    ended: Callable[[Run], None] = lambda run: None  # told of each run that this process drove to its end, its leases given back

    def begin(self, run_id: str, requested: RunRequested) -> Run:
        """Starts a run and drives it to its end. Raises Busy, before anything is recorded, when another run works on
        the same resources."""
        job = self.jobs[requested.job]
        provisional = Run(run_id, requested, job.machine.initial, 1, 0)
        with self._held(job, provisional):
            log = self._log(job, run_id, None)
            log.record(Entry(requested))
            run = self._drive(job, log)
        return self._told(run)

    def resume(self, run_id: str, reason: str, decision: str | None = None) -> Run:
        """Takes up a run whose process is dead, or that waits for a person, and drives it to its end; returns an ended run as
        it is.

        Raises Busy when it is alive, RunUnknown, RunStranded when this axej doesn't know its job or its state.
        `decision` is a person's way out of a stuck run: "adopt" (go on without the open step), "retry" (without
        probing it), "abandon" (end it now).
        """
        run = self._fold(run_id)
        job = self.jobs.get(run.requested.job)
        if run.outcome is not None:
            return run
        if job is None:
            raise RunStranded(
                f"run {run_id}: job {run.requested.job} is unknown to this axej",
                f'Install the axej that began it, or end the run with "axej resume {run_id} --abandon".',
            )
        with self._held(job, run):
            run = self._fold(run_id)
            if run.outcome is not None:
                return run
            run = self._take_up(job, run, reason, decision)
        return self._told(run)

    def _told(self, run: Run) -> Run:
        if run.outcome is not None:
            self.ended(run)
        return run

    def open_runs(self, waiting: bool = False) -> tuple[str, ...]:
        """Runs that have not ended and whose process is dead, oldest first; those that wait for a person only if asked
        for (a resume without one would come no further)."""
        dead = (run for run in self.store.open_runs() if self.leases.holder(f"run:{run}") is None)
        return tuple(run for run in dead if waiting or self.store.stream(run)[-1].state not in RESTING)

    def _take_up(self, job: Job[Any], run: Run, reason: str, decision: str | None) -> Run:
        ended = self.children.end_left_behind(run.id, run.children)
        log = self._log(job, run.id, run)
        if decision == "abandon":
            abandoned = RunFailed.of(RunStranded(f"run {run.id} was abandoned: {reason}"))
            log.record(Entry(OperatorDecided(decision, reason)), Entry(abandoned))
            return self._drive(job, log)
        present = job.machine.renamed.get(run.state, run.state)
        if present not in job.machine.states:
            raise RunStranded(
                f"run {run.id} is in state {run.state}, which this axej doesn't know (machine version "
                f"{run.requested.machine_version}, here {job.machine.version})",
                f'Install the axej that began it, or end the run with "axej resume {run.id} --abandon".',
            )
        if decision == "adopt":
            self._check_adoption(job, run, present)
        log.record(Entry(RunResumed(reason, ended)))
        if decision is not None:
            log.record(Entry(OperatorDecided(decision, reason)))
        elif poison := _poisoned(log.run):
            hint = f'Look at it with "axej history {run.id}", mend the cause, then start a new run.'
            log.record(Entry(RunFailed.of(RunStranded(f"step {poison} took its process down {MOST_CRASHES} times", hint))))
        return self._drive(job, log)

    def _drive(self, job: Job[Any], log: RunLog) -> Run:
        """A run whose hands can't be made (restic is missing, say) has failed: it must not stay open."""
        try:
            kit = job.kit(self.hands, log.run)
        except AxejError as failure:
            if log.run.outcome is None:
                why = self.children.cancelled()
                log.record(Entry(RunCancelled(why) if why else RunFailed.of(failure)))
            return log.run
        return self.runner.drive(job, log, kit)

    def _check_adoption(self, job: Job[Any], run: Run, state: str) -> None:
        """Only a step that the run can do without can be adopted."""
        kit = job.kit(self.hands, run)
        steps = job.stages[state].steps(run, kit)
        needed = [step.name for step in steps if not step.contained and not run.settled(step.name)]
        if needed:
            raise UsageFault(
                f"run {run.id} can't go on without the step {needed[0]}",
                f'Write "axej resume {run.id} --retry" to do it again, or "axej resume {run.id} --abandon" to end the run.',
            )

    def _fold(self, run_id: str) -> Run:
        run = fold(self.store.stream(run_id), self.store.fact)
        if run is None:
            raise RunUnknown(f"no run {run_id} is in the journal", '"axej history" lists the runs there are.')
        return run

    def _log(self, job: Job[Any], run_id: str, run: Run | None) -> RunLog:
        return RunLog(self.store, job.machine, run_id, self.new_id, run, self.heard)

    @contextmanager
    def _held(self, job: Job[Any], run: Run) -> Iterator[None]:
        with ExitStack() as held:
            held.enter_context(self.leases.take(f"run:{run.id}", run.id))
            for resource in job.resources(run):
                try:
                    lease = self.leases.take(resource.name, run.id, resource.shared, self.wait_for_lease_s)
                    held.enter_context(lease)
                except Busy as busy:
                    raise Busy(f"{busy.message}; {job.name} was not started", busy.hint) from None
            yield


def _poisoned(run: Run) -> str | None:
    return next((s.name for s in run.steps.values() if s.status == OPEN and s.crashes >= MOST_CRASHES), None)


def ended_badly(run: Run) -> bool:
    """Whether a run ended as failed or cancelled."""
    return run.state in ("failed", CANCELLED)
