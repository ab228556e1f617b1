"""Nights: axej against the scripts that an operator would write, on the reference load; what its parts cost; what a
killed first night costs; how much memory axej takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.baseline import Script
from tests.benchmarks.load import DATABASES, Load
from tests.benchmarks.machine import Machine, reference_sources, size_of
from tests.benchmarks.ratios import Row, in_order, ratios

NIGHTS = ("first", "scatter", "same")
AXEJ, FASTEST, NAIVE = "axej", "fastest", "naive"
KILLED_AT = 0.8
ORDER = [FASTEST, AXEJ, NAIVE]  # axej is neighbour to both
Took = dict[str, list[float]]


@dataclass
class Nights:
    """A loaded server, an operator's machine and the scripts' folders. `parts`: what axej's nights were made of."""

    load: Load
    folder: Path
    parts: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    peaks_bytes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine = Machine(self.folder / "machine")
        self.machine.write(reference_sources(self.load.server, self.load.files))
        self.scripts = {name: Script(name, self.load.server, self.load.files, self.folder) for name in (FASTEST, NAIVE)}
        self.changes = 0

    def compare(self, rounds: int) -> Iterator[Row]:
        """Every kind of night, as often as there are rounds."""
        took: dict[str, Took] = {night: {name: [] for name in ORDER} for night in NIGHTS}
        for number in range(rounds):
            self._renew()
            for night in NIGHTS:
                self._change(night)
                for name in in_order(ORDER, number):
                    took[night][name].append(self._one(name, night))
        for night in NIGHTS:
            for script, goal, below in ((FASTEST, 1.10, False), (NAIVE, 0.9, True)):
                name = f"night: {night}, axej / {script} script"
                yield Row(name, goal, ratios(took[night], AXEJ, script), below=below, seconds=took[night])

    def memory(self) -> Row:
        """The most memory that axej's own process had in a night; one is run when none was."""
        if not self.peaks_bytes:
            self._renew()
            self._one(AXEJ, "first")
        note = "the process itself, without its children"
        return Row("memory: axej at its peak, in a night", 120, [peak / 1e6 for peak in self.peaks_bytes], unit="MB", note=note)

    def killed(self, rounds: int) -> Iterator[Row]:
        """A first night whose machine dies at 80 % of the snapshot: `axej resume` against a plain `restic backup` again
        into a copy of what the dead one left."""
        took: Took = {"axej resume": [], "restic again": []}
        twice: list[float] = []
        self.machine.renew()
        self.machine.axej("backup", "--local")
        whole = self.machine.size_bytes()
        for number in range(rounds):
            self.machine.renew()
            self._kill_at(whole * KILLED_AT)
            plain = _Again(self.machine, self.folder / "again", self.load.files)
            works: dict[str, Callable[[], float]] = {
                "axej resume": lambda: self.machine.axej("resume").seconds,
                "restic again": plain.backup,
            }
            for name in in_order(list(works), number):
                os.sync()
                took[name].append(works[name]())
            twice.append(self.machine.size_bytes() / whole)
            plain.clear()
        parts = ratios(took, "axej resume", "restic again")
        yield Row(f"killed at {KILLED_AT:.0%} of its first snapshot: axej resume / restic again", 0.65, parts, seconds=took)
        yield Row("killed at 80 %: repository after the resume / after an undisturbed night", 1.02, twice)

    # --- nights ------------------------------------------------------------------------------------------------------

    def _renew(self) -> None:
        self.machine.renew()
        for script in self.scripts.values():
            script.renew()

    def _change(self, night: str) -> None:
        if night == "scatter":
            self.changes += 1
            self.load.night("scatter", self.changes)
            for database in DATABASES:  # the first reader after an update pays for the server's housekeeping
                self.load.server.sql(database, "VACUUM ANALYZE")
            self.load.server.sql("postgres", "CHECKPOINT")

    def _one(self, name: str, night: str) -> float:
        os.sync()  # what the one before wrote
        if name != AXEJ:
            return self.scripts[name].backup()
        done = self.machine.axej("backup", "--local")
        if done.peak_bytes:
            self.peaks_bytes.append(done.peak_bytes)
        self.parts.setdefault(night, []).append(parts_of(self.machine.events(), done.started_at_us, done.seconds))
        return done.seconds

    def _kill_at(self, size_bytes: float) -> None:
        """Begins a night and kills axej and all that it started as soon as the repository has grown so far."""
        child = self.machine.start("backup", "--local")
        while child.poll() is None and size_of(self.machine.repository / "data") < size_bytes:
            time.sleep(0.02)
        family = psutil.Process(child.pid).children(recursive=True) if child.poll() is None else []
        child.kill()
        for member in family:
            member.kill()
        child.communicate()
        psutil.wait_procs(family, timeout=10)
        if not any(event["step"] == "snapshot" for event in self.machine.events()) or child.returncode != -9:
            raise RuntimeError("the night ended before it could be killed")


@dataclass(frozen=True)
class _Again:
    """What a dead night left, once more: its dumps and its half-filled repository; and a plain restic on them."""

    machine: Machine
    folder: Path
    files: Path

    def __post_init__(self) -> None:
        self.clear()
        self.folder.mkdir(parents=True)
        for name, source in (("repository", self.machine.repository), ("staging", self.machine.state / "staging")):
            shutil.copytree(source, self.folder / name)

    def backup(self) -> float:
        """What an operator types; returns its seconds."""
        restic = [self.machine.home / ".axe" / "bin" / "restic", "-r", self.folder / "repository", "--no-cache"]
        restic += ["--password-file", self.machine.folder / "password"]
        begin = time.perf_counter()
        for words in (["unlock"], ["backup", "--quiet", "--host", "reference", self.folder / "staging", self.files]):
            subprocess.run([*restic, *words], env=self.machine.environment(), check=True, capture_output=True)
        return time.perf_counter() - begin

    def clear(self) -> None:
        """Removes it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def parts_of(events: list[dict[str, Any]], started_at_us: int, seconds: float) -> dict[str, float]:
    """A night's seconds by part, from its events; what the fingerprints took (of all databases together, beside the
    dumps of others); how many events it has, and how many appends (each is one fsync)."""
    at = {event["name"]: event["recorded_at_us"] for event in reversed(events)}  # the first of each name
    ends = {
        "start": at["RunRequested"],
        "preflight": at["PreflightPassed"],
        "dumps": at["DumpsFinished"],
        "snapshot": at["SnapshotTaken"],
        "verify": at["SnapshotVerified"],
        "retain": at["RunSucceeded"],
        "end": started_at_us + round(seconds * 1e6),
    }
    begins = [started_at_us, *list(ends.values())[:-1]]
    found = {name: (end - begin) / 1e6 for (name, end), begin in zip(ends.items(), begins, strict=True)}
    dumped = [event["data"] for event in events if event["name"] == "DatabaseDumped"]
    return {
        **found,
        "fingerprints": sum(data["fingerprints_s"] for data in dumped),
        "reused": sum(data["fingerprints_reused"] for data in dumped),
        "events": len(events),
        "appends": len({event["recorded_at_us"] for event in events}),
    }
