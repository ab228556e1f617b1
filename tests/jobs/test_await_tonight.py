"""A sync of a cold disk waits for the backup that runs: how each kind of waiting ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from axejournal.domain.errors import Interrupted, PersonNeeded
from axejournal.domain.job import Attempt
from axejournal.jobs.steps.await_tonight import LONGEST_S, AwaitTonight


@dataclass
class Night:
    """A backup that is over after so many looks, and how; a disk that is there so long."""

    looks: int
    outcome: str = "succeeded"
    there_for: int = 10**6
    cancelled_after: int = 10**6
    slept_s: float = 0.0
    said: list[str] = field(default_factory=list)

    def backup_at_work(self) -> str | None:
        self.looks -= 1
        return "tonight" if self.looks >= 0 else None

    def outcome_of(self, run: str) -> str:
        return self.outcome

    def is_there(self) -> bool:
        self.there_for -= 1
        return self.there_for >= 0

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds

    def unless_cancelled(self) -> None:
        self.cancelled_after -= 1
        if self.cancelled_after < 0:
            raise Interrupted("SIGINT")

    def act(self) -> Any:
        hands = SimpleNamespace(backup_at_work=self.backup_at_work, outcome_of=self.outcome_of, clock=self)
        kit: Any = SimpleNamespace(hands=hands, hand=self, what="disk 1", disk="1")
        run: Any = None
        return AwaitTonight(kit).act(Attempt(run, 1, lambda told: self.said.append(told.note), self.unless_cancelled))


def test_nothing_is_waited_for_when_no_backup_is_at_work():
    night = Night(looks=0)
    assert (night.act().backup, night.slept_s, night.said) == (None, 0.0, [])


@pytest.mark.parametrize(("outcome", "late"), [("succeeded", ""), ("degraded", ""), ("failed", "run tonight failed")])
def test_backup_that_ends_is_followed_by_its_outcome(outcome: str, late: str):
    night = Night(looks=4, outcome=outcome)
    fact = night.act()
    assert (fact.backup, fact.late, night.slept_s) == ("tonight", late, 3.0)
    assert "waits for tonight's backup, run tonight" in night.said[0]


def test_backup_that_never_ends_is_given_up():
    fact = Night(looks=10**6).act()
    assert fact.late == "run tonight was not over after 2 hours" and fact.waited_s == LONGEST_S


def test_disk_that_is_pulled_out_meanwhile_is_waited_for():
    with pytest.raises(PersonNeeded, match="disk 1 is gone"):
        Night(looks=10**6, there_for=3).act()


def test_cancelling_ends_the_waiting():
    night = Night(looks=10**6, cancelled_after=3)
    with pytest.raises(Interrupted):
        night.act()
    assert night.slept_s == 3.0
