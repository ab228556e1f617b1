"""Proofs of one configuration's copies: checks of repositories, and drills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.app import App, View
    from axejournal.jobs.drill_plan import DrillAsk


@dataclass(frozen=True)
class Proving:
    """What an assembled program does to know that its copies are good."""

    app: App

    def check(self, tier: str, slot: datetime | None = None, view: View | None = None) -> Run:
        """Reads the part of a tier's repository that was read longest ago. Raises Busy, UsageFault for no such tier."""
        from axejournal.config.effective import dumps
        from axejournal.jobs.check_repository import JOB
        from axejournal.jobs.checking import check_options

        config = self.app.config
        options = check_options(self._tier(tier), config.check.parts, dumps(config), self.app.now_text())
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(JOB, slot, options))

    def drill(self, ask: DrillAsk, slot: datetime | None = None, view: View | None = None) -> Run:
        """Brings sources back into scratch servers and tells what came of it. Raises Busy, UsageFault."""
        from axejournal.config.effective import dumps
        from axejournal.jobs.drill_plan import drill_options
        from axejournal.jobs.restore_drill import JOB

        options = drill_options(self.app.config, dumps(self.app.config), ask, self.app.now_text())
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(JOB, slot, options))

    def _tier(self, name: str) -> str:
        from axejournal.domain.errors import UsageFault

        if name in self.app.config.tiers:
            return name
        names = ", ".join(tier for tier, _ in self.app.config.tiers.items())
        raise UsageFault(f"no tier is called {name}; there are {names}", f"Write --tier and one of these: {names}.")
