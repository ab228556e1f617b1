"""The children of a run, whatever kind they are: processes, sidecar containers, database sessions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from axejournal.domain.ports import Child
from axejournal.programs import process
from axejournal.programs.process import Owner

Sweeper = Callable[[str], tuple[str, ...]]
"""Ends what a run left of one kind, and says what it was. Takes the run's id; may be called twice."""


@dataclass(frozen=True)
class RunChildren:
    """The `Children` port. `keep` is told what each ended child said; `end_processes` ends what lives of a dead run's
    processes, `sweepers` what is no process of ours."""

    keep: Callable[[str, str, int, str], None]
    end_processes: Callable[[str, tuple[Child, ...]], tuple[Child, ...]]
    sweepers: Callable[[str], tuple[Sweeper, ...]]

    def owned(self, run: str, record: Callable[[Child], None]) -> AbstractContextManager[None]:
        """See the port."""
        return process.owned(Owner(run, record, lambda program, code, said: self.keep(run, program, code, said)))

    def end_all(self, why: str) -> None:
        """See the port."""
        process.end_all(why)

    def cancelled(self) -> str | None:
        """See the port."""
        return process.cancelled()

    def end_left_behind(self, run: str, recorded: tuple[Child, ...]) -> tuple[str, ...]:
        """Processes first: a client that still lives could start more inside its container."""
        ended = tuple(f"process {child.pid} ({child.program})" for child in self.end_processes(run, recorded))
        for sweep in self.sweepers(run):
            ended += sweep(run)
        return ended
