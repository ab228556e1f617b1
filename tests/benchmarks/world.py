"""The server that the nights are measured on: one of the session's own, loaded with the reference load."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from axejournal.programs.install import find_postgres_program
from tests.benchmarks.load import Load, Server
from tests.benchmarks.nightly import Nights
from tests.world import postgres
from tests.world.place import Place

QUIET = ("autovacuum=off", "max_wal_size=4GB", "shared_buffers=256MB")  # it does nothing of its own meanwhile


@contextmanager
def nights(place: Place, scale: float) -> Iterator[Nights]:
    """Everything that nights need; the server ends with it. Raises RuntimeError where PostgreSQL is missing."""
    found = find_postgres_program("postgres", 15) or find_postgres_program("postgres", 18)
    if found is None:
        raise RuntimeError("PostgreSQL is missing; tests/world/setup.sh gets it")
    options = [part for option in QUIET for part in ("-c", option)]
    server = postgres._initialise(place, found.parent, _major(str(found)), options)
    server.start()
    try:
        folder = place.folder("nights")
        load = Load(Server(server.socket_dir, server.port, bin_dir=server.bin_dir), folder / "files", scale)
        load.make()
        yield Nights(load, folder)
    finally:
        server.stop(signal.SIGQUIT)


def _major(program: str) -> int:
    """The server's major version, of "postgres (PostgreSQL) 15.20 (Debian …)"."""
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, cwd="/").stdout
    return int(said.split(")")[1].split(".")[0])
