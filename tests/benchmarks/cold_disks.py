"""Syncs of a cold disk (ext4 on a loop device) against a plain `restic copy` of the same snapshots onto the same disk; how soon
a disk that is mounted gets its first byte; what the watch costs while nothing happens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from tests.benchmarks.nightly import Nights
from tests.benchmarks.ratios import Row, in_order, ratios
from tests.world.disks import MKFS, PAPER, Disk, run, typed
from tests.world.place import Place

AXEJ, PLAIN = "axej cold sync", "restic copy"
DISK_BYTES = 6 << 30
IDLE_S = 60.0


class Colds:
    """A machine with one cold disk that its own key opens."""

    def __init__(self, nights: Nights, place: Place) -> None:
        self.nights, self.machine, self.changes = nights, nights.machine, 500
        folder = place.folder("cold")
        self.disk = Disk(folder / "1.image", folder / "axe-cold-1")
        self.plain, self.password = self.disk.mount / "plain", str(self.machine.folder / "password")
        self.config = self.machine.home / ".axe" / "axej.yaml"
        content = json.loads(self.config.read_text())
        content["tiers"]["cold"] = {
            "mount": f"{folder}/axe-cold-{{1,2,3}}",
            "first_quarter": "2026Q1",
            "machine_key": {"file": str(folder / "key")},
        }
        self.config.write_text(json.dumps(content))

    def rows(self, rounds: int) -> Iterator[Row]:
        """Every kind of sync, as often as there are rounds."""
        took: dict[str, dict[str, list[float]]] = {kind: {AXEJ: [], PLAIN: []} for kind in ("first", "scatter")}
        first_byte: list[float] = []
        try:
            for number in range(rounds):
                self._renew()
                for kind in took:
                    if kind == "scatter":
                        self.changes += 1
                        self.nights.load.night("scatter", self.changes)
                        self.machine.axej("backup", "--local")
                        self.nights.load.server.sql("postgres", "CHECKPOINT")  # else whoever comes first pays for it
                    works = {AXEJ: lambda: self.machine.axej("cold", "sync", "1").seconds, PLAIN: self._copy}
                    for name in in_order([AXEJ, PLAIN], number):
                        os.sync()
                        took[kind][name].append(works[name]())
                first_byte.append(self._first_byte())
            yield Row("cold: mount to the first byte copied", 2.0, first_byte, unit="s")
            for kind, each in took.items():
                yield Row(f"cold: {kind}, axej cold sync / restic copy", 1.1, ratios(each, AXEJ, PLAIN), seconds=each)
            yield from self._idle()
        finally:
            self.disk.pull()

    def _first_byte(self) -> float:
        """With the watch at work, from before the mount until a new pack is there."""
        self._renew()
        self.disk.eject()
        watch = self.machine.start("cold", "watch")
        time.sleep(2)
        begin = time.perf_counter()
        self.disk.connect()
        data = self.disk.mount / "restic-repo" / "data"
        while not any(data.glob("??/*")) and time.perf_counter() - begin < 60:
            time.sleep(0.01)
        seconds = time.perf_counter() - begin
        watch.terminate()
        watch.communicate()
        while run("pgrep", "-f", str(self.config), check=False).returncode == 0 and time.perf_counter() - begin < 120:
            time.sleep(0.2)  # the sync goes on without the watch
        return seconds

    def _idle(self) -> Iterator[Row]:
        watch, idle_s = self.machine.start("cold", "watch"), max(2.0, IDLE_S * min(self.nights.load.scale, 1.0))
        time.sleep(min(5.0, idle_s))
        process = psutil.Process(watch.pid)
        before = sum(process.cpu_times()[:2])
        time.sleep(idle_s)
        percent = (sum(process.cpu_times()[:2]) - before) / idle_s * 100
        mib = process.memory_info().rss / 2**20
        watch.terminate()
        watch.communicate()
        yield Row("cold: watch, idle, of one core", 0.1, [percent], unit="%", below=True)
        yield Row("cold: watch, memory", 60, [mib], unit="MB")

    def _renew(self) -> None:
        """A new disk with two empty repositories; the local one has a snapshot."""
        self.disk.pull()
        self.machine.renew()
        self.machine.axej("backup", "--local")
        with self.disk.image.open("wb") as file:
            file.truncate(DISK_BYTES)
        run(*MKFS["ext4"], str(self.disk.image))
        self.disk.connect()
        world: Any = SimpleNamespace(
            folder=self.machine.folder, environ=lambda added, kill: {**self.machine.environment(), **added}
        )
        for words, answers in ((("cold", "init", "1"), (PAPER, PAPER)), (("cold", "enroll-key", "1"), (PAPER,))):
            code, said = typed(world, words, answers)
            if code:
                raise RuntimeError(said)
        shutil.rmtree(self.plain, ignore_errors=True)
        self._restic("init", "--copy-chunker-params")

    def _copy(self) -> float:
        begin = time.perf_counter()
        self._restic("copy")
        return time.perf_counter() - begin

    def _restic(self, *words: str) -> None:
        restic = str(Path(self.machine.home) / ".axe" / "bin" / "restic")
        first = [restic, "-r", str(self.plain), "--no-cache", "--password-file", self.password]
        source = ["--from-repo", str(self.machine.repository), "--from-password-file", self.password]
        subprocess.run([*first, *words, *source], env=self.machine.environment(), check=True, capture_output=True)


def rows(nights: Nights, place: Place, rounds: int) -> Iterator[Row]:
    """See Colds; nothing where there are no loop devices."""
    if os.geteuid() == 0 and Path("/dev/loop-control").exists():
        yield from Colds(nights, place).rows(rounds)
