"""The scripts that an operator would write by hand, to measure against. They use nothing of axejournal.

*fastest*: directory format, uncompressed, two databases at once, then one `restic backup` of dumps and files.
*naive*: `pg_dumpall > file`, then `restic backup` of file and files.

Run by itself: `python -m tests.benchmarks.baseline --socket-dir DIR --port 5432 --files DIR --work DIR [--rounds 3]`
measures both on a loaded server, alternately: first night, same, scatter. Prints medians and a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.load import DATABASES, Load, Server

FASTEST = """set -eu
rm -rf "$STAGE"; mkdir -m 0700 "$STAGE"
printf '%s\\n' $DATABASES | xargs -P 2 -I '{}' "$BIN/pg_dump" -Fd -Z0 -f "$STAGE/{}" '{}'
"$RESTIC" backup --quiet --host reference "$STAGE" "$FILES"
"""
NAIVE = """set -eu
rm -rf "$STAGE"; mkdir -m 0700 "$STAGE"
"$BIN/pg_dumpall" > "$STAGE/all.sql"
"$RESTIC" backup --quiet --host reference "$STAGE" "$FILES"
"""
RESTIC = Path("~/.axe/bin/restic").expanduser()
SCRIPTS = {"fastest": FASTEST, "naive": NAIVE}


@dataclass(frozen=True)
class Script:
    """One of SCRIPTS with a repository and a staging folder of its own. The staging path never changes: restic finds
    its parent snapshot by path."""

    name: str
    server: Server
    files: Path
    work: Path
    restic: Path = RESTIC

    @property
    def repository(self) -> Path:
        """Where the script's repository is."""
        return self.work / f"{self.name}-repository"

    def environment(self) -> dict[str, str]:
        """What the script finds in its environment (a measuring password: nothing secret)."""
        password = self.work / "password"
        password.parent.mkdir(parents=True, exist_ok=True)
        password.write_text("reference\n")
        return {
            **os.environ,
            "PGHOST": str(self.server.socket_dir),
            "PGPORT": str(self.server.port),
            "PGUSER": self.server.user,
            "BIN": str(self.server.bin_dir),
            "DATABASES": " ".join(DATABASES),
            "STAGE": str(self.work / f"{self.name}-stage"),
            "FILES": str(self.files),
            "RESTIC": str(self.restic),
            "RESTIC_REPOSITORY": str(self.repository),
            "RESTIC_PASSWORD_FILE": str(password),
            "RESTIC_CACHE_DIR": str(self.work / f"{self.name}-cache"),
        }

    def renew(self) -> None:
        """An empty repository: the next night is a first night."""
        shutil.rmtree(self.repository, ignore_errors=True)
        shutil.rmtree(self.work / f"{self.name}-cache", ignore_errors=True)
        subprocess.run([self.restic, "init", "--quiet"], env=self.environment(), check=True)

    def backup(self) -> float:
        """One night; returns its seconds."""
        begin = time.monotonic()
        subprocess.run(["bash", "-c", SCRIPTS[self.name]], env=self.environment(), check=True)
        return time.monotonic() - begin

    def size_bytes(self) -> int:
        """Bytes that the repository takes."""
        return sum(path.stat().st_size for path in self.repository.rglob("*") if path.is_file())


def measure(load: Load, work: Path, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds (and MB that the repository grew, as `NIGHT MB`) of each script and night; the scripts take turns."""
    scripts = [Script(name, load.server, load.files, work) for name in SCRIPTS]
    figures: dict[str, dict[str, list[float]]] = {script.name: {} for script in scripts}

    def note(script: Script, night: str) -> None:
        before = script.size_bytes()
        figures[script.name].setdefault(f"{night} s", []).append(round(script.backup(), 2))
        figures[script.name].setdefault(f"{night} MB", []).append(round((script.size_bytes() - before) / 1e6, 1))

    for number in range(1, rounds + 1):
        for script in scripts:
            script.renew()
            note(script, "first")
        for script in reversed(scripts):
            note(script, "same")
        load.night("scatter", number)
        for script in scripts:
            note(script, "scatter")
    return figures


def main() -> None:
    """Measures from the command line."""
    words = argparse.ArgumentParser(description="measure the hand-written scripts on the reference load")
    words.add_argument("--socket-dir", type=Path, required=True)
    words.add_argument("--port", type=int, default=5432)
    words.add_argument("--files", type=Path, required=True)
    words.add_argument("--work", type=Path, required=True)
    words.add_argument("--rounds", type=int, default=3)
    given = words.parse_args()
    figures = measure(Load(Server(given.socket_dir, given.port), given.files), given.work, given.rounds)
    for name, nights in figures.items():
        print(name, *(f"{night} {statistics.median(values):.1f}" for night, values in nights.items()), sep="  ")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
