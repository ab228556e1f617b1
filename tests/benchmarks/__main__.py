"""`make bench`: every goal of speed, measured. Ratios of neighbours that took turns in one run, never seconds alone.

`python -m tests.benchmarks [--only night --only killed …] [--scale 1] [--rounds 5] [--json build/bench.json]`
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import cold_disks, journal_rows, pushes, starts, table, world
from tests.benchmarks.drills import Drills
from tests.benchmarks.nightly import Nights
from tests.benchmarks.ratios import Row
from tests.benchmarks.restores import Restores
from tests.world.place import ROOT, Place, session_place

GROUPS = ("start", "journal", "night", "memory", "killed", "restore", "drill", "ring", "cold")
OF_NIGHTS = ("night", "memory", "killed", "restore", "drill", "ring", "cold")
EVENTS = 1_000_000
JOURNALS = Path(".cache/journal")  # the big one is made once: 40 s


def main() -> None:
    """Measures what was asked for, prints a table, writes JSON. Exit code 0 whatever was met: a busy machine is no fault."""
    given = _words().parse_args()
    wanted = [group for group in GROUPS if not given.only or group in given.only]
    began, before = time.time(), os.getloadavg()
    rows: list[Row] = []
    with ExitStack() as held:
        place = held.enter_context(session_place(ROOT))
        for row in _quick(wanted, place, given):
            rows.append(_told(row))
        nights = held.enter_context(world.nights(place, given.scale)) if set(wanted) & set(OF_NIGHTS) else None
        for row in _of_nights(wanted, nights, place, given.rounds) if nights else ():
            rows.append(_told(row))
    parts = nights.parts if nights else {}
    table.print_rows(rows)
    table.print_parts(parts)
    loads = [[round(value, 2) for value in each] for each in (before, os.getloadavg())]
    print(f"load averages before {loads[0]}, after {loads[1]}; {os.cpu_count()} cores; scale {given.scale:g}")
    content = {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "took_s": round(time.time() - began, 1),
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version()},
        "load_averages": loads,
        "scale": given.scale,
        "rounds": given.rounds,
        "events": _events(given.scale),
        "rows": [row.plain() for row in rows],
        "nights": parts,
    }
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(content, indent=1) + "\n")


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="measure the goals of speed")
    words.add_argument("--only", action="append", choices=GROUPS, help="only this group (several times for several)")
    words.add_argument("--scale", type=float, default=1.0, help="of the reference load and of the big journal")
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--json", type=Path, default=Path("build/bench.json"))
    return words


def _events(scale: float) -> int:
    return max(2_000, round(EVENTS * scale))


def _quick(wanted: list[str], place: Place, given: argparse.Namespace) -> Iterator[Row]:
    if {"start", "journal"} & set(wanted):
        big = starts.big_journal(JOURNALS.absolute(), _events(given.scale))
    if "start" in wanted:
        yield from starts.rows(place.folder("start"), big, given.rounds)
    if "journal" in wanted:
        yield from journal_rows.rows(place.folder("journal"), big, given.rounds, given.scale)


def _of_nights(wanted: list[str], nights: Nights, place: Place, rounds: int) -> Iterator[Row]:
    if "night" in wanted:
        yield from nights.compare(rounds)
    if "memory" in wanted:
        yield nights.memory()
    if "killed" in wanted:
        yield from nights.killed(rounds)
    if "restore" in wanted:
        yield from Restores(nights).rows(rounds)
    if "drill" in wanted:
        yield from Drills(nights).rows(rounds)
    if "cold" in wanted:
        yield from cold_disks.rows(nights, place, rounds)
    if "ring" in wanted:
        yield from pushes.rows(nights, place, rounds)


def _told(row: Row) -> Row:
    print(table.line(row), file=sys.stderr, flush=True)
    return row


if __name__ == "__main__":
    main()
