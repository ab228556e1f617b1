"""Random lives of a machine (sleep, power cuts, clocks that jump, calls that come late and twice) against a small model
that knows neither cron nor SQL. The journal's tables are real; what runs is only written into them."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from axejournal.app.due import due_slot
from axejournal.journal.schema import APPLICATION_ID, SCHEMA
from axejournal.shipped import folder

ZONES = ["Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
SHAPE = (folder("migrations") / "schema.sql").read_text(encoding="utf-8")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@dataclass
class Machine:
    """What a scheduler and a journal are for `due_slot`, and beside it what the model keeps for itself."""

    folder: Path
    hour: int
    minute: int
    zone: str
    now: datetime
    began: datetime = field(init=False)
    done: list[datetime] = field(default_factory=list)
    tries: dict[datetime, list[datetime]] = field(default_factory=dict)
    runs: list[tuple[datetime, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = self.now
        self.config = self.folder / "axej.yaml"
        self.config.touch()
        os.utime(self.config, (self.now.timestamp(), self.now.timestamp()))
        self.path = self.folder / "journal.sqlite"
        self.path.unlink(missing_ok=True)
        self.tables = sqlite3.connect(self.path, isolation_level=None)
        self.tables.executescript(f"PRAGMA synchronous = OFF; {SHAPE}; PRAGMA user_version = {SCHEMA};")
        self.tables.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        values = (us(self.now),)
        self.tables.execute(
            "INSERT INTO events VALUES (1, 'e', 'first', 1, 'RunRequested', 1, '', NULL, NULL, 1, '', '', ?, 1, '{}', x'', x'')",
            values,
        )

    def asked(self) -> datetime | None:
        """What the program says."""
        schedule = {"cron": f"{self.minute} {self.hour} * * *", "timezone": self.zone}
        effective = {"customer": "axe", "tiers": {"local": {"kind": "local", "schedule": schedule}}}
        return due_slot("local", effective, self.path, self.config, self.now)

    def expected(self) -> datetime | None:
        """What the model says: the newest slot, unless it is from before the install, or done, or was just tried."""
        slot = max(slot for slot in self.slots() if slot <= self.now)
        if slot <= self.began or any(done >= slot for done in self.done):
            return None
        tried = self.tries.get(slot, [])
        if tried and tried[-1] <= self.now:
            wait = [30, 60, 120, 240, 480][min(len(tried), 5) - 1]
            if self.now - tried[-1] < timedelta(minutes=wait):
                return None
        return slot

    def slots(self) -> list[datetime]:
        """Of the days around now: the first instant whose wall clock, once, shows the wanted time or more."""
        found = []
        today = self.now.astimezone(ZoneInfo(self.zone)).date()
        for days in range(-3, 3):
            day = today + timedelta(days=days)
            moment = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
            while True:
                wall = moment.astimezone(ZoneInfo(self.zone))
                if (wall.date(), wall.hour, wall.minute) >= (day, self.hour, self.minute):
                    break
                moment += timedelta(minutes=1)
            found.append(moment)
        return found

    def call(self, takes: timedelta, fails: bool, jump: timedelta = timedelta()) -> None:
        """The scheduler fires. `jump`: what the clock does while the run is at work."""
        slot, expected = self.asked(), self.expected()
        assert (slot and slot.astimezone(UTC)) == expected
        if expected is None:
            return
        self.now += takes + jump
        self.runs.append((expected, not fails))
        self.note(expected, fails)
        assert self.asked() is None or self.asked() != slot or jump, "the same slot is due right after its run"

    def note(self, slot: datetime, fails: bool) -> None:
        """Writes what the projections would say of the run, and what the model remembers."""
        number = len(self.runs)
        if fails:
            self.tries.setdefault(slot, []).append(self.now)
        else:
            self.done.append(slot)
        self.tables.execute(
            "INSERT INTO runs (first_position, run, job, customer, tier, slot_us, trigger, program_version, state, outcome, "
            "requested_at_us, attempts, retries, resumed, snapshots, epoch, number, last_position, last_at_us) "
            "VALUES (?, ?, 'backup.local', 'axe', 'local', ?, 'schedule', '', '', ?, 0, 0, 0, 0, '[]', 1, 1, 1, ?)",
            (number, f"run-{number}", us(slot), "failed" if fails else "succeeded", us(self.now)),
        )
        newest = us(max(self.done)) if self.done else None
        self.tables.execute(
            "INSERT OR REPLACE INTO freshness (job, customer, tier, attempt_run, attempt_at_us, attempt_outcome, "
            "success_slot_us, failures) VALUES ('backup.local', 'axe', 'local', ?, ?, '', ?, 0)",
            (f"run-{number}", us(self.now), newest),
        )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hour", "sleep", "off", "back", "forward", "twice"]),
        st.integers(1, 80),  # hours of sleep, or without power
        st.integers(1, 500),  # minutes that a run takes
        st.booleans(),
    ),
    min_size=5,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    time=st.sampled_from([(3, 0), (2, 30), (1, 30), (0, 0), (23, 59)]),
    begin=st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 30), timezones=st.just(UTC)),
    steps=STEPS,
)
@example(zone="Europe/Berlin", time=(2, 30), begin=datetime(2026, 3, 28, 12, tzinfo=UTC), steps=[("hour", 1, 5, False)] * 40)
@example(zone="Europe/Berlin", time=(2, 30), begin=datetime(2026, 10, 24, 12, tzinfo=UTC), steps=[("hour", 1, 5, False)] * 40)
@example(
    zone="Asia/Seoul", time=(3, 0), begin=datetime(2026, 5, 20, tzinfo=UTC), steps=[("off", 72, 5, False), ("twice", 1, 5, False)]
)
def test_each_call_runs_the_newest_missed_slot_and_nothing_else(tmp_path_factory, zone, time, begin, steps):
    machine = Machine(tmp_path_factory.mktemp("life"), *time, zone, begin.replace(microsecond=0))
    machine.call(timedelta(), fails=False)
    assert machine.runs == [], "a fresh install starts nothing"
    for what, hours, minutes, fails in steps:
        jump = timedelta()
        match what:
            case "sleep" | "off":
                machine.now += timedelta(hours=hours)
            case "back":
                machine.now -= timedelta(hours=2)
            case "forward":
                jump = timedelta(hours=8)
            case _:
                machine.now += timedelta(hours=1)
        machine.call(timedelta(minutes=minutes), fails, jump)
        if what == "twice":
            machine.call(timedelta(minutes=1), fails=False)
    succeeded = [slot for slot, good in machine.runs if good]
    assert len(succeeded) == len(set(succeeded)), "one slot, one successful run"
    assert succeeded == sorted(succeeded)
    machine.tables.close()


@pytest.mark.parametrize(("kind", "job"), [("drill", "restore.drill"), ("check", "repository.check")])
def test_schedule_of_no_tier_is_satisfied_by_a_success_for_any(tmp_path, kind, job):
    machine = Machine(tmp_path, 3, 0, "Asia/Seoul", datetime(2026, 5, 20, tzinfo=UTC))
    effective = {"customer": "axe", "tiers": {}, kind: {"schedule": {"cron": "0 3 * * *", "timezone": "Asia/Seoul"}}}
    machine.now += timedelta(days=1)
    slot = due_slot(kind, effective, machine.path, machine.config, machine.now)
    assert slot == datetime(2026, 5, 20, 18, tzinfo=UTC)
    machine.note(slot, fails=False)
    machine.tables.execute("UPDATE freshness SET job = ?, tier = 'ring'", (job,))
    assert due_slot(kind, effective, machine.path, machine.config, machine.now) is None


def test_a_tier_that_was_just_added_waits_for_its_own_hour(tmp_path):
    """The journal is old; what was never tried counts from when the configuration was written."""
    machine = Machine(tmp_path, 3, 0, "Asia/Seoul", datetime(2026, 5, 20, tzinfo=UTC))
    machine.now = machine.began = datetime(2026, 6, 20, tzinfo=UTC)
    os.utime(machine.config, (machine.now.timestamp(),) * 2)
    machine.now += timedelta(hours=1)
    machine.call(timedelta(), fails=False)
    assert machine.runs == []
    machine.now += timedelta(days=1)
    machine.call(timedelta(minutes=1), fails=False)
    assert len(machine.runs) == 1
