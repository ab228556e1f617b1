"""Copies of one configuration into its other tiers: their repositories, and the runs that fill them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app import App, View


@dataclass(frozen=True)
class Copying:
    """What an assembled program does to keep copies elsewhere."""

    app: App

    def push(self, tier: str, slot: datetime | None = None, view: View | None = None) -> Run:
        """Copies what a ring's tier lacks and drives the run to its end. Raises Busy."""
        from axejournal.config.effective import dumps
        from axejournal.jobs.copying import copy_options
        from axejournal.jobs.ring_push import JOB

        options = copy_options(tier, dumps(self.app.config), self.app.now_text())
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(JOB, slot, options))
