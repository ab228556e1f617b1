"""The one writer of a run: computes the state after each fact, appends, and keeps the fold up to date.

Several threads of one process may record for the same run; another process that took the run over is noticed by its
higher epoch (StaleRunner) and nothing is appended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from axejournal.domain.events import Event, Fact
from axejournal.domain.machine import Machine
from axejournal.domain.ports import Draft, EventStore
from axejournal.domain.run import Run, apply


@dataclass(frozen=True)
class Entry:
    """A fact and the step and attempt that it belongs to."""

    fact: Fact
    step: str | None = None
    attempt: int | None = None


class RunLog:
    """Records facts of one run. `heard` is told of each event once it is durable."""

    def __init__(
        self,
        store: EventStore,
        machine: Machine,
        run_id: str,
        new_id: Callable[[], str],
        run: Run | None = None,
        heard: Callable[[Event, Run], None] = lambda event, run: None,
    ) -> None:
        self._store = store
        self._machine = machine
        self._run_id = run_id
        self._new_id = new_id
        self._run = run
        self._epoch = run.epoch + 1 if run else 1
        self._heard = heard
        self._guard = threading.RLock()

    @property
    def run(self) -> Run:
        """The run as it is now."""
        assert self._run is not None
        return self._run

    def record(self, *entries: Entry) -> Run:
        """All entries durable in one transaction, or none. Raises IllegalTransition, StaleRunner, JournalDamaged."""
        with self._guard:
            after = self._run.number if self._run else 0
            events = self._store.append(self._run_id, self._epoch, after, self._drafts(entries))
            for event, entry in zip(events, entries, strict=True):
                self._run = apply(self._run, event, entry.fact)
                self._heard(event, self._run)
            return self.run

    def _drafts(self, entries: tuple[Entry, ...]) -> tuple[Draft, ...]:
        state = self._run.state if self._run else None
        drafts: list[Draft] = []
        for entry in entries:
            state = self._machine.initial if state is None else self._next(state, entry)
            drafts.append(Draft(self._new_id(), entry.fact, state, entry.step, entry.attempt))
        return tuple(drafts)

    def _next(self, state: str, entry: Entry) -> str:
        present = self._machine.renamed.get(state, state)
        return self._machine.next(present, type(entry.fact).__name__)
