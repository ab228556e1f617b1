"""Pushes over sftp on loopback: `axej ring push` against a plain `restic copy` of the same snapshots, into repositories of
their own behind the same sshd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil

from axejournal.programs.ssh import connection
from tests.benchmarks.machine import size_of
from tests.benchmarks.nightly import Nights
from tests.benchmarks.ratios import Row, in_order, ratios
from tests.world.place import Place
from tests.world.sshd import Sshd, free_port, make_key

AXEJ, PLAIN = "axej ring push", "restic copy"
KILLED_AT = 0.8
Took = dict[str, list[float]]


@dataclass
class Pushes:
    """A machine whose ring is behind an sshd; and a plain restic beside it."""

    nights: Nights
    place: Place
    changes: int = field(default=100, init=False)

    def __post_init__(self) -> None:
        self.machine = self.nights.machine
        self.there, self.plain = self.place.folder("peer"), self.place.folder("plain")
        self.sshd = Sshd(self.place.folder("sshd"), free_port(), self.place)
        key = make_key(self.sshd.folder, "client")
        shutil.copy(key.with_suffix(".pub"), self.sshd.keys)
        self.sshd.new_host_key()
        self.sshd.start()
        target = connection.Target("peer", self.sshd.user, (self.sshd.address,), self.sshd.port, key, self.sshd.folder / "known")
        host = (self.sshd.folder / "host_key.pub").read_text().split()[:2]
        target.known_hosts.write_text(f"{target.alias} {' '.join(host)}\n")
        self.option = connection.restic_option(target, self.sshd.address)
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
        there = {"ssh_user": self.sshd.user, "ssh_ip": self.sshd.address, "ssh_port": self.sshd.port}
        folders = {"receive_dir_at_peer": f"{self.there}/", "receive_dir_at_self": f"{self.machine.folder}/kept/"}
        (config.parent / "customers.yaml").write_text(json.dumps({"peer": {"ring_backup": {**there, **folders}}}))

    def rows(self, rounds: int) -> Iterator[Row]:
        """Every kind of push, as often as there are rounds."""
        took: dict[str, Took] = {kind: {AXEJ: [], PLAIN: []} for kind in ("first", "scatter", "nothing new")}
        size: dict[str, list[float]] = {kind: [] for kind in took}
        try:
            for number in range(rounds):
                self._renew()
                for kind in took:
                    if kind == "scatter":
                        self.changes += 1
                        self.nights.load.night("scatter", self.changes)
                        self.machine.axej("backup", "--local")
                    before = size_of(self.there), size_of(self.plain)
                    works: dict[str, Callable[[], float]] = {AXEJ: self._push, PLAIN: self._copy}
                    for name in in_order([AXEJ, PLAIN], number):
                        os.sync()
                        took[kind][name].append(works[name]())
                    size[kind].append((size_of(self.there) - before[0]) / max(1, size_of(self.plain) - before[1]))
            for kind, goal in (("first", 1.1), ("scatter", 1.1), ("nothing new", 1.5)):
                yield Row(f"ring: {kind}, axej push / restic copy", goal, ratios(took[kind], AXEJ, PLAIN), seconds=took[kind])
            for kind in ("first", "scatter"):
                yield Row(f"ring: {kind}, bytes there, axej push / restic copy", 1.02, size[kind])
            yield from self._killed(rounds, took["first"][AXEJ])
        finally:
            self.sshd.stop()

    def _killed(self, rounds: int, whole_s: list[float]) -> Iterator[Row]:
        """A first push whose machine dies at 80 %, taken up again."""
        whole, resumed, total = size_of(self.there / "data"), [], []
        for _ in range(rounds):
            self._renew(backup=False)
            child = self.machine.start("ring", "push")
            while child.poll() is None and size_of(self.there / "data") < whole * KILLED_AT:
                time.sleep(0.02)
            family = psutil.Process(child.pid).children(recursive=True) if child.poll() is None else []
            for member in (*family, psutil.Process(child.pid)):
                member.kill()
            child.communicate()
            resumed.append(self.machine.axej("resume").seconds)
            total.append(size_of(self.there / "data") / whole)
        first = sorted(whole_s)[len(whole_s) // 2]
        yield Row("ring: killed at 80 %: resume / a push from the start", 0.7, [one / first for one in resumed])
        yield Row("ring: killed at 80 %: bytes there / undisturbed", 1.1, total)

    def _renew(self, backup: bool = True) -> None:
        """Empty repositories there; the local one has a snapshot."""
        if backup:
            self.machine.renew()
            self.machine.axej("backup", "--local")
            self.machine.axej("ring", "consent", "--as", "One", "--as", "Other")
            self.machine.axej("ring", "verify", fine=(3,))
        for folder in (self.there, self.plain):
            shutil.rmtree(folder)
            folder.mkdir()
        for cache in (self.machine.state / "cache" / "ring", self.sshd.folder / "cache"):
            shutil.rmtree(cache, ignore_errors=True)
        self.machine.axej("ring", "init")
        self._restic("init", "--copy-chunker-params")

    def _push(self) -> float:
        return self.machine.axej("ring", "push").seconds

    def _copy(self) -> float:
        begin = time.perf_counter()
        self._restic("copy")
        return time.perf_counter() - begin

    def _restic(self, *words: str) -> None:
        password = str(self.machine.folder / "password")
        place = f"sftp:{self.sshd.user}@{self.sshd.address}:{self.plain}"
        first = [str(self.machine.home / ".axe" / "bin" / "restic"), "-r", place, "-o", self.option, "--password-file", password]
        source = ["--from-repo", str(self.machine.repository), "--from-password-file", password]
        cache = ["--cache-dir", str(self.sshd.folder / "cache")]
        subprocess.run([*first, *cache, *words, *source], env=self.machine.environment(), check=True, capture_output=True)


def rows(nights: Nights, place: Place, rounds: int) -> Iterator[Row]:
    """See Pushes."""
    yield from Pushes(nights, place).rows(rounds)
