"""Drills: the whole reference load brought back into scratch servers, compared by fingerprint, against what an operator would
type by hand: restore, a scratch server, pg_restore, count(*) of every table. And what fingerprints cost a night."""

from __future__ import annotations

import os
import pwd
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.load import DATABASES
from tests.benchmarks.nightly import NIGHTS, Nights
from tests.benchmarks.ratios import Row, in_order, ratios

BY_HAND = """set -eu
rm -rf "$WORK"; mkdir "$WORK"; chmod 711 "$WORK"
"$RESTIC" restore --quiet "$SNAPSHOT" --target "$WORK/back"
mkdir -m 700 "$WORK/server"; test -z "$OWNER" || chown "$OWNER" "$WORK/server"
export PGHOST="$WORK/server" PGUSER=postgres
$AS "$BIN/initdb" -D "$WORK/server/data" -U postgres --auth=trust >"$WORK/log"
$AS "$BIN/pg_ctl" -s -w -D "$WORK/server/data" -o "-c listen_addresses='' -k $WORK/server" -l "$WORK/server/log" start
for database in $DATABASES; do
    "$BIN/createdb" --template=template0 --encoding=UTF8 "$database"
    "$BIN/pg_restore" --format=directory --jobs=2 --exit-on-error --dbname="$database" "$WORK/back$STAGING/$database/dump"
    "$BIN/psql" -XqAt -d "$database" >>"$WORK/log" <<'END'
SELECT format('SELECT %L, count(*) FROM %I.%I', relname, schemaname, relname) FROM pg_stat_user_tables \\gexec
END
done
$AS "$BIN/pg_ctl" -s -m immediate -D "$WORK/server/data" stop
"""
PARTS = ("choosing", "preparing", "restoring", "comparing", "rest")


@dataclass
class Drills:
    """The machine of the nights."""

    nights: Nights

    def __post_init__(self) -> None:
        self.machine, self.server = self.nights.machine, self.nights.load.server

    def rows(self, rounds: int) -> Iterator[Row]:
        """All of them: the nights of each round are dumped, and its last snapshot is drilled. A short form dumps one night."""
        took: dict[str, list[float]] = {"axej": [], "by hand": []}
        whole = self.nights.load.scale >= 1
        cost: dict[str, list[float]] = {night: [] for night in (NIGHTS if whole else ("same",))}
        parts: list[dict[str, float]] = []
        for number in range(rounds):
            if whole or not self.machine.repository.exists():
                self.machine.renew()
            for night in cost:
                self.nights._change(night)
                self.machine.axej("backup", "--local")
                cost[night].append(self._share())
            for who in in_order(list(took), number):
                os.sync()
                took[who].append(self._by_axej(parts) if who == "axej" else self._by_hand())
        note = ", ".join(f"{name} {statistics.median(one[name] for one in parts):.1f} s" for name in PARTS)
        title = "drill: all sources, axej with fingerprints / by hand with pg_restore -j and count(*)"
        yield Row(title, 1.25, ratios(took, "axej", "by hand"), seconds=took, note=note)
        changed = ", ".join(f"{night} {statistics.median(values):.2f}" for night, values in cost.items() if night != "same")
        note = f"only for what changed: where all did, {changed}" if changed else ""
        yield Row("drill: fingerprints of a night where nothing changed / its dumps", 0.1, cost["same"], note=note)

    def _share(self) -> float:
        """Fingerprints of all databases by what their dumps took without them."""
        dumped = [event["data"] for event in self.machine.events() if event["name"] == "DatabaseDumped"]
        fingerprints = sum(data["fingerprints_s"] for data in dumped)
        return float(fingerprints / (sum(data["duration_s"] for data in dumped) - fingerprints))

    def _by_axej(self, parts: list[dict[str, float]]) -> float:
        done = self.machine.axej("drill")
        parts.append(parts_of(self.machine.events(), done.started_at_us, done.seconds))
        return done.seconds

    def _by_hand(self) -> float:
        work = self.machine.folder.parent / "drill-by-hand"
        owner = next((one.pw_name for one in pwd.getpwall() if one.pw_name == "postgres"), "nobody") if os.geteuid() == 0 else ""
        environment = self.machine.environment() | {
            "RESTIC": str(self.machine.home / ".axe" / "bin" / "restic"),
            "RESTIC_REPOSITORY": str(self.machine.repository),
            "RESTIC_PASSWORD_FILE": str(self.machine.folder / "password"),
            "RESTIC_CACHE_DIR": str(self.machine.folder / "by-hand-cache"),
            "BIN": str(self.server.bin_dir),
            "DATABASES": " ".join(DATABASES),
            "SNAPSHOT": "latest",
            "STAGING": f"{self.machine.state}/staging",
            "WORK": str(work),
            "OWNER": owner,
            "AS": f"setpriv --reuid={owner} --regid={owner} --init-groups --" if owner else "",
        }
        begin = time.perf_counter()
        subprocess.run(["bash", "-c", BY_HAND], env=environment, check=True, cwd="/")
        shutil.rmtree(work)
        return time.perf_counter() - begin


def parts_of(events: list[dict[str, Any]], started_at_us: int, seconds: float) -> dict[str, float]:
    """A drill's seconds by part, from its events."""
    at = {event["name"]: event["recorded_at_us"] for event in reversed(events)}  # the first of each name
    ends = [at["PointsChosen"], at["ScratchesReady"], at["LoadsFinished"], at["ComparisonsFinished"]]
    marks = [started_at_us, *ends, started_at_us + round(seconds * 1e6)]
    return {name: (marks[place + 1] - marks[place]) / 1e6 for place, name in enumerate(PARTS)}
