"""Which snapshots of the local repository a tier lacks, of those that its own retention would keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from axejournal.domain.facts import PreflightPassed
from axejournal.domain.facts.copy import CopiesChosen
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.policy import Held, Keep, to_forget
from axejournal.domain.ports import Snapshot
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.jobs.copying import CopyKit


@dataclass(frozen=True)
class ChooseCopies:
    """Decided once in a run (under each `name`), so that a resume goes on with the same list."""

    kit: CopyKit
    name: str = "choose"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> CopiesChosen | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> CopiesChosen:
        """Raises what Repository.snapshots raises."""
        kit = self.kit
        looked = attempt.run.find(PreflightPassed)
        assert looked is not None
        there, copied = held(kit, looked.repository)
        here = kit.source.names()
        here = here if here is not None else frozenset(snapshot.id for snapshot in kit.source.snapshots())
        known = {point.snapshot for point in kit.memory.points(kit.plan.tier)}
        local = [point for point in kit.memory.points("local") if point.snapshot in here]
        wanted = to_copy(local, copied, kit.plan.keep)
        return CopiesChosen(wanted, len(copied & here), tuple(sorted(known - there)), looked.repository)


def held(kit: CopyKit, repository: str) -> tuple[frozenset[str], frozenset[str]]:
    """The snapshots in the tier's repository, and what they are copies of. Where all are known from the journal, their names
    are enough, which saves a call of restic."""
    there, known = kit.repository.names(), kit.memory.copies(repository)
    if there is not None and there <= known.keys():
        return there, frozenset(known[name] for name in there)
    found = kit.repository.snapshots()
    return frozenset(snapshot.id for snapshot in found), frozenset(originals(found))


def originals(snapshots: Iterable[Snapshot]) -> set[str]:
    """What these snapshots are, or are copies of: restic's `original` stays the same from copy to copy."""
    return {snapshot.original or snapshot.id for snapshot in snapshots}


def to_copy(local: Sequence[Held], copied: Set[str], keep: Keep) -> tuple[str, ...]:
    """The snapshots that are not copied yet and that this retention would keep, oldest first. What it would forget at
    once is not sent: it would be sent again by each later run. Proofs are of the copy, not of the original."""
    plain = [replace(point, proof="stored") for point in sorted(local, key=lambda point: point.time)]
    dropped = set(to_forget(plain, keep))
    return tuple(dict.fromkeys(p.snapshot for p in plain if p.snapshot not in copied and p.snapshot not in dropped))
