"""What a ring's jobs are given: what the journal knows of it, and the folder that is kept for the peer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from axejournal.app.parts import JOURNAL, Parts
from axejournal.domain.events import Fact
from axejournal.domain.facts.ring import HostKeyPinned, PeerReached, PeerWatched, WayBackSeen
from axejournal.domain.ports.ring import Backup, Consent

if TYPE_CHECKING:
    from axejournal.config.models import Config
    from axejournal.programs.ssh.receive_folder import PeerFolder

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True)
class JournalRing:
    """The real RingMemory of one tier."""

    parts: Parts
    config: Config
    tier: str

    @property
    def journal(self) -> Path:
        """Its file."""
        return self.parts.state / JOURNAL

    def consent(self) -> Consent | None:
        """See the port."""
        from axejournal.journal.ring import consent

        found = consent(self._facts())
        if found is None:
            return None
        at = found.at.astimezone(ZoneInfo(self.config.timezone))
        return Consent(tuple(found.data["names"]), at, found.name == "ConsentWithdrawn")

    def pinned(self) -> HostKeyPinned | None:
        """See the port."""
        return self._fact(HostKeyPinned)

    def reached(self) -> PeerReached | None:
        """See the port."""
        return self._fact(PeerReached)

    def way_back(self) -> WayBackSeen | None:
        """See the port."""
        return self._fact(WayBackSeen)

    def watched(self) -> PeerWatched | None:
        """See the port."""
        return self._fact(PeerWatched)

    def backup(self, slot: datetime | None) -> Backup:
        """See the port."""
        from axejournal.engine.schedule import Schedule, newest_slot
        from axejournal.journal.reader import freshness

        holder = self.parts.leases.holder("repository:local")
        if slot is None:
            return Backup(None, over=holder is None, why=f"another run is at work there ({holder})" if holder else "")
        settings = self.config.tiers.local.schedule
        wanted = newest_slot(Schedule(settings.cron, settings.timezone), slot)
        rows = [row for row in freshness(self.journal, self.config.customer) if row.job == "backup.local"]
        for row in rows:
            if row.success_slot and datetime.fromisoformat(row.success_slot) >= wanted:
                return Backup(row.success_run, over=True)
            if row.attempt_slot and datetime.fromisoformat(row.attempt_slot) >= wanted:
                return Backup(row.attempt_run, row.attempt_outcome != "open", f"run {row.attempt_run} is {row.attempt_outcome}")
        return Backup(None, over=False, why=f"the backup of {wanted:%Y-%m-%d %H:%M} never began")

    def position_of_head(self) -> int:
        """See the port."""
        from axejournal.journal.reader import head

        return head(self.journal)[0]

    def holds_head(self, position: int, head: str) -> bool:
        """See the port."""
        from axejournal.journal.ring import holds_head

        return holds_head(self.journal, position, head)

    def _facts(self) -> Mapping[str, Any]:
        from axejournal.journal.ring import ring_facts

        return ring_facts(self.journal, self.config.customer, self.tier)

    def _fact(self, kind: type[F]) -> F | None:
        found = self._facts().get(kind.__name__)
        if found is None:
            return None
        known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        plain = {name: tuple(value) if isinstance(value, list) else value for name, value in found.data.items() if name in known}
        return kind(**plain)


class RingParts(Parts):
    """To the jobs, their Hands; see RingHands."""

    def ring_memory(self, tier: str, config: Config | None = None) -> JournalRing:
        """What the journal knows of a ring."""
        return JournalRing(self, config or self.config, tier)

    def own_restic(self) -> str:
        """restic's version, too old or not; "" when there is none."""
        from axejournal.domain.errors import AxejError
        from axejournal.programs.install import find_program, restic_version

        found = find_program("restic", self.config.restic.program)
        try:
            return ".".join(map(str, restic_version(found))) if found else ""
        except AxejError:
            return ""

    def receive_folder(self, tier: str, config: Config | None = None) -> PeerFolder | None:
        """What is kept here for the peer of a ring; None for a ring that has none."""
        from axejournal.programs.ssh.receive_folder import PeerFolder

        chosen = config or self.config
        known, name = chosen.peer(tier), getattr(chosen.tiers[tier], "peer", None)
        if known is None or name is None:
            return None
        return PeerFolder(name, known.receive_dir_at_self, Path.home() / ".ssh" / "authorized_keys")
