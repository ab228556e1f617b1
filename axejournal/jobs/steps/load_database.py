"""Loads a fetched dump into a database beside the live one."""

from __future__ import annotations

import os
from dataclasses import dataclass

from axejournal.domain.facts import DatabaseDumped
from axejournal.domain.facts.restore import DatabaseLoaded, RolesRestored
from axejournal.domain.job import ONCE, USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit
from axejournal.jobs.steps.dump_database import DATA, ROLES
from axejournal.jobs.steps.fetch_dump import fetched_folder, truth_of


@dataclass(frozen=True)
class RestoreRoles:
    """Makes the roles that are missing; a role that exists is left alone."""

    kit: RestoreKit
    name: str = "roles"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> RolesRestored | None:
        """Making what is missing is done again: what was made is there by then."""
        return None

    def act(self, attempt: Attempt) -> RolesRestored:
        """Raises SourceRefused, SourceUnreachable, ProgramFailed."""
        file = fetched_folder(self.kit) / ROLES
        if not file.is_file():
            return RolesRestored((), ())
        return RolesRestored(*self.kit.database.restore_roles(file))


@dataclass(frozen=True)
class LoadDatabase:
    """With all cores. The database is renamed when the load has ended well: its name tells that it is whole."""

    kit: RestoreKit
    name: str = "load"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> DatabaseLoaded | None:
        """It has the name that it gets last."""
        found = self.kit.database.live(self.kit.plan.restored)
        return DatabaseLoaded(found.name, found.size_bytes) if found else None

    def act(self, attempt: Attempt) -> DatabaseLoaded:
        """Raises SourceRefused (a role or an extension is missing), DiskFull, SourceUnreachable, ProgramFailed."""
        plan, server = self.kit.plan, self.kit.database
        truth: DatabaseDumped = truth_of(self.kit)
        begin_us = self.kit.clock.monotonic_us()
        dump = fetched_folder(self.kit) / DATA
        server.drop(plan.restored)
        loaded = server.load(dump, truth.database, plan.restoring, os.cpu_count() or 2, attempt.progress)
        server.rename(plan.restoring, plan.restored)
        found = server.live(plan.restored)
        size = found.size_bytes if found else 0
        took_s = round((self.kit.clock.monotonic_us() - begin_us) / 1e6, 3)
        return DatabaseLoaded(plan.restored, size, took_s, loaded.notes, loaded.left_out)
