"""Gives the restored database its name, in one transaction, and keeps what it replaces."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.errors import SourceRefused
from axejournal.domain.facts.restore import DatabasePlaced
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.ports.restore import RestoreServer
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit


@dataclass(frozen=True)
class SwapDatabase:
    """The one moment at which a restore touches a live database."""

    kit: RestoreKit
    name: str = "swap"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> DatabasePlaced | None:
        """The names tell: they are of this run, and they change together."""
        plan, server = self.kit.plan, self.kit.database
        if plan.into is None and server.live(plan.before) is not None:
            return self._fact(plan.before)
        gone = server.live(plan.restored) is None
        return self._fact(None) if gone and server.live(plan.target) is not None else None

    def act(self, attempt: Attempt) -> DatabasePlaced:
        """Raises SourceRefused: the database is not to be had alone, or one of the name of --into is there by now."""
        plan, server = self.kit.plan, self.kit.database
        if server.live(plan.target) is None:
            server.rename(plan.restored, plan.target)
            return self._fact(None)
        if plan.into is not None:
            raise _taken(plan.into, plan.place)
        ended = server.swap(plan.database, plan.restored, plan.before)
        return self._fact(plan.before, ended)

    def _fact(self, kept: str | None, ended: int = 0) -> DatabasePlaced:
        until = (self.kit.clock.now() + self.kit.plan.keep_old).isoformat(timespec="seconds") if kept else None
        return DatabasePlaced(self.kit.plan.target, kept, until, ended)


def _taken(name: str, place: str) -> SourceRefused:
    return SourceRefused(f"a database {name} is already at {place}", "Name another with --into, or drop that one.")


def check_into(server: RestoreServer, into: str | None, place: str) -> None:
    """Raises SourceRefused when the name of --into is taken."""
    if into is not None and server.live(into) is not None:
        raise _taken(into, place)
