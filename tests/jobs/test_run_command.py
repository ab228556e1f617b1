"""Checks after a restore wait for the server that a restart command restarted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from axejournal.domain.errors import Interrupted, SourceUnreachable
from axejournal.jobs.restore_plan import CommandPlan
from axejournal.jobs.steps.run_command import checks_of

PLAN = CommandPlan("check:1", "check", ("true",), None, 5.0)


class Slow:
    """A server that answers at the third question, and a clock in which only sleeping takes time."""

    def __init__(self, answers_at: int = 3, fault: Exception | None = None) -> None:
        self.asked, self.now_s = 0, 0.0
        self.answers_at, self.fault = answers_at, fault or SourceUnreachable("server at x does not answer")

    def look(self) -> None:
        self.asked += 1
        if self.asked < self.answers_at:
            raise self.fault

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def monotonic_us(self) -> int:
        return int(self.now_s * 1e6)

    def run(self, *_: Any) -> tuple[int, str]:
        return 0, f"asked {self.asked} times"


def act(slow: Slow, restart: tuple[CommandPlan, ...] = (PLAN,)) -> Any:
    plan = SimpleNamespace(restart=restart, check=(PLAN,))
    kit: Any = SimpleNamespace(plan=plan, server=slow, database=slow, clock=slow, commands=slow)
    (step,) = checks_of(kit)
    nothing: Any = None
    return step.act(nothing)


def test_check_waits_until_the_server_answers():
    slow = Slow()
    assert act(slow).lines == 1
    assert slow.asked == 3


def test_check_of_a_server_that_nobody_restarted_does_not_wait():
    slow = Slow()
    act(slow, restart=())
    assert slow.asked == 0


def test_check_is_made_after_a_minute_all_the_same_and_a_cancelled_run_does_not_wait():
    slow = Slow(answers_at=1000)
    act(slow)
    assert 59 < slow.now_s < 62
    with pytest.raises(Interrupted):
        act(Slow(fault=Interrupted("cancelled")))
