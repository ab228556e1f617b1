"""Looks before anything is sent: restic, both repositories' ids, locks that dead processes left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.domain.errors import RepositoryForeign, RepositoryMissing
from axejournal.domain.facts import PreflightPassed
from axejournal.domain.job import PATIENT, Attempt, RetryPolicy
from axejournal.domain.ports import Repository
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.jobs.copying import CopyKit


@dataclass(frozen=True)
class LookAtTier:
    """The preflight of a run that copies. Neither repository is ever made here."""

    kit: CopyKit
    name: str = "preflight"
    policy: RetryPolicy = PATIENT
    contained: bool = False
    free_bytes: int = 0  # what a look before has found, for the record
    remote_locks: bool = True  # whether locks may lie in the tier's repository
    removes: bool = True  # whether dead locks are removed

    def probe(self, run: Run) -> PreflightPassed | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> PreflightPassed:
        """Raises ProgramMissing, ProgramTooOld, RepositoryMissing, RepositoryForeign, WrongPassword, PeerUnreachable."""
        kit = self.kit
        version = kit.restic_version()
        self._compare("local", kit.source)
        identity = self._compare(kit.plan.tier, kit.repository)
        removed = kit.source.unlock_dead(kit.is_dead_lock) if self.removes else ()
        if self.removes and self.remote_locks:
            removed += kit.repository.unlock_dead(kit.is_dead_lock)
        leftovers = tuple(f"restic's lock of process {lock.pid}" for lock in removed)
        return PreflightPassed(version, identity, self.free_bytes, 0, leftovers=leftovers)

    def _compare(self, tier: str, repository: Repository) -> str:
        recorded = self.kit.memory.repository_id(tier)
        if recorded is None:
            raise RepositoryMissing(
                f"the journal knows no repository of tier {tier}",
                f'Make it with "{self.kit.plan.init if tier != "local" else "axej init"}".',
            )
        identity = repository.identity(known=True)  # a copy tries the passwords
        if identity != recorded:
            raise RepositoryForeign(
                f"repository {tier} at {repository.place} has the id {identity[:8]}, not the recorded {recorded[:8]}",
                f'Put the right repository back in its place, or accept this one with "axej init --adopt {tier}".',
            )
        return identity
