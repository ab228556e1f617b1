"""The restoring side of a PostgreSQL server, and the commands that an operator configured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from axejournal.domain.ports.database import ServerFacts, Table
from axejournal.domain.ports.processes import Progress


@dataclass(frozen=True)
class LiveDatabase:
    """A database that is there. `sessions`: who is connected, as "count x application (user)"."""

    name: str
    size_bytes: int
    sessions: tuple[str, ...] = ()
    prepared_transactions: int = 0


@dataclass(frozen=True)
class ServerLook:
    """A server before a restore. `data_folder`: on this machine, None when it is elsewhere or not told."""

    facts: ServerFacts
    databases: tuple[str, ...]
    extensions: frozenset[str]
    data_folder: Path | None = None


@dataclass(frozen=True)
class Loaded:
    """How a load went. `notes`: what was done otherwise than usual, nothing is lost by it; `left_out`: what was not brought
    back. Both are sentences without their end."""

    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unpacked:
    """A data directory lies at its place. `commands` start a server on it."""

    version: str
    size_bytes: int
    commands: tuple[str, ...]


class RestoreServer(Protocol):
    """Raises SourceUnreachable, SourceRefused, ProgramMissing, ProgramFailed, DiskFull, Interrupted."""

    def look(self) -> ServerLook:
        """Who answers, which databases it has, which extensions it could have."""
        ...

    def live(self, database: str) -> LiveDatabase | None:
        """A database, or None when there is none of that name."""
        ...

    def restore_roles(self, roles: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Makes the roles of a `pg_dumpall --globals-only` file that the server lacks, with their settings, passwords and
        memberships; returns (made, there already). May be called twice."""
        ...

    def load(self, dump: Path, source: str, database: str, jobs: int, progress: Callable[[Progress], None]) -> Loaded:
        """Makes `database` as the dump of database `source` describes it (encoding, collation, owner, settings, rights) and
        loads the dump into it. What is there of that name is dropped first."""
        ...

    def fingerprints(self, database: str, jobs: int) -> tuple[Table, ...]:
        """Rows and content fingerprints of all tables."""
        ...

    def sequences(self, database: str) -> Mapping[tuple[str, str], int | None]:
        """(schema, name) -> last value, None when it was never used."""
        ...

    def partitions(self, database: str) -> Mapping[tuple[str, str], tuple[str, str]]:
        """(schema, name) of each partition -> that of the topmost table it is a part of."""
        ...

    def large_objects(self, database: str) -> int:
        """How many there are."""
        ...

    def analyze(self, database: str) -> None:
        """Statistics for the planner: a restored database has none."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Nobody is connected to `old`."""
        ...

    def swap(self, live: str, incoming: str, kept: str) -> int:
        """`live` becomes `kept` and `incoming` becomes `live`, in one transaction; sessions in `live` are ended, and
        whoever connects meanwhile waits and gets the new one. Returns how many were ended."""
        ...

    def check_place(self, into: str) -> None:
        """Raises SourceRefused when a folder (a path) or a volume (a name) to unpack into is there and not empty."""
        ...

    def check_archives(self, fetched: Path) -> int:
        """Bytes of a fetched volume or physical copy. Raises ProgramFailed when it is not whole."""
        ...

    def unpack(self, fetched: Path, into: str) -> Unpacked:
        """Unpacks it; begun a second time, it begins anew. Starts nothing."""
        ...

    def drop(self, database: str) -> None:
        """Ends its sessions and removes it. May be called twice."""
        ...

    def close(self) -> None:
        """Ends what is kept open. May be called twice; goes on after it."""
        ...


class Commands(Protocol):
    """Commands that the configuration names."""

    def run(self, argv: tuple[str, ...], folder: Path | None, timeout_s: float) -> tuple[int, str]:
        """Runs it to its end; returns exit code and output (both streams), which is also kept in the run's log.
        Raises ProgramMissing, ProgramStalled, Interrupted."""
        ...
