"""Reads a part of a repository's data, and tells which restore points that proves."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.errors import RepositoryForeign, RepositoryLocked
from axejournal.domain.facts.check import DataRead, PointOfSource, PointsChecked
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.reading import all_read_since, next_part
from axejournal.domain.run import Run
from axejournal.jobs.checking import CheckKit


@dataclass(frozen=True)
class ReadData:
    """The part that was read longest ago."""

    kit: CheckKit
    name: str = "read"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> DataRead | None:
        """Nobody can tell how far it came: the same part is read again."""
        return None

    def act(self, attempt: Attempt) -> DataRead:
        """Raises RepositoryForeign and what Repository.check raises."""
        kit = self.kit
        identity = kit.repository.identity()
        wanted = kit.memory.repository_id(kit.tier)
        if wanted is not None and wanted != identity and identity not in {point.repository for point in kit.points()}:
            raise RepositoryForeign(
                f"repository {kit.tier} at {kit.repository.place} has the id {identity[:8]}, not the recorded {wanted[:8]}",
                "Put the right repository back in its place.",
            )
        part = next_part(kit.parts(identity), kit.of)
        if attempt.again:
            kit.repository.unlock_dead(kit.is_dead_lock)
        begin_us = kit.clock.monotonic_us()
        faults = self._check(part)
        seconds = round((kit.clock.monotonic_us() - begin_us) / 1e6, 3)
        return DataRead(kit.tier, identity, part, kit.of, faults, kit.part_bytes(part), seconds)

    def _check(self, part: int) -> tuple[str, ...]:
        try:
            return self.kit.repository.check(part, self.kit.of)
        except RepositoryLocked:
            if not self.kit.repository.unlock_dead(self.kit.is_dead_lock):
                raise
            return self.kit.repository.check(part, self.kit.of)


@dataclass(frozen=True)
class ProvePoints:
    """See domain/reading for the rule."""

    kit: CheckKit
    name: str = "prove"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> PointsChecked | None:
        """Looking is done again."""
        return None

    def act(self, attempt: Attempt) -> PointsChecked:
        """Reads the journal only."""
        read = attempt.run.find(DataRead)
        assert read is not None
        since = all_read_since(self.kit.parts(read.repository), read.of)
        points = [
            PointOfSource(point.snapshot, point.source)
            for point in self.kit.points()
            if since is not None and point.repository == read.repository and point.proof == "stored" and point.made_at < since
        ]
        return PointsChecked(read.tier, read.repository, tuple(points), since.isoformat() if since else None)
