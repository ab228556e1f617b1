"""Cold disks of one configuration: preparing them, syncing them, how each stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from axejournal.domain.resting import WAITS_FOR
from axejournal.domain.rotation import Quarter, Turn, calendar

if TYPE_CHECKING:
    from axejournal.app.app import App, View
    from axejournal.domain.run import Run
    from axejournal.jobs.restore_orders import Order
    from axejournal.journal.disks import DiskRow, OpenSync
    from axejournal.journal.rows import PointRow

JOURNAL = "journal.sqlite"


@dataclass(frozen=True)
class DiskStanding:
    """How one cold disk stands. `state`: ok, due, overdue, never prepared, waits for …, at work; `turn`: its next."""

    disk: str
    tier: str
    mount: Path
    connected: bool
    state: str
    turn: Turn | None
    row: DiskRow | None
    open: OpenSync | None = None


@dataclass(frozen=True)
class ColdStanding:
    """How a cold tier stands: its disks in the order of their turns, and the calendar of four quarters."""

    tier: str
    today: date
    disks: tuple[DiskStanding, ...]
    calendar: tuple[Turn, ...]

    @property
    def overdue(self) -> Turn | None:
        """This quarter's turn, when it was missed."""
        return next((turn for turn in self.calendar if turn.overdue), None)


def cold_tiers(effective: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the tiers of cold disks."""
    return tuple(name for name, tier in effective["tiers"].items() if tier.get("kind", name) == "cold")


def mounts_of(settings: Mapping[str, Any]) -> dict[str, Path]:
    """See ColdTier.disks; from plain values, so that a small process needs no pydantic."""
    head, _, rest = str(settings["mount"]).partition("{")
    numbers, _, tail = rest.partition("}")
    return {number.strip(): Path(f"{head}{number.strip()}{tail}") for number in numbers.split(",")} if rest else {"1": Path(head)}


def is_mounted(mount: Path) -> bool:
    """Whether any disk is mounted there."""
    from axejournal.programs.volumes.mounts import SystemVolumes

    return SystemVolumes().mark(mount) is not None


def standing(
    effective: Mapping[str, Any], tier: str, journal: Path, now: datetime, is_mounted: Callable[[Path], bool]
) -> ColdStanding:
    """How a cold tier stands, told from the journal and the mount points. Raises JournalDamaged, JournalNewer."""
    from axejournal.journal import reader
    from axejournal.journal.disks import disks, open_syncs

    settings, customer = effective["tiers"][tier], effective["customer"]
    zone = ZoneInfo(effective["timezone"])
    today = now.astimezone(zone).date()
    rows = {row.disk: row for row in disks(journal, customer, tier)}
    opened = {one.disk: one for one in open_syncs(journal, customer, tier)}
    mounts = mounts_of(settings)
    synced = {disk: row.synced_at.astimezone(zone).date() for disk, row in rows.items() if row.synced_at is not None}
    first = Quarter.read(settings["first_quarter"])
    began = reader.began(journal)
    since = began.astimezone(zone).date() if began is not None else today
    turns = calendar(first, tuple(mounts), synced, today, max(4, len(mounts)), since)
    found = []
    for disk, mount in mounts.items():
        turn = next((turn for turn in turns if turn.disk == disk), None)
        state = _state(rows.get(disk), opened.get(disk), turn, Quarter.of(today))
        found.append(DiskStanding(disk, tier, mount, is_mounted(mount), state, turn, rows.get(disk), opened.get(disk)))
    return ColdStanding(tier, today, tuple(found), turns[:4])


def _state(row: DiskRow | None, opened: OpenSync | None, turn: Turn | None, quarter: Quarter) -> str:
    mine = turn is not None and turn.quarter == quarter and turn.synced is None
    if opened is not None:
        waits = WAITS_FOR.get(opened.state)
        return f"waits for {waits}" if waits else opened.state
    if mine and turn is not None:
        return "overdue" if turn.overdue else "due" if row is not None else "never prepared"
    if row is None:
        return "never prepared"
    return "ok" if row.synced_at is not None else "never synced"


@dataclass(frozen=True)
class Cold:
    """What an assembled program does with cold disks."""

    app: App

    def init(self, tier: str, disk: str, how: Mapping[str, bool], view: View | None = None) -> Run:
        """Makes the disk that is connected this number's. `how`: adopt, not_empty, replace. Raises UsageFault, Busy."""
        from axejournal.config.effective import dumps
        from axejournal.jobs.cold_init import JOB, NAME
        from axejournal.jobs.cooling import sync_options

        self.app.cold_disk(tier, disk)
        if (run := self.open_run(NAME, tier, disk)) is not None:
            return self.app.resume(run, "the disk was to be prepared again", view=view)
        options = {**sync_options(tier, disk, dumps(self.app.config), self.app.now_text()), **how}
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(JOB, None, options))

    def sync(self, tier: str, disk: str, trigger: str = "operator", view: View | None = None) -> Run:
        """Syncs a disk; a sync of that disk that waits or whose process died is gone on with. Raises UsageFault, Busy."""
        from dataclasses import replace

        from axejournal.config.effective import dumps
        from axejournal.jobs.cold_sync import JOB, NAME
        from axejournal.jobs.cooling import sync_options

        self.app.cold_disk(tier, disk)
        if (run := self.open_run(NAME, tier, disk)) is not None:
            return self.app.resume(run, "the disk is there", view=view)
        options = sync_options(tier, disk, dumps(self.app.config), self.app.now_text())
        requested = replace(self.app.requested(JOB, None, options), trigger=trigger)
        return self.app.engine(view).begin(self.app.new_run_id(), requested)

    def connected(self, tier: str) -> str:
        """The number of the one disk that is connected. Raises DiskMissing, UsageFault."""
        from axejournal.app.cold_disks import cold_tier
        from axejournal.app.cold_open import only_connected

        return only_connected(self.app, tier, cold_tier(self.app.config, tier))

    def within_reach(self, tier: str, points: tuple[PointRow, ...]) -> tuple[PointRow, ...]:
        """Of restore points of cold disks those on disks that are connected, when one is; of other tiers all."""
        rows = self.app.disk_rows(tier)
        if not rows:
            return points
        from axejournal.app.cold_disks import cold_tier

        mounts = cold_tier(self.app.config, tier).disks
        there = {row.repository for row in rows if row.disk in mounts and is_mounted(mounts[row.disk])}
        return tuple(point for point in points if point.repository in there) if there else points

    def on_its_disk(self, tier: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The options of a restore, with the disk that its restore point is on."""
        repository = (options.get("point") or options).get("repository")
        found = next((row.disk for row in self.app.disk_rows(tier) if row.repository == repository), None)
        return {**options, "opened_as": f"{tier}:{found}"} if found is not None else options

    def open_for(self, orders: Sequence[Order]) -> None:
        """Opens the disks that these restores read from, while somebody can be asked. Raises DiskMissing, WrongPassword, …"""
        for order in orders:
            name = str(order.options.get("opened_as") or "")
            if any(name == f"{row.tier}:{row.disk}" for row in self.app.disk_rows(name.partition(":")[0])):
                self.app.repository(name)

    def awaiting_password(self, tier: str) -> tuple[OpenSync, ...]:
        """Syncs that wait for the password on paper."""
        from axejournal.domain.resting import AWAITING_PASSWORD
        from axejournal.journal.disks import open_syncs

        found = open_syncs(self.app.state / JOURNAL, self.app.config.customer, tier)
        return tuple(one for one in found if one.state == AWAITING_PASSWORD)

    def socket_path(self, tier: str, disk: str) -> Path:
        """Where a sync that waits in a process listens."""
        from axejournal.programs.secrets.desk import socket_path

        return socket_path(self.app.state, f"{tier}-{disk}")

    def listen(self, tier: str, disk: str, told: Callable[[str], None]) -> None:
        """From here on passwords come by the private way, for a process that nobody sits at."""
        from axejournal.programs.secrets.desk import SocketDesk

        self.app.password_desk = SocketDesk(self.socket_path(tier, disk), told)

    def hand_over(self, tier: str, disk: str, password: str) -> str:
        """Hands a password to the sync that waits in another process; its answer. Raises PersonNeeded when none does."""
        from axejournal.programs.secrets.desk import hand_over

        return hand_over(self.socket_path(tier, disk), password)

    def open_run(self, job: str, tier: str, disk: str) -> str | None:
        """The run of a job for a disk that has not ended, or None."""
        from axejournal.journal import reader

        path = self.app.state / JOURNAL
        for row in reader.runs(path, job=job, customer=self.app.config.customer, outcome="open", limit=None):
            options = reader.run_events(path, row.run, limit=1)[0].data["options"]
            if (options["tier"], options["disk"]) == (tier, disk):
                return row.run
        return None
