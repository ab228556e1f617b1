"""The processes of a run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Child:
    """A process that a run started. pid alone says nothing: pids are reused, boots end."""

    program: str
    pid: int
    started_at_s: float
    boot_id: str


class Children(Protocol):
    """The processes of a run, living or left behind."""

    def owned(self, run: str, record: Callable[[Child], None]) -> AbstractContextManager[None]:
        """Inside (in this thread), each child started is marked with the run and handed to `record` first."""
        ...

    def end_all(self, why: str) -> None:
        """Tells every living child of this process to end; none can be started any more."""
        ...

    def cancelled(self) -> str | None:
        """Why `end_all` was called, or None."""
        ...

    def end_left_behind(self, run: str, recorded: tuple[Child, ...]) -> tuple[str, ...]:
        """Ends processes, containers and database sessions that a dead process left of this run; says which lived."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a step has come; `of` is None while unknown."""

    done_bytes: int
    of_bytes: int | None
    note: str = ""
