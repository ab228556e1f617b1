"""What a start costs: the plain help, a scheduled call with nothing due, `history` of a million events, each against a
bare Python of the same environment."""

from __future__ import annotations

import resource
import statistics
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from axejournal.journal.schema import SCHEMA
from tests.benchmarks.journal_load import build
from tests.benchmarks.machine import PYTHON, Machine
from tests.benchmarks.ratios import Row, Work, compared, taken_in_turns
from tests.journal.stories import open_store, write_night

PASS = "python -c pass"


def rows(folder: Path, big: Path, rounds: int) -> Iterator[Row]:
    """`big`: the big journal. `rounds` is multiplied: a start is short."""
    looks = rounds * 5
    quiet, large = quiet_machine(folder / "quiet"), machine_with(folder / "large", big)
    works: dict[str, Work] = {
        PASS: lambda: subprocess.run([PYTHON, "-c", "pass"], check=True, env=quiet.environment()),
        "axej --help": _silent(quiet, "--help"),
        "nothing due": _silent(quiet, "backup", "--local", "--scheduled"),
        "history": _silent(large, "history"),
    }
    cpu: dict[str, list[float]] = {name: [] for name in works}
    took = taken_in_turns({name: cpu_noted(work, cpu[name]) for name, work in works.items()}, looks)
    for title, goal, name in (
        ("axej --help", 2.5, "axej --help"),
        ("scheduled call, nothing due", 5.0, "nothing due"),
        ("axej history of 1,000,000 events", 8.0, "history"),
    ):
        note = f"by CPU time {statistics.median(cpu[name]) / statistics.median(cpu[PASS]):.2f} x"
        yield compared(f"start: {title} / python -c pass", goal, took, name, PASS, note=note)


def cpu_noted(work: Work, into: list[float]) -> Work:
    """The same; what its process took of a processor is noted: that hardly depends on what else the machine does."""

    def noted() -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        into.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    return noted


def _silent(machine: Machine, *words: str) -> Work:
    environment, argv = machine.environment(), [str(PYTHON.with_name("axej")), *words]
    return lambda: subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def machine_with(folder: Path, journal: Path | None) -> Machine:
    """A machine with a folder of files, and this journal."""
    made = Machine(folder)
    (folder / "files").mkdir(parents=True)
    made.write({"files": {"kind": "files", "path": str(folder / "files")}})
    made.state.mkdir()
    if journal is None:
        open_store(made.journal).close()
    else:
        made.journal.symlink_to(journal)
    return made


def quiet_machine(folder: Path) -> Machine:
    """A machine whose last slot is done; its configuration has been read once."""
    made = machine_with(folder, None)
    store = open_store(made.journal)
    write_night(store, "tonight", datetime.now(UTC).isoformat(timespec="seconds"))
    store.close()
    made.axej("backup", "--local", "--scheduled")
    return made


def big_journal(folder: Path, events: int) -> Path:
    """A journal of so many events, which is made once for each schema: an older one would be folded anew by each reader."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"journal-{events}-{SCHEMA}.sqlite"
    if not path.exists():
        for old in folder.glob(f"journal-{events}*"):
            old.unlink()
        half = path.with_suffix(".partial")
        half.unlink(missing_ok=True)
        build(half, events)
        half.rename(path)
    return path
