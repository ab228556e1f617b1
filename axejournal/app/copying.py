"""Copies of one configuration into its other tiers: their repositories, and the runs that fill them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.app import App, View
    from axejournal.domain.job import Job
    from axejournal.jobs.ring_preview import Preview


@dataclass(frozen=True)
class Copying:
    """What an assembled program does to keep copies elsewhere."""

    app: App

    def push(self, tier: str, slot: datetime | None = None, view: View | None = None) -> Run:
        """Copies what a ring's tier lacks and drives the run to its end. Raises Busy."""
        if (peer := self.app.peer(tier)) is not None:
            peer.begin()  # its machine answers while the journal is opened here
        from axejournal.jobs.ring_push import JOB
        from axejournal.jobs.ringing import push_options

        parts = int(getattr(self.app.config.tiers[tier], "read_parts", 0))
        return self._begin(JOB, push_options(tier, parts, self._effective(), self.app.now_text()), slot, view)

    def preview(self, tier: str) -> Preview:
        """What a push would do now; records nothing, sends nothing. Raises what its preflight raises."""
        from axejournal.jobs.ring_preview import preview
        from axejournal.jobs.ring_push import JOB
        from axejournal.jobs.ringing import push_options

        options = push_options(tier, 0, self._effective(), self.app.now_text())
        asked = Run("preview", self.app.requested(JOB, None, options), JOB.machine.initial, 1, 0)
        return preview(asked, JOB.kit(self.app, asked))

    def verify(self, tier: str, accept: bool = False, view: View | None = None) -> Run:
        """Proves the ways to a ring's peer and back. `accept`: a new host key was compared by voice. Raises Busy."""
        from axejournal.jobs.ring_verify import JOB

        return self._begin(JOB, {**self._options(tier), "accept": accept}, None, view)

    def consent(self, tier: str, names: Sequence[str], withdraw: bool = False) -> Run:
        """Records both operators' word."""
        from axejournal.jobs.ring_consent import JOB

        return self._begin(JOB, {**self._options(tier), "names": list(names), "withdraw": withdraw}, None, None)

    def key_line(self, peer: str, axej: Sequence[str], folder: Path, key: str) -> str:
        """The line of authorized_keys that gives a partner's key one folder. Raises UsageFault for what is no public key."""
        from axejournal.programs.ssh.receive_folder import key_line

        return key_line(peer, tuple(axej), folder, key)

    def watch(self, tier: str, slot: datetime | None = None, view: View | None = None) -> Run:
        """Looks whether a ring's peer still pushes. Raises Busy."""
        from axejournal.jobs.ring_watch import JOB

        return self._begin(JOB, self._options(tier), slot, view)

    def _effective(self) -> dict[str, Any]:
        from axejournal.config.effective import dumps

        return dumps(self.app.config)

    def _options(self, tier: str) -> dict[str, Any]:
        return {"requested_at": self.app.now_text(), "tier": tier, "config": self._effective()}

    def _begin(self, job: Job[Any], options: dict[str, Any], slot: datetime | None, view: View | None) -> Run:
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(job, slot, options))
