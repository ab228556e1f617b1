"""Looks before anything is touched: programs, the repository's id, reachable servers, free space, leftovers."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from axejournal.domain.errors import AxejError, DiskFull, DockerAsleep, Interrupted, RepositoryForeign
from axejournal.domain.facts import PreflightPassed
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit, DatabasePlan

DUMP_PER_DATABASE_BYTE = 2.1
"""A first dump's size against pg_database_size: bytea is dumped as hex (300 MB of blobs staged 648 MB, measured)."""
GROWTH = 1.2
"""A later dump's size against the last one's."""
EMPTY_SERVER_BYTES = 64 * 1024 * 1024
"""A physical copy holds the server's own catalogs, the template databases and some WAL too (40 to 56 MB, measured)."""
SPARE_BYTES = 64 * 1024 * 1024
"""For the journal's copy, the configuration and the journal's own growth."""
DOCKER_S, POLL_S = 600.0, 5.0
"""How long a scheduled run waits for Docker to answer, looking so often: after a boot it may be called minutes before."""


@dataclass(frozen=True)
class Preflight:
    """Touches nothing but the staging folder, which a dead run may have left full."""

    kit: BackupKit
    name: str = "preflight"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> PreflightPassed | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> PreflightPassed:
        """Raises ProgramMissing, ProgramTooOld, RepositoryMissing, RepositoryForeign, WrongPassword, DiskFull."""
        kit = self.kit
        version = kit.restic_version()
        leftovers = self._sweep()
        with ThreadPoolExecutor(max_workers=1 + len(kit.plan.databases)) as pool:
            # each thread gets a copy of the context: it says whose children are started here
            repository = pool.submit(copy_context().run, kit.repository.identity, known=not attempt.again)
            looks = {plan.name: pool.submit(copy_context().run, self.look, plan, attempt) for plan in kit.plan.databases}
            identity = repository.result()
            found = {name: look.result() for name, look in looks.items()}
        self.compare(identity)
        removed = kit.repository.unlock_dead(kit.is_dead_lock)
        leftovers += tuple(f"restic's lock of process {lock.pid}" for lock in removed)
        needed = self.needed_bytes(found)
        free = kit.disk.free_bytes(kit.plan.staging)
        if free < needed:
            raise DiskFull(
                f"{kit.plan.staging}: {free:,} bytes are free and the dumps may need {needed:,}",
                "Free some space, or set `state:` to a folder on a larger disk.",
            )
        unreachable = {name: answer for name, answer in found.items() if isinstance(answer, str)}
        return PreflightPassed(version, identity, free, needed, unreachable, leftovers)

    def _sweep(self) -> tuple[str, ...]:
        """Empties the staging folder. No other run works in it: the lease on it is ours."""
        staging = self.kit.plan.staging
        leftovers = tuple(sorted(path.name for path in staging.iterdir())) if staging.is_dir() else ()
        for name in leftovers:
            path = staging / name
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        staging.chmod(0o700)
        return leftovers

    def needed_bytes(self, found: dict[str, int | str]) -> int:
        """Bytes that the staging folder must be able to take."""
        return SPARE_BYTES + sum(answer for answer in found.values() if isinstance(answer, int))

    def look(self, plan: DatabasePlan, attempt: Attempt | None = None) -> int | str:
        """Bytes that the dump may need, or why the server can't be reached (the dump's own step deals with it)."""
        last = self.kit.memory.last_dump(plan.name)
        try:
            size = self._size_bytes(plan, attempt)
        except Interrupted:
            raise
        except AxejError as failure:
            return failure.message
        dump = int(last.size_bytes * GROWTH) if last else int(size * DUMP_PER_DATABASE_BYTE)
        return dump + self._physical_bytes(plan, size)

    def _size_bytes(self, plan: DatabasePlan, attempt: Attempt | None) -> int:
        """Of the database. A person is told at once that Docker does not answer; nobody sits before a scheduled run."""
        begin_us = self.kit.clock.monotonic_us()
        patient = attempt is not None and attempt.run.requested.trigger == "schedule"
        while True:
            try:
                return self.kit.server(plan.name).database_size_bytes(plan.database)
            except DockerAsleep:
                if attempt is None or not patient or (self.kit.clock.monotonic_us() - begin_us) / 1e6 >= DOCKER_S:
                    raise
            attempt.unless_cancelled()
            self.kit.clock.sleep(POLL_S)

    def _physical_bytes(self, plan: DatabasePlan, database_bytes: int) -> int:
        """Counted every night, due or not: the disk must be able to take it in any case."""
        if plan.physical_days is None:
            return 0
        last = self.kit.memory.last_physical(plan.name)
        return int(last.size_bytes * GROWTH) if last else database_bytes + EMPTY_SERVER_BYTES

    def compare(self, identity: str) -> None:
        """Raises RepositoryForeign when this is not the repository that the journal knows."""
        plan = self.kit.plan
        recorded = self.kit.memory.repository_id(plan.tier)
        if recorded is not None and recorded != identity:
            raise RepositoryForeign(
                f"repository {plan.tier} at {self.kit.repository.place} has the id {identity[:8]}, "
                f"not the recorded {recorded[:8]}",
                f'Put the right repository back in its place, or accept this one with "axej init --adopt {plan.tier}".',
            )
