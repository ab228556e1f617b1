"""Restores: one small table against its whole database, a whole database against what an operator would type by hand, and
plans on a repository with a thousand snapshots."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.nightly import Nights
from tests.benchmarks.ratios import Row, in_order, ratios

LARGEST, SMALL_TABLE = "index", "kinds"
WHOLE = ("frame", "index")
SNAPSHOTS = 1_000
BY_HAND = """set -eu
rm -rf "$WORK"
"$RESTIC" restore --quiet "$SNAPSHOT:$STAGED" --target "$WORK"
"$BIN/createdb" --template=template0 "$DATABASE"
"$BIN/pg_restore" --format=directory --jobs=2 --exit-on-error --dbname="$DATABASE" "$WORK"
rm -rf "$WORK"
"""


@dataclass
class Restores:
    """The machine of the nights, with one night in its repository."""

    nights: Nights

    def __post_init__(self) -> None:
        self.machine, self.server = self.nights.machine, self.nights.load.server
        self.machine.renew()
        self.machine.axej("backup", "--local")

    def rows(self, rounds: int) -> Iterator[Row]:
        """All of them."""
        yield from self.table(rounds)
        for name in WHOLE:
            yield self.database(name, rounds)
        yield self.plan(rounds)
        yield self.plan_by_tags(rounds)

    def table(self, rounds: int) -> Iterator[Row]:
        """Time and bytes of the small table, by those of its database."""
        table, whole = f"axej restore --table {SMALL_TABLE}", f"axej restore --target {LARGEST}"
        took: dict[str, list[float]] = {table: [], whole: []}
        fetched: dict[str, list[float]] = {table: [], whole: []}
        for number in range(rounds):
            for name in in_order(list(took), number):
                self.server.sql(LARGEST, f"UPDATE {SMALL_TABLE} SET name = name || '!'")
                os.sync()
                words = ["--table", SMALL_TABLE] if name == table else []
                took[name].append(self.machine.axej("restore", "--target", LARGEST, *words, "--yes").seconds)
                fetched[name].append(self._fetched_bytes())
                self._drop_kept()
        yield Row("restore: one small table / its database, time", 0.1, ratios(took, table, whole), seconds=took)
        yield Row("restore: one small table / its database, bytes", 0.05, ratios(fetched, table, whole))

    def database(self, name: str, rounds: int) -> Row:
        """A whole database, loaded, compared and swapped in; by hand it is only loaded."""
        took: dict[str, list[float]] = {"axej": [], "by hand": []}
        for number in range(rounds):
            for who in in_order(list(took), number):
                os.sync()
                took[who].append(self._by_axej(name) if who == "axej" else self._by_hand(name))
        title = f"restore: database {name}, axej / restic restore + pg_restore -j by hand"
        return Row(title, 1.1, ratios(took, "axej", "by hand"), seconds=took)

    def plan(self, rounds: int) -> Row:
        """`--dry-run` of everything, by the journal."""
        seconds = [self.machine.axej("restore", "--dry-run").seconds for _ in range(rounds)]
        return Row("restore: --dry-run of everything", 2.0, seconds, unit="s")

    def plan_by_tags(self, rounds: int) -> Row:
        """The same on a machine that has lost its journal: a repository with 1,000 snapshots is asked."""
        self._multiply()
        lost = self.machine.state.with_name("state.aside")
        self.machine.state.rename(lost)
        try:
            seconds = [self.machine.axej("restore", "--target", LARGEST, "--dry-run").seconds for _ in range(rounds)]
        finally:
            shutil.rmtree(self.machine.state, ignore_errors=True)
            lost.rename(self.machine.state)
        return Row(f"restore: --dry-run without a journal, {self._snapshots():,} snapshots", 2.0, seconds, unit="s")

    # --- works -------------------------------------------------------------------------------------------------------

    def _by_axej(self, name: str) -> float:
        seconds = self.machine.axej("restore", "--target", name, "--yes").seconds
        self._drop_kept()
        return seconds

    def _by_hand(self, name: str) -> float:
        made = f"{name}_by_hand"
        environment = self._environment() | {
            "PGHOST": str(self.server.socket_dir),
            "PGPORT": str(self.server.port),
            "PGUSER": self.server.user,
            "BIN": str(self.server.bin_dir),
            "DATABASE": made,
            "SNAPSHOT": self._snapshot(),
            "STAGED": f"{self.machine.state}/staging/{name}/dump",
            "WORK": str(self.machine.folder / "by-hand"),
        }
        begin = time.perf_counter()
        subprocess.run(["bash", "-c", BY_HAND], env=environment, check=True)
        seconds = time.perf_counter() - begin
        self.server.sql("postgres", f"DROP DATABASE {made}")
        return seconds

    def _environment(self) -> dict[str, str]:
        """Of restic, and where it is."""
        return self.machine.environment() | {
            "RESTIC": str(self.machine.home / ".axe" / "bin" / "restic"),
            "RESTIC_REPOSITORY": str(self.machine.repository),
            "RESTIC_PASSWORD_FILE": str(self.machine.folder / "password"),
            "RESTIC_CACHE_DIR": str(self.machine.folder / "by-hand-cache"),
        }

    def _restic(self, *words: str) -> str:
        environment = self._environment()
        done = subprocess.run([environment["RESTIC"], *words], env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    def _snapshot(self) -> str:
        return next(path.name for path in (self.machine.repository / "snapshots").iterdir())

    def _snapshots(self) -> int:
        return sum(1 for _ in (self.machine.repository / "snapshots").iterdir())

    def _multiply(self) -> None:
        """Each rewriting makes one more of every snapshot."""
        number = 0
        while self._snapshots() < SNAPSHOTS * self.nights.load.scale:
            number += 1
            self._restic("rewrite", "--quiet", "--new-time", f"2026-01-{number:02} 03:00:00")

    def _fetched_bytes(self) -> float:
        facts: list[dict[str, Any]] = [e["data"] for e in self.machine.events() if e["name"] in ("TableFetched", "DumpFetched")]
        return float(facts[0]["size_bytes"])

    def _drop_kept(self) -> None:
        """What restores keep of what they replaced."""
        names = self.server.sql("postgres", r"SELECT datname FROM pg_database WHERE datname LIKE '%\_\_before\_%'")
        for name in names.split():
            self.server.sql("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')
