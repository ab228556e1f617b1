"""A cold disk is found, opened, and, when it holds what it is to hold, written down and ejected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from axejournal.domain.errors import AxejError, DiskForeign, DiskMissing, PersonNeeded, WrongPassword
from axejournal.domain.facts.cold import (
    MACHINE,
    PAPER,
    DiskEjected,
    DiskIdentified,
    DiskOpened,
    DiskSought,
    DiskSynced,
    ReadingChosen,
)
from axejournal.domain.facts.copy import CopiesVerified
from axejournal.domain.job import ONCE, USUAL, Attempt, RetryPolicy
from axejournal.domain.rotation import Quarter, due_disk
from axejournal.domain.run import Run
from axejournal.jobs.cooling import ColdKit, awaited, identified

WHOLE_DAYS = 365
"""All of a disk's data is read once in so many days, if it is connected at all."""


@dataclass(frozen=True)
class SeekDisk:
    """A process that takes up a run knows nothing of the disk: it may be another one by now."""

    kit: ColdKit
    name: str
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> DiskSought:
        """Nothing is done."""
        return DiskSought(self.kit.disk)

    def act(self, attempt: Attempt) -> DiskSought:
        """Nothing is done: the fact leads to where the disk is looked for."""
        return DiskSought(self.kit.disk)


@dataclass(frozen=True)
class IdentifyDisk:
    """Is the disk at its mount point the recorded one, and what opens it?"""

    kit: ColdKit
    name: str
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Looking is done again."""

    def act(self, attempt: Attempt) -> DiskIdentified:
        """Raises DiskForeign, DiskReadOnly, RepositoryMissing, RepositoryForeign; DiskMissing; PersonNeeded instead when the
        disk was there before in this run."""
        kit, run = self.kit, attempt.run
        try:
            volume = kit.hand.look()
        except DiskMissing as missing:
            if run.requested.trigger == "watch" or run.find(DiskIdentified) is not None:
                raise awaited(kit) from missing
            raise
        except DiskForeign as foreign:
            if run.find(DiskIdentified) is not None:  # the right one may still come
                raise PersonNeeded(foreign.message, foreign.hint) from foreign
            raise
        row = kit.hand.recorded()
        assert row is not None and volume.uuid is not None
        first = run.find(DiskIdentified)
        if first is not None and (row.repository, volume.uuid) != (identified(run).repository, identified(run).volume):
            raise DiskForeign(
                f"disk {kit.disk} is not the one that this run began with: it was prepared anew meanwhile",
                f'Start a new run with "axej cold sync {kit.disk}".',
            )
        opens, why = self._machine()
        place = str(volume.mount)
        return DiskIdentified(
            kit.tier, kit.disk, volume.uuid, row.repository, place, opens, volume.mark, kit.hand.free_bytes(), why
        )

    def _machine(self) -> tuple[str, str]:
        """Whether the machine's key opens it; why not."""
        if not self.kit.hand.has_machine_key:
            return PAPER, ""
        try:
            self.kit.hand.open_by_machine(known=True)
        except WrongPassword as fault:
            return PAPER, fault.message
        return MACHINE, ""


@dataclass(frozen=True)
class AskPassword:
    """Asks whoever is there for the password on paper. What is typed is in this process's memory only."""

    kit: ColdKit
    name: str
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Nobody knows it any more: it is asked for again."""

    def act(self, attempt: Attempt) -> DiskOpened:
        """Raises WrongPassword after three wrong ones, RepositoryForeign, PersonNeeded."""
        kit = self.kit
        row = kit.hand.recorded()
        kit.desk.receive(attempt.run.id, row.asked if row else kit.what, kit.hand.open_by, kit.hand.is_there)
        return DiskOpened(PAPER)


@dataclass(frozen=True)
class ChooseReading:
    """A part of the data at each sync; all of it when that was not read for a year."""

    kit: ColdKit
    name: str = "choose-reading"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Reads the journal only."""

    def act(self, attempt: Attempt) -> ReadingChosen:
        """Touches nothing."""
        kit = self.kit
        found, row = identified(attempt.run), kit.hand.recorded()
        assert row is not None
        whole = [one.good_at for one in kit.hands.parts_read(kit.tier, found.repository) if one.of == 1 and one.good_at]
        since = max(whole, default=row.recorded_at)
        if kit.hands.clock.now() - since > timedelta(days=WHOLE_DAYS):
            return ReadingChosen(1, f"all of it was not read since {since:%Y-%m-%d}")
        return ReadingChosen(kit.config.check.parts)


@dataclass(frozen=True)
class RecordSync:
    """Writes the journal's head on the disk, and into the journal what the disk holds and which keys open it."""

    kit: ColdKit
    name: str = "record"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Done again."""

    def act(self, attempt: Attempt) -> DiskSynced:
        """Raises PersonNeeded when the disk is gone, DiskForeign, DiskFull, AxejError."""
        kit, run = self.kit, attempt.run
        try:
            if not kit.hand.is_there():
                kit.hand.look()
            return self._recorded(run)
        except DiskMissing as missing:
            raise awaited(kit) from missing
        except AxejError as failure:
            if kit.hand.is_there():
                raise
            raise awaited(kit) from failure

    def _recorded(self, run: Run) -> DiskSynced:
        kit, found = self.kit, identified(run)
        row, keys = kit.hand.recorded(), kit.hand.keys()
        known = set(row.keys) if row else set()
        head = kit.hands.store.head()
        zone = ZoneInfo(kit.config.timezone)
        now = kit.hands.clock.now().astimezone(zone)
        kit.hand.mark_disk(found.repository, journal_head=head, synced_at=now.isoformat(timespec="seconds"), run=run.id)
        verified = run.find(CopiesVerified)
        from axejournal.config.tiers import ColdTier

        settings = kit.config.tiers[kit.tier]
        assert isinstance(settings, ColdTier)
        quarter = Quarter.of(now.date())
        newest = run.find(DiskIdentified)
        return DiskSynced(
            tier=kit.tier,
            disk=kit.disk,
            volume=found.volume,
            repository=found.repository,
            quarter=str(quarter),
            due=due_disk(quarter, Quarter.read(settings.first_quarter), tuple(settings.disks)),
            snapshots=verified.snapshots if verified else 0,
            free_bytes=kit.hand.free_bytes(),
            keys=keys,
            journal_head=head,
            mark=newest.mark if newest else "",
            opens=newest.opens if newest else PAPER,
            strange_keys=tuple(sorted(set(keys) - known)),
            missing_keys=tuple(sorted(known - set(keys))),
        )


@dataclass(frozen=True)
class EjectDisk:
    """The disk may be taken off afterwards. One that is gone already is no fault: everything is on it."""

    kit: ColdKit
    name: str = "eject"
    policy: RetryPolicy = USUAL
    contained: bool = True

    def probe(self, run: Run) -> DiskEjected | None:
        """Whether it is gone."""
        try:
            self.kit.hand.look()
        except (DiskMissing, DiskForeign):
            return DiskEjected("it is gone")
        return None

    def act(self, attempt: Attempt) -> DiskEjected:
        """Raises ProgramFailed when something still uses it."""
        gone = None if self.kit.hand.is_there() else self.probe(attempt.run)
        if gone is not None:
            return gone
        try:
            return DiskEjected(self.kit.hand.eject())
        except AxejError:
            if self.kit.hand.is_there():
                raise
            return DiskEjected("it was pulled out")
