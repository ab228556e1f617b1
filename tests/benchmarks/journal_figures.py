"""What the journal costs: an append against raw sqlite3, a big journal against an empty one. Ratios of medians, measured
alternately in one run.

`python -m tests.benchmarks.journal_figures [--events 1000000] [--folder DIR] [--json FILE]`; DIR should be on the disk
that the journal would lie on (not in memory), and keeps the big journal for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from axejournal.domain.events import StepStarted
from axejournal.journal import reader
from axejournal.journal.ids import event_id
from axejournal.journal.schema import golden
from axejournal.journal.verify import verify
from tests.benchmarks.starts import big_journal
from tests.journal.stories import Writer, draft, open_store, requested

ROUNDS, APPENDS, LOOKS = 15, 60, 200
Measured = dict[str, list[float]]


def main() -> None:
    """Prints the figures as a table, and as JSON into a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path.cwd() / ".cache" / "journal")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    figures = measure(asked.folder, asked.events)
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:<{width}}  {value:10.3f}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(folder: Path, events: int) -> dict[str, float]:
    """All figures, by name; a name ends in its unit (ms, MB, s, x)."""
    folder.mkdir(parents=True, exist_ok=True)
    big = big_journal(folder, events)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        work = Path(temporary)
        scratch = work / "big.sqlite"
        shutil.copyfile(big, scratch)  # nobody writes to it: it has no log
        return {**_appends(work, scratch), **_looks(work, big), **_starts(big), **_verify(big)}


def _appends(work: Path, big: Path) -> dict[str, float]:
    """One event durable: raw INSERT + COMMIT into the same table without triggers, Store on an empty and on a big journal."""
    raw = sqlite3.connect(work / "raw.sqlite", isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", golden()["events"]):
        raw.execute(statement)
    floor = os.open(work / "floor", os.O_CREAT | os.O_WRONLY)
    writers = {name: _writer(path) for name, path in (("append, empty", work / "empty.sqlite"), ("append, big", big))}
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

    works: dict[str, Callable[[], object]] = {"4 KiB + fdatasync": sync, "raw sqlite3": insert}
    for name, writer in writers.items():
        works[name] = lambda writer=writer: writer.add(draft(StepStarted(), "dump:frame", 1))
        works[f"two in one {name}"] = lambda writer=writer: writer.add(
            draft(StepStarted(), "dump:frame", 1), draft(StepStarted(), "dump:hive", 1)
        )
    took = _alternately(works, ROUNDS, APPENDS)
    for writer in writers.values():
        writer.store.close()
    raw.close()
    os.close(floor)
    figures = {f"{name}, ms": value * 1000 for name, value in took.items()}
    figures["append / raw sqlite3, x"] = took["append, empty"] / took["raw sqlite3"]
    figures["append, big / empty, x"] = took["append, big"] / took["append, empty"]
    return figures


def _writer(path: Path) -> Writer:
    writer = Writer(open_store(path), f"bench-{os.getpid()}")
    writer.fact(requested())
    return writer


def _looks(work: Path, big: Path) -> dict[str, float]:
    """Inside one process: the questions of `history` and `status`."""
    empty = work / "little.sqlite"
    writer = Writer(open_store(empty), "r")
    writer.fact(requested())
    writer.store.close()
    questions: dict[str, Callable[[Path], object]] = {
        "20 newest runs": reader.runs,
        "freshness": reader.freshness,
        "20 newest points": lambda path: reader.points(path, limit=20),
        "last success": lambda path: reader.last_success(path, "backup.local", "axe"),
    }
    works = {
        f"{name}, {size}": lambda ask=ask, path=path: ask(path)
        for name, ask in questions.items()
        for size, path in (("empty", empty), ("big", big))
    }
    took = _alternately(works, ROUNDS, LOOKS // ROUNDS)
    return {f"{name}, ms": value * 1000 for name, value in took.items()}


def _starts(big: Path) -> dict[str, float]:
    """As processes of their own, against `python -c pass`."""
    begin = f"from pathlib import Path; from axejournal.journal import reader; path = Path({str(big)!r}); "
    codes = {
        "python -c pass": "pass",
        "last success, a process": begin + "reader.last_success(path, 'backup.local', 'axe')",
        "20 newest runs, a process": begin + "reader.runs(path)",
    }
    works = {name: lambda code=code: subprocess.run([sys.executable, "-c", code], check=True) for name, code in codes.items()}
    took = _alternately(works, ROUNDS, 1)
    figures = {f"{name}, ms": value * 1000 for name, value in took.items()}
    for name in list(codes)[1:]:
        figures[f"{name} / pass, x"] = took[name] / took["python -c pass"]
    return figures


def _verify(big: Path) -> dict[str, float]:
    """Hash chain, schema, SQLite's own check, all projections against replay; memory of this process at its highest."""
    begin = time.perf_counter()
    verdict = verify(big)
    took_s = time.perf_counter() - begin
    verdict.check()
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024  # getrusage: bytes on macOS, KiB on Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {"verify, s": took_s, "events": float(verdict.events), "peak memory, MB": peak}


def _alternately(works: dict[str, Callable[[], object]], rounds: int, times: int) -> dict[str, float]:
    """Seconds that each takes: the median over the rounds, in which they take turns."""
    took: Measured = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            begin = time.perf_counter()
            for _ in range(times):
                work()
            if number:  # the first round warms up
                took[name].append((time.perf_counter() - begin) / times)
    return {name: statistics.median(values) for name, values in took.items()}


if __name__ == "__main__":
    main()
