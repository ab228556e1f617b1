"""Pushes over sftp: `axej ring push` against a plain `restic copy` of the same snapshots, into repositories of their own behind
the same sshd; over loopback, and over a link that is slow and far."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from axejournal.programs.ssh import connection
from tests.benchmarks.link import Link
from tests.benchmarks.machine import Machine, size_of
from tests.benchmarks.nightly import Nights
from tests.benchmarks.ratios import Row, in_order, ratios
from tests.world.place import Place
from tests.world.sshd import Sshd, free_port, make_key

AXEJ, PLAIN = "axej ring push", "restic copy"
KILLED_AT = 0.8
DELAY_S, BITS_PER_S = 0.015, 50e6
SLOW_BYTES, SLOW_ROUNDS = 200_000_000, 3
Took = dict[str, list[float]]


@dataclass
class Pair:
    """A machine whose ring is behind an sshd; and a plain restic beside it, with the settings that ssh has by itself. `port`:
    where the sshd is reached, if not directly."""

    machine: Machine
    place: Place
    sshd: Sshd
    port: int

    def __post_init__(self) -> None:
        self.there, self.plain = self.place.folder("peer"), self.place.folder("plain")
        key = make_key(self.place.folder("key"), "client")
        with self.sshd.keys.open("a") as keys:
            keys.write(key.with_suffix(".pub").read_text())
        self.caches = self.machine.state / "cache" / "ring", self.place.folder("cache")
        target = connection.Target("peer", self.sshd.user, (self.sshd.address,), self.port, key, self.caches[1].parent / "known")
        host = (self.sshd.folder / "host_key.pub").read_text().split()[:2]
        target.known_hosts.write_text(f"{target.alias} {' '.join(host)}\n")
        ours = f" '-o' 'Ciphers={connection.CIPHERS}'"
        self.option = connection.restic_option(target, self.sshd.address).replace(ours, "")
        config = self.machine.home / ".axe" / "axej.yaml"
        content = json.loads(config.read_text())
        content["customers"] = "customers.yaml"
        content["tiers"]["ring"] = {
            "peer": "peer",
            "password": {"file": str(self.machine.folder / "password")},
            "identity": str(key),
            "schedule": "30 3 * * *",
            "retention": {"last": 100},
        }
        config.write_text(json.dumps(content))
        there = {"ssh_user": self.sshd.user, "ssh_ip": self.sshd.address, "ssh_port": self.port}
        folders = {"receive_dir_at_peer": f"{self.there}/", "receive_dir_at_self": f"{self.machine.folder}/kept/"}
        (config.parent / "customers.yaml").write_text(json.dumps({"peer": {"ring_backup": {**there, **folders}}}))

    def renew(self, backup: bool = True) -> None:
        """Empty repositories there; the local one has a snapshot."""
        if backup:
            self.machine.renew()
            self.machine.axej("backup", "--local")
            self.machine.axej("ring", "consent", "--as", "One", "--as", "Other")
            self.machine.axej("ring", "verify", fine=(3,))
        for folder in (self.there, self.plain):
            shutil.rmtree(folder)
            folder.mkdir()
        for cache in self.caches:
            shutil.rmtree(cache, ignore_errors=True)
        self.machine.axej("ring", "init")
        self.restic("init", "--copy-chunker-params")

    def push(self) -> float:
        """With axej; seconds."""
        return self.machine.axej("ring", "push").seconds

    def copy(self) -> float:
        """With restic alone; seconds."""
        begin = time.perf_counter()
        self.restic("copy")
        return time.perf_counter() - begin

    def restic(self, *words: str) -> None:
        """`restic WORDS`, from the local repository to the plain one there."""
        password = str(self.machine.folder / "password")
        place = f"sftp:{self.sshd.user}@{self.sshd.address}:{self.plain}"
        first = [str(self.machine.home / ".axe" / "bin" / "restic"), "-r", place, "-o", self.option, "--password-file", password]
        source = ["--from-repo", str(self.machine.repository), "--from-password-file", password]
        cache = ["--cache-dir", str(self.caches[1])]
        subprocess.run([*first, *cache, *words, *source], env=self.machine.environment(), check=True, capture_output=True)

    def works(self) -> dict[str, Callable[[], float]]:
        """What takes turns."""
        return {AXEJ: self.push, PLAIN: self.copy}


def start_sshd(place: Place) -> Sshd:
    """An sshd of the bench's own, which lets nobody in yet."""
    sshd = Sshd(place.folder("sshd"), free_port(), place)
    sshd.keys.touch(mode=0o600)
    sshd.new_host_key()
    sshd.start()
    return sshd


@dataclass
class Pushes:
    """The reference load over loopback."""

    nights: Nights
    pair: Pair
    changes: int = field(default=100, init=False)

    def rows(self, rounds: int) -> Iterator[Row]:
        """Every kind of push, as often as there are rounds."""
        took: dict[str, Took] = {kind: {AXEJ: [], PLAIN: []} for kind in ("first", "scatter", "nothing new")}
        size: dict[str, list[float]] = {kind: [] for kind in took}
        pair = self.pair
        for number in range(rounds):
            pair.renew()
            for kind in took:
                if kind == "scatter":
                    self.changes += 1
                    self.nights.load.night("scatter", self.changes)
                    pair.machine.axej("backup", "--local")
                    self.nights.load.server.sql("postgres", "CHECKPOINT")  # else whoever comes first pays for it
                before = size_of(pair.there), size_of(pair.plain)
                for name in in_order([AXEJ, PLAIN], number):
                    os.sync()
                    took[kind][name].append(pair.works()[name]())
                size[kind].append((size_of(pair.there) - before[0]) / max(1, size_of(pair.plain) - before[1]))
        for kind, goal in (("first", 1.1), ("scatter", 1.1), ("nothing new", 1.5)):
            yield Row(f"ring: {kind}, axej push / restic copy", goal, ratios(took[kind], AXEJ, PLAIN), seconds=took[kind])
        for kind in ("first", "scatter"):
            yield Row(f"ring: {kind}, bytes there, axej push / restic copy", 1.02, size[kind])
        yield from self._killed(rounds, took["first"][AXEJ])

    def _killed(self, rounds: int, whole_s: list[float]) -> Iterator[Row]:
        """A first push whose machine dies at 80 %, taken up again."""
        whole, resumed, total = size_of(self.pair.there / "data"), [], []
        for _ in range(rounds):
            self.pair.renew(backup=False)
            child = self.pair.machine.start("ring", "push")
            while child.poll() is None and size_of(self.pair.there / "data") < whole * KILLED_AT:
                time.sleep(0.02)
            family = psutil.Process(child.pid).children(recursive=True) if child.poll() is None else []
            child.kill()
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):  # what ended with its parent
                    member.kill()
            child.communicate()
            resumed.append(self.pair.machine.axej("resume").seconds)
            total.append(size_of(self.pair.there / "data") / whole)
        first = sorted(whole_s)[len(whole_s) // 2]
        yield Row("ring: killed at 80 %: resume / a push from the start", 0.7, [one / first for one in resumed])
        yield Row("ring: killed at 80 %: bytes there / undisturbed", 1.1, total)


@dataclass
class Slow:
    """Files that can't be compressed, over a link with a delay; what passes is counted. `first_bytes`: of the first push."""

    pair: Pair
    link: Link
    files: Path
    first_bytes: int
    number: int = 0

    def rows(self, rounds: int) -> Iterator[Row]:
        """First push, and one after a night that brought 30 % more."""
        took: dict[str, Took] = {kind: {AXEJ: [], PLAIN: []} for kind in ("first", "scatter")}
        passed: dict[str, Took] = {kind: {AXEJ: [], PLAIN: []} for kind in took}
        for number in range(rounds):
            shutil.rmtree(self.files, ignore_errors=True)
            self._more(self.first_bytes)
            self.pair.renew()
            for kind in took:
                if kind == "scatter":
                    self._more(self.first_bytes * 3 // 10)
                    self.pair.machine.axej("backup", "--local")
                for name in in_order([AXEJ, PLAIN], number):
                    before = self.link.passed_bytes
                    took[kind][name].append(self.pair.works()[name]())
                    passed[kind][name].append(self.link.passed_bytes - before)
        way = f"ring over {self.link.delay_s * 2000:.0f} ms there and back, {self.link.bits_per_s / 1e6:.0f} Mbit/s"
        for kind in took:
            yield Row(f"{way}: {kind}, axej push / restic copy", 1.1, ratios(took[kind], AXEJ, PLAIN), seconds=took[kind])
        for kind in took:
            yield Row(f"{way}: {kind}, bytes on the wire", 1.02, ratios(passed[kind], AXEJ, PLAIN))

    def _more(self, size: int) -> None:
        self.files.mkdir(exist_ok=True)
        for _ in range(8):
            self.number += 1
            (self.files / str(self.number)).write_bytes(random.Random(self.number).randbytes(size // 8))


def rows(nights: Nights, place: Place, rounds: int) -> Iterator[Row]:
    """See Pushes and Slow."""
    sshd = start_sshd(place)
    try:
        yield from Pushes(nights, Pair(nights.machine, place, sshd, sshd.port)).rows(rounds)
        with Link(sshd.port, DELAY_S, BITS_PER_S).up() as link:
            machine, files = Machine(place.folder("far")), place.folder("far-files")
            machine.write({"files": {"kind": "files", "path": str(files)}})
            first_bytes = round(SLOW_BYTES * nights.load.scale)
            yield from Slow(Pair(machine, place, sshd, link.port), link, files, first_bytes).rows(min(rounds, SLOW_ROUNDS))
    finally:
        sshd.stop()
