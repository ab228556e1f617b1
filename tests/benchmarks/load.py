"""The reference load: five databases (0.85 GB as uncompressed dumps) and 3,000 files (150 MB), and what nights do to it.

Deterministic: the same seed, scale and number of nights give the same rows and bytes, so that two programs can be measured
against the same data. The server makes the rows itself (no data passes through a client); blobs are SHA-512 of counters,
which no compressor can shrink. Nights: *same* (nothing changed), *tail* (1 % appended), *scatter* (1 % updated all over).

Run by itself: `python -m tests.benchmarks.load --socket-dir DIR --port 5432 --files DIR [--scale 0.1]`.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.load_schemas import SCHEMAS, Schema

DATABASES = tuple(SCHEMAS)
FILES = 3_000
FILES_BYTES = 150_000_000
FILES_A_FOLDER = 100


@dataclass(frozen=True)
class Server:
    """A server to load, reached by its Unix socket; `user` may create databases without a password."""

    socket_dir: Path
    port: int
    user: str = "postgres"
    bin_dir: Path = Path("/usr/lib/postgresql/15/bin")

    def address(self) -> tuple[str, ...]:
        """The arguments that every PostgreSQL client takes."""
        return ("-h", str(self.socket_dir), "-p", str(self.port), "-U", self.user)

    def sql(self, database: str, script: str, **variables: int) -> str:
        """Runs a script in one psql, stops at the first error; unaligned output. `:name` stands for a variable."""
        settings = [argument for name, value in variables.items() for argument in ("-v", f"{name}={value}")]
        done = subprocess.run(
            [self.bin_dir / "psql", *self.address(), "-XqAt", "-v", "ON_ERROR_STOP=1", *settings, "-d", database],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{database}: {done.stderr.strip()}")
        return done.stdout


@dataclass(frozen=True)
class Load:
    """How much, and which. `scale` multiplies every row count and the number of files."""

    server: Server
    files: Path
    scale: float = 1.0
    seed: int = 20_260_520

    def count(self, rows: int) -> int:
        """The scaled count of something, never less than one."""
        return max(1, round(rows * self.scale))

    def make(self) -> None:
        """Creates the five databases (they must not exist) and the files (the folder may exist, empty)."""
        self._each(self._make_database)
        make_files(self.files, self.count(FILES), self.count(FILES_BYTES), self.seed)

    def night(self, kind: str, number: int) -> None:
        """What happens between two backups: `same`, `tail` or `scatter`. Each `number` (from 1) changes other rows."""
        match kind:
            case "same":
                return
            case "tail":
                self._each(lambda name: self._change(name, kind, number))
                make_files(self.files / f"night-{number}", self.count(FILES // 100), self.count(FILES_BYTES // 100), -number)
            case "scatter":
                self._each(lambda name: self._change(name, kind, number))
                rewrite_files(self.files, self.count(FILES // 100), number)
            case _:
                raise ValueError(f"no such night: {kind}")

    @staticmethod
    def _each(work: Callable[[str], None]) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, DATABASES))

    def _make_database(self, name: str) -> None:
        self.server.sql("postgres", f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
        schema = SCHEMAS[name]
        script = schema.tables + self._inserts(schema, 0) + schema.keys + "VACUUM ANALYZE;"
        self.server.sql(name, script, **self._variables(0))

    def _change(self, name: str, kind: str, night: int) -> None:
        script = self._inserts(SCHEMAS[name], night) if kind == "tail" else SCHEMAS[name].scatter
        self.server.sql(name, f"BEGIN; {script} COMMIT;", **self._variables(night))

    def _inserts(self, schema: Schema, night: int) -> str:
        """Night 0 makes the load; each later one appends one row in a hundred, with the ids that follow."""
        statements = []
        for rows in schema.rows:
            grow = self.count(rows.count // 100) if rows.grows else 0
            first = self.count(rows.count) + (night - 1) * grow + 1 if night else 1
            last = first + grow - 1 if night else self.count(rows.count)
            counter = f"generate_series({first}, {last}) AS i"
            statements.append(f"INSERT INTO {rows.table} SELECT {rows.select} FROM {counter};\n")
        return "".join(statements)

    def _variables(self, night: int) -> dict[str, int]:
        counts = {f"n_{rows.table}": self.count(rows.count) for schema in SCHEMAS.values() for rows in schema.rows}
        return {"seed": self.seed, "night": night, **counts}


def make_files(folder: Path, count: int, size_bytes: int, seed: int) -> None:
    """`count` files of random bytes below `folder`, `size_bytes` in sum, sizes spread evenly from small to large."""
    chance = random.Random(seed)
    weights = [chance.random() + 0.02 for _ in range(count)]
    a_weight_bytes = size_bytes / sum(weights)
    for number, weight in enumerate(weights):
        place = folder / f"{number // FILES_A_FOLDER:03d}" / f"{number:05d}.bin"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(chance.randbytes(max(1, round(a_weight_bytes * weight))))


def rewrite_files(folder: Path, count: int, night: int) -> None:
    """New bytes in `count` files, evenly chosen, same sizes."""
    chance = random.Random(-1_000 - night)
    for place in chance.sample(sorted(path for path in folder.rglob("*") if path.is_file()), count):
        place.write_bytes(chance.randbytes(place.stat().st_size))


def main() -> None:
    """Loads a server from the command line and says how long it took."""
    words = argparse.ArgumentParser(description="load the reference databases and files")
    words.add_argument("--socket-dir", type=Path, required=True)
    words.add_argument("--port", type=int, default=5432)
    words.add_argument("--files", type=Path, required=True)
    words.add_argument("--scale", type=float, default=1.0)
    given = words.parse_args()
    begin = time.monotonic()
    Load(Server(given.socket_dir, given.port), given.files, given.scale).make()
    print(f"loaded in {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main()
