"""Space, and what a dead run left on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.checks.finding import Finding, Patient, ok, warn

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.journal.rows import RunRow

SPARE = 1.5
"""Free space against what the last run put there: below this a person should look."""
LEAST_BYTES = 2 * 2**30
GIB = 2**30
FEW_DAYS, LONG_DAYS = 30, 3650
LEAST_RUNS = 5


def space(patient: Patient) -> Iterable[Finding]:
    """Room for the dumps of the next run, and for what it adds to the repository."""
    from axejournal.journal.reader import runs
    from axejournal.programs.disk import SystemDisk

    app = _app(patient)
    done = [run for run in runs(app.state / "journal.sqlite", job="backup.local") if run.size_bytes]
    staged = int(max((run.size_bytes or 0 for run in done), default=0) * SPARE)
    added = max((run.stored_bytes or 0 for run in done), default=0) * 10
    disk = SystemDisk()
    for what, path, wanted in (
        ("dumps", app.state / "staging", max(LEAST_BYTES, staged)),
        ("repository local", app.config.tiers.local.repository, max(LEAST_BYTES, added)),
    ):
        free = disk.free_bytes(Path(path))
        text = f"{what}: {free / GIB:.1f} GiB free at {path}"
        days = _days_left(free, done) if what.startswith("repository") else None
        text += f", for {days:,.0f} days at the present growth" if days is not None and days < LONG_DAYS else ""
        if free >= wanted and (days is None or days >= FEW_DAYS):
            yield ok("disk", text)
        elif free >= wanted:
            yield warn("disk", text, "Get a larger disk, or keep fewer restore points (retention in axej.yaml).")
        else:
            yield warn("disk", f"{text}, less than {wanted / GIB:.1f} GiB", "Free some space there before the next run.")


def _days_left(free: int, done: Sequence[RunRow]) -> float | None:
    """By what the last runs stored a day; None for too few of them."""
    if len(done) < LEAST_RUNS:
        return None
    took = (done[0].requested_at - done[-1].requested_at).total_seconds() / 86_400
    stored = sum(run.stored_bytes or 0 for run in done[:-1])  # what the oldest of them stored came before
    return free / (stored / took) if stored and took > 0 else None


def leftovers(patient: Patient) -> Iterable[Finding]:
    """Dumps are readable by whoever reads the disk: none may lie about while no run works."""
    app = _app(patient)
    staging = app.state / "staging"
    found = sorted(path.name for path in staging.iterdir()) if staging.is_dir() else []
    if not found:
        yield ok("leftovers", f"the staging folder {staging} is empty")
    elif app.leases.holder("staging") is not None:
        yield ok("leftovers", f"a run works in {staging}")
    else:
        yield warn("leftovers", f"{staging} holds {', '.join(found)} of a dead run", 'Run "axej resume", which clears it.')


def _app(patient: Patient) -> App:
    assert patient.app is not None
    return patient.app
