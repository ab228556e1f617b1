"""A machine lives for many nights: power cuts, kills, a peer that is away, a scheduler that fires twice. `--nights=365`
(make year) is a year, the short form a week. Afterwards the journal must tell just what a small model expects."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.crash.proof import assert_nothing_left
from tests.ring.places import peer_in_a_folder
from tests.world.home import World, at
from tests.world.repositories import Repository

ZONE = ZoneInfo("Asia/Seoul")
FIRST = date(2027, 1, 1)
WEEK = ("fine", "killed", "off", "twice", "peer away", "killed twice", "fine")
"""The short form: each kind of night once."""
KINDS = ("fine",) * 6 + ("killed", "killed twice", "off", "off", "twice", "peer away")


@dataclass
class Model:
    """What has to be in the journal: slots that succeeded, by job."""

    backups: list[str] = field(default_factory=list)
    pushes: list[str] = field(default_factory=list)


@dataclass
class Life:
    """One machine, night after night."""

    world: World
    peer: Repository
    chance: random.Random
    model: Model = field(default_factory=Model)

    def night(self, day: date, kind: str) -> None:
        """What happens between this day's 03:00 and its noon."""
        if kind == "off":
            return
        self._change()
        if kind.startswith("killed"):
            self._kill(day, times=2 if kind == "killed twice" else 1)
        elif kind == "twice":
            self._twice(day)
        self._call(day, 3, 10, "backup", "--local")
        self.model.backups.append(f"{day}T03:00+09:00")
        if kind == "peer away":
            with self._away():
                self._call(day, 3, 31, "ring", "push", expect=10)
        self._call(day, 5, 30, "ring", "push")
        self.model.pushes.append(f"{day}T03:30+09:00")

    def _call(self, day: date, hour: int, minute: int, *words: str, expect: int = 0) -> None:
        self.world.axej(*words, "--scheduled", env=_at(day, hour, minute), expect=expect)

    def _kill(self, day: date, times: int) -> None:
        for number in range(times):
            process = self.world.start("backup", "--local", "--scheduled", env=_at(day, 3, number))
            try:
                process.wait(timeout=0.4 + self.chance.random() * 2.5)
            except Exception:
                process.kill()
            process.wait()

    def _twice(self, day: date) -> None:
        one = self.world.start("backup", "--local", "--scheduled", env=_at(day, 3, 0))
        self.world.axej("backup", "--local", "--scheduled", env=_at(day, 3, 0), expect=0)
        assert one.wait() == 0, self.world.said()

    @contextmanager
    def _away(self) -> Iterator[None]:
        elsewhere = self.peer.path.with_name("away")
        self.peer.path.rename(elsewhere)
        try:
            yield
        finally:
            elsewhere.rename(self.peer.path)

    def _change(self) -> None:
        name = f"{self.chance.randrange(10_000):04}.bin"
        (self.world.files / name).write_bytes(self.chance.randbytes(self.chance.randrange(1, 50_000)))


def _at(day: date, hour: int, minute: int) -> dict[str, str]:
    return at(datetime(day.year, day.month, day.day, hour, minute, 20, tzinfo=ZONE).isoformat())


@pytest.fixture
def life(world: World, tmp_path: Path) -> Life:
    """Its configuration is a day old on the first night; both tiers keep few enough points that retention has work."""
    peer = peer_in_a_folder(world, tmp_path)
    world.config["tiers"]["local"]["retention"] = {"daily": 4, "weekly": 2, "prune": "daily"}
    world.config["tiers"]["ring"]["retention"] = {"daily": 3, "monthly": 2}
    world.write()
    the_day_before = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZONE).timestamp() - 86_400
    os.utime(world.config_path, (the_day_before, the_day_before))
    world.axej("ring", "init", env=_at(FIRST - timedelta(days=1), 12, 0), expect=0)
    peer.quicken()
    return Life(world, peer, random.Random(random.randrange(2**32)))


def test_year_of_nights_is_in_the_journal_as_it_was(life: Life, nights: int):
    days = [FIRST + timedelta(days=number) for number in range(nights)]
    for number, day in enumerate(days):
        life.night(day, WEEK[number] if nights == len(WEEK) else life.chance.choice(KINDS))
    slots = {job: _succeeded(life.world, job) for job in ("backup.local", "ring.push")}
    assert slots == {"backup.local": life.model.backups, "ring.push": life.model.pushes}
    assert_nothing_left(life.world)
    life.world.axej("journal", "verify", expect=0)
    _assert_points_are_the_snapshots(life)
    life.world.repository.read_check()
    life.peer.read_check()


def _succeeded(world: World, job: str) -> list[str]:
    """Slots that a success satisfied, oldest first; one that was satisfied twice would be there twice."""
    runs = world.json("history", "--job", job, "--limit", "100000")
    return sorted(run["slot"] for run in runs if run["outcome"] == "succeeded" and run["slot"])


def _assert_points_are_the_snapshots(life: Life) -> None:
    """Of both tiers: what can be restored by the journal is what is there, and each copy is of another original."""
    points = life.world.json("points", "--limit", "100000")
    for tier, repository in (("local", life.world.repository), ("ring", life.peer)):
        held = repository.snapshots()
        assert {point["snapshot"] for point in points if point["tier"] == tier} == {one["id"] for one in held}
    copies = [one["original"] for one in life.peer.snapshots()]
    assert len(set(copies)) == len(copies)
