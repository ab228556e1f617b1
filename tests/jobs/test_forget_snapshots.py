"""The step that removes what no source needs any more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from axejournal.domain.errors import RepositoryLocked
from axejournal.domain.facts import PreflightPassed
from axejournal.domain.policy import Held
from axejournal.domain.ports import BackupOrder, RepositoryLock
from axejournal.jobs.steps.forget_snapshots import ForgetSnapshots
from tests.contract.fake_repository import FolderRepository
from tests.jobs.small import keep, moment


@dataclass(frozen=True)
class Counting(FolderRepository):
    """Writes down which calls it got."""

    calls: list[str] = field(default_factory=list)

    def forget(self, snapshots):
        self.calls.append("forget")
        return super().forget(snapshots)

    def prune(self):
        self.calls.append("prune")
        return super().prune()

    def locks(self):
        self.calls.append("locks")
        return super().locks()

    def size_bytes(self):
        self.calls.append("size")
        return super().size_bytes()


@pytest.fixture
def snapshots(small):
    """Five nights, a restore point each, oldest first."""
    made = [small.repository.backup(BackupOrder((small.files,), (f"n={n}",), "h"), small.seen.append).snapshot for n in range(5)]
    small.memory.held = tuple(Held("files", one, moment(day)) for day, one in enumerate(made, 1))
    small.repository = Counting(small.repository.folder)
    return made


def forget(small):
    looked = PreflightPassed("0.19.1", small.repository.identity(), 0, 0)
    return small.act(ForgetSnapshots(small.kit), looked)


def test_nothing_to_forget_makes_no_call(small, snapshots):
    small.settings["keep"] = keep(last=9)
    fact = forget(small)
    assert (fact.removed, fact.kept, fact.pruned, fact.repository_bytes) == ((), 5, False, None)
    assert small.repository.calls == []


def test_what_no_rule_keeps_is_removed_and_the_rest_stays(small, snapshots):
    small.settings["keep"] = keep(last=2)
    fact = forget(small)
    assert (set(fact.removed), fact.kept) == (set(snapshots[:3]), 2)
    assert {one.id for one in small.repository.snapshots()} == set(snapshots[3:])
    assert "prune" not in small.repository.calls


def test_proven_point_stays_while_no_newer_one_has_its_proof(small, snapshots):
    small.settings["keep"] = keep(last=2)
    small.memory.held = (replace(small.memory.held[0], proof="verified"), *small.memory.held[1:])
    assert set(forget(small).removed) == set(snapshots[1:3])


def test_lock_of_a_dead_process_is_removed_and_forgetting_goes_on(small, snapshots):
    small.settings["keep"] = keep(last=1)
    small.repository.add_lock(RepositoryLock("a" * 64, "axe-macmini", 4711, "axe", datetime.now(UTC), False))
    assert len(forget(small).removed) == 4
    assert small.repository.locks() == ()


def test_living_lock_stays_and_nothing_is_removed(small, snapshots):
    small.settings["keep"] = keep(last=1)
    small.repository.add_lock(RepositoryLock("a" * 64, "realchoice-macmini", 4711, "axe", datetime.now(UTC), False))
    with pytest.raises(RepositoryLocked):
        forget(small)
    assert len(small.repository.snapshots()) == 5
    assert len(small.repository.locks()) == 1


@pytest.mark.parametrize(
    ("every", "age", "pruned"), [(None, 400, False), (7, 8, True), (7, 6.6, True), (7, 6.4, False), (7, 1, False)]
)
def test_prune_is_due_by_its_days_with_half_a_day_of_slack(small, snapshots, every, age, pruned):
    small.settings |= {"keep": keep(last=9), "prune_days": every}
    small.memory.pruned_at = datetime.now(UTC) - timedelta(days=age)
    fact = forget(small)
    assert fact.pruned is pruned
    assert (fact.repository_bytes is not None) is pruned
    assert ("prune" in small.repository.calls) is pruned


def test_snapshots_that_a_restore_may_be_reading_stay_for_another_night(small, snapshots):
    small.settings["keep"] = keep(last=1)
    small.memory.is_alone = False
    fact = forget(small)
    assert (fact.removed, fact.kept, fact.pruned) == ((), 5, False)
    assert small.repository.calls == []
