"""Chooses the restore points that a drill brings back from one tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from axejournal.domain import asof
from axejournal.domain.asof import AsOf
from axejournal.domain.errors import AxejError, Interrupted, RestorePointMissing
from axejournal.domain.facts.drill import DrillPoint, PointsChosen
from axejournal.domain.job import ONCE, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.drill_plan import DrillKit
from axejournal.jobs.restore_orders import Point


@dataclass(frozen=True)
class ChoosePoints:
    """The newest there is, or what was asked for. A tier that has none of what is wanted, or that can't be opened, is a
    fact too."""

    kit: DrillKit
    tier: str
    wanted: tuple[str, ...]
    policy: RetryPolicy = ONCE
    contained: bool = False

    @property
    def name(self) -> str:
        return f"choose:{self.tier}"

    def probe(self, run: Run) -> PointsChosen | None:
        """Looking is done again."""
        return None

    def act(self, attempt: Attempt) -> PointsChosen:
        """Reads the journal, and whether the tier's repository is the one that the journal means."""
        kit, at_us = self.kit, self.kit.clock.monotonic_us()
        swept = kit.hands.sweep_scratch()
        found = [point for point in kit.hands.points_of(self.tier) if point.source in self.wanted]
        here, why = self._here(found)
        if why:
            return PointsChosen(self.tier, (), dict.fromkeys(self.wanted, why), why, swept, at_us)
        chosen, missing = [], {}
        for source in self.wanted:
            try:
                chosen.append(self._choose(source, [point for point in here if point.source == source]))
            except RestorePointMissing as nothing:
                missing[source] = nothing.message
        return PointsChosen(self.tier, tuple(chosen), missing, "", swept, at_us)

    def _choose(self, source: str, points: list[Point]) -> DrillPoint:
        kit, now = self.kit, self.kit.clock.now()
        text = kit.options.get("as_of")
        asked = asof.parse(text, kit.config.timezone, self._asked_at()) if text else AsOf("the newest", until=now)
        if not points:
            raise RestorePointMissing(f"tier {self.tier} has no restore point of it")
        point = asof.choose(points, asked)
        if point.kind == "volume":
            raise RestorePointMissing(f"the restore point {point.time} holds its stopped server's volume, no dump")
        return DrillPoint(
            source=source,
            kind=point.kind,
            repository=point.repository,
            snapshot=point.snapshot,
            run=point.run,
            time=point.time,
            proof=point.proof,
            paths=tuple(point.paths),
            size_bytes=point.size_bytes,
            files=point.files,
            age_s=round((now - point.at).total_seconds(), 1),
            rpo_s=kit.config.tiers[self.tier].rpo.total_seconds(),
        )

    def _asked_at(self) -> datetime:
        asked = datetime.fromisoformat(str(self.kit.options["requested_at"]))
        return asked.astimezone(ZoneInfo(self.kit.config.timezone))

    def _here(self, found: Sequence[Point]) -> tuple[Sequence[Point], str]:
        """Those in the repository that is there now (a tier of disks has several), or why nothing can be read."""
        if not found:
            return (), ""
        try:
            repository = self.kit.repository(self.tier)
            identity = repository.identity()
        except Interrupted:
            raise
        except AxejError as failure:
            return (), f"tier {self.tier}: {failure.message}"
        here = [point for point in found if point.repository == identity]
        if here:
            return here, ""
        known = ", ".join(sorted({point.repository[:8] for point in found}))
        return (), f"tier {self.tier}: the repository at {repository.place} has the id {identity[:8]}, not {known}"
