"""Gives restored files their place by two renames, and keeps what they replace beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import SourceRefused
from axejournal.domain.facts.restore import FilesPlaced
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit, RestorePlan


def place_of(plan: RestorePlan) -> Path:
    """The place that the restored files get."""
    assert plan.path is not None
    return Path(plan.into) if plan.into else plan.path / plan.part if plan.part else plan.path


def fetch_folder(plan: RestorePlan) -> Path:
    """Where the files are fetched: beside their place and on its disk, since a rename can't leave it."""
    assert plan.path is not None
    base = Path(plan.into) if plan.into else plan.path
    return base.with_name(f"{base.name}.restoring-{plan.run}")


def fetched_files(plan: RestorePlan) -> Path:
    """The restored tree inside `fetch_folder`, where it has its whole path of the snapshot."""
    return fetch_folder(plan) / wanted_path(plan).lstrip("/")


def wanted_path(plan: RestorePlan) -> str:
    """The path in the snapshot."""
    path = plan.point.paths[0].rstrip("/")
    return f"{path}/{plan.part}" if plan.part else path


def aside(plan: RestorePlan, run: str | None = None) -> Path:
    """Where the replaced files are kept: outside the source's folder, so that no backup takes them."""
    assert plan.path is not None
    kept = plan.path.with_name(f"{plan.path.name}.before-{run or plan.run}")
    return kept / plan.part if plan.part else kept


def swap_paths(live: Path, incoming: Path, kept: Path) -> bool:
    """`live` becomes `kept`, `incoming` becomes `live`; durable. Between the two renames, which a kill may come between, there
    is nothing at `live`; done again, it goes on. Returns whether anything is kept. Raises SourceRefused."""
    try:
        if os.path.lexists(incoming) and os.path.lexists(live):
            if os.path.lexists(kept):
                raise taken(live)
            _move(live, kept)
        if os.path.lexists(incoming):
            _move(incoming, live)
    except OSError as fault:
        hint = "See that nothing is mounted there and that this user may write beside it, then resume or restore again."
        raise SourceRefused(f"{live} can't be exchanged: {fault.strerror} ({fault.filename})", hint) from fault
    return os.path.lexists(kept)


def _move(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    old.rename(new)
    _sync(new.parent)


@dataclass(frozen=True)
class SwapFiles:
    """May be begun twice."""

    kit: RestoreKit
    name: str = "swap"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> FilesPlaced | None:
        """The fetched tree has left its place."""
        live = place_of(self.kit.plan)
        if os.path.lexists(fetched_files(self.kit.plan)) or not os.path.lexists(live):
            return None
        return self._fact(os.path.lexists(aside(self.kit.plan)))

    def act(self, attempt: Attempt) -> FilesPlaced:
        """Raises SourceRefused when the place of --into is taken."""
        plan = self.kit.plan
        live = place_of(plan)
        if plan.into is not None and os.path.lexists(live):
            raise taken(live)
        return self._fact(swap_paths(live, fetched_files(plan), aside(plan)))

    def _fact(self, kept: bool) -> FilesPlaced:
        plan = self.kit.plan
        until = (self.kit.clock.now() + plan.keep_old).isoformat(timespec="seconds") if kept else None
        return FilesPlaced(str(place_of(plan)), str(aside(plan)) if kept else None, until)


def taken(place: Path) -> SourceRefused:
    """The error of a place that --into names and that is not free."""
    return SourceRefused(f"{place} is already there", "Name another place with --into, or move that one away.")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
