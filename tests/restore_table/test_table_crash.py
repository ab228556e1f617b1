"""restore.table killed by SIGKILL at every named instant of every step, resumed: equal, done once, nothing left over."""

from __future__ import annotations

import pytest

from tests.crash.proof import assert_nothing_left, assert_nothing_repeated, events_of
from tests.restore_table.tables import Restores
from tests.world.home import SMALL_SQL

POINTS = ("intent", "effect", "fact")
STEPS = ("prepare", "fetch", "stage", "compare", "equalise", "clear")
DAMAGE = "DELETE FROM journal_line WHERE id <= 3; UPDATE journal_line SET amount = 0 WHERE id > 1990"


@pytest.fixture
def frame(restores) -> Restores:
    """One database with a table that is damaged anew for each instant."""
    return restores(SMALL_SQL)


@pytest.mark.parametrize("step", STEPS)
def test_restore_killed_at_a_named_instant_is_resumed_and_done_once(frame, step):
    before = frame.state()
    for point in POINTS:
        frame.sql(DAMAGE)
        frame.restore("journal_line", kill_at=f"{point}:{step}", expect=-9)
        _resumed(frame)
        assert frame.state() == before, point


@pytest.mark.parametrize("point", POINTS)
def test_undo_killed_at_the_transaction_is_resumed_and_done_once(frame, point):
    frame.sql(DAMAGE)
    damaged = frame.state()
    frame.restore("journal_line")
    killed = frame.world.axej("undo", frame.last_run()["run"], kill_at=f"{point}:equalise")
    assert killed.returncode == -9
    _resumed(frame)
    assert frame.state() == damaged


def _resumed(frame: Restores) -> None:
    frame.world.axej("resume", expect=0)
    run = frame.last_run()
    assert (run["outcome"], run["resumed"]) == ("succeeded", 1)
    assert_nothing_repeated(events_of(frame.world, run["run"]))
    assert_nothing_left(frame.world)
    assert not [name for name in frame.schemas() if name.startswith("axej_restore_")]
    assert not list((frame.world.state / "restore").glob("*"))
