"""Space, and what a dead run left on the disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.checks.finding import Finding, Patient, ok, warn

if TYPE_CHECKING:
    from axejournal.app import App

SPARE = 1.5
"""Free space against what the last run put there: below this a person should look."""
LEAST_BYTES = 2 * 2**30
GIB = 2**30


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
        if free >= wanted:
            yield ok("disk", text)
        else:
            yield warn("disk", f"{text}, less than {wanted / GIB:.1f} GiB", "Free some space there before the next run.")


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
