"""What the journal costs: a durable event against raw sqlite3, and a million events against none."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from axejournal.domain.events import StepStarted
from axejournal.domain.policy import Keep
from axejournal.journal.ids import event_id
from axejournal.journal.schema import golden
from tests.benchmarks import journal_years
from tests.benchmarks.machine import Machine
from tests.benchmarks.ratios import Row, Work, compared, taken_in_turns
from tests.benchmarks.starts import cpu_noted, machine_with
from tests.journal.stories import Writer, draft, open_store, requested

APPENDS = 40
OVERDUE = 20  # nothing was ever backed up, says status, and it is right


def rows(folder: Path, big: Path, rounds: int, scale: float) -> Iterator[Row]:
    """`big`: the big journal, which is not written to. `scale`: of the ten years."""
    folder.mkdir(parents=True, exist_ok=True)
    with appends(folder, big) as works:
        took = taken_in_turns(works, rounds * 5, APPENDS)
    yield compared("journal: durable event, Store.append / raw sqlite3", 2.0, took, "append", "raw sqlite3")
    yield compared("journal: append to 1,000,000 events / to none", 1.1, took, "append, big", "append")
    empty, large = machine_with(folder / "empty", None), machine_with(folder / "large", big)
    for command in ("history", "status"):
        works = {name: _asked(machine, command) for name, machine in (("empty", empty), ("1,000,000", large))}
        took = taken_in_turns(works, rounds * 3)
        yield compared(f"journal: axej {command}, 1,000,000 events / none", 1.3, took, "1,000,000", "empty")
    yield from _years(folder / "years", rounds, max(120, round(journal_years.NIGHTS * scale)))


def _years(folder: Path, rounds: int, nights: int) -> Iterator[Row]:
    """`status` of a machine with ten years of nights in three tiers: of which retention left what it leaves, and all."""
    journals = {"empty": None, "retention": journal_years.KEPT, "all kept": Keep()}
    machines = {name: journal_years.machine(folder / name.replace(" ", "-")) for name in journals}
    last = journal_years.newest_slot(datetime.now(UTC))
    for name, keep in journals.items():
        if keep is None:
            open_store(machines[name].journal).close()
        else:
            journal_years.ten_years(machines[name].journal, last, keep, nights)
    cpu: dict[str, list[float]] = {name: [] for name in journals}
    took = taken_in_turns({name: cpu_noted(_asked(made, "status"), cpu[name]) for name, made in machines.items()}, rounds * 3)
    for name in ("retention", "all kept"):
        note = f"by CPU time {statistics.median(cpu[name]) / statistics.median(cpu['empty']):.2f} x"
        title = f"journal: axej status, 10 years, 5 sources, 3 tiers, {name} / none"
        yield compared(title, 1.3, took, name, "empty", note=note)


def _asked(machine: Machine, command: str) -> Work:
    return lambda: machine.axej(command, fine=(0, OVERDUE))


@contextlib.contextmanager
def appends(work: Path, big: Path) -> Iterator[dict[str, Work]]:
    """One event made durable: by raw INSERT + COMMIT into the same table, with the same pragmas and no trigger; by Store
    into an empty journal, and into a copy of a big one. `floor`: 4 KiB and fdatasync."""
    copy = work / "big.sqlite"
    shutil.copyfile(big, copy)  # nobody writes to it: it has no log
    raw = sqlite3.connect(work / "raw.sqlite", isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", golden()["events"]):
        raw.execute(statement)
    floor = os.open(work / "floor", os.O_CREAT | os.O_WRONLY)
    little, large = _writer(work / "little.sqlite"), _writer(copy)
    position = 0

    def insert() -> None:
        nonlocal position
        position += 1
        row = (position, event_id(datetime.now(UTC)), "r", position, "StepStarted", 1, "working", "dump:frame", 1, 1)
        row += ("mac:4711:1795", "boot-1", time.time_ns() // 1000, time.monotonic_ns() // 1000, "{}", bytes(32), bytes(32))
        raw.execute("BEGIN IMMEDIATE")
        raw.execute(f"INSERT INTO events VALUES ({', '.join('?' * 17)})", row)
        raw.execute("COMMIT")

    def sync() -> None:
        os.pwrite(floor, b"x" * 4096, 0)
        getattr(os, "fdatasync", os.fsync)(floor)

    yield {
        "floor": sync,
        "raw sqlite3": insert,
        "append": lambda: little.add(draft(StepStarted(), "dump:frame", 1)),
        "append, big": lambda: large.add(draft(StepStarted(), "dump:frame", 1)),
    }
    for writer in (little, large):
        writer.store.close()
    raw.close()
    os.close(floor)
    copy.unlink()


def _writer(path: Path) -> Writer:
    writer = Writer(open_store(path), f"bench-{os.getpid()}")
    writer.fact(requested())
    return writer
