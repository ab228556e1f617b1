"""PostgreSQL servers, and the values that pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from axejournal.domain.ports.processes import Progress


@dataclass(frozen=True)
class ServerFacts:
    """Who a server is. `system_identifier` tells two servers apart, whatever they are called."""

    version: str  # "15.18"
    major: int
    system_identifier: str
    started_at: datetime


@dataclass(frozen=True)
class Table:
    """One table as it was in a dump's own snapshot.

    `fingerprint`: order-free content fingerprint "count:sum"; `file`: its data file in the directory-format dump
    (None for a table without data of its own, such as a partitioned parent); `sha256`: of that file; `columns`: a digest
    of the fingerprint's method and of the file's columns. The same file with the same columns has the same fingerprint.
    """

    schema: str
    name: str
    rows: int
    fingerprint: str
    file: str | None
    size_bytes: int
    sha256: str | None
    dump_id: int | None = None
    columns: str = ""


@dataclass(frozen=True)
class Dump:
    """A finished, proven dump of one database in directory format.

    `sha256` is over the sorted lines "file sha256" of everything in the directory; `sequences`: name -> last value.
    """

    tables: tuple[Table, ...]
    size_bytes: int
    sha256: str
    server: ServerFacts
    encoding: str
    collation: str
    extensions: tuple[str, ...]
    sequences: Mapping[str, int | None] = field(default_factory=dict)
    large_objects: int = 0
    fingerprints_reused: int = 0  # tables whose data file is the same as last time, so that their fingerprint is too
    fingerprints_s: float = 0.0


class DatabaseServer(Protocol):
    """A PostgreSQL server, reached through a container or an address. Raises SourceUnreachable when nothing answers,
    SourceRefused when it answers with a refusal, ProgramMissing without a client of its major version."""

    def facts(self) -> ServerFacts:
        """Who answers."""
        ...

    def database_size_bytes(self, database: str) -> int:
        """pg_database_size."""
        ...

    def dump(self, database: str, into: Path, known: Iterable[Table], progress: Callable[[Progress], None]) -> Dump:
        """Dumps into an empty or missing directory (0700) and proves the dump whole. `known`: tables of the last dump,
        whose fingerprints may be reused when the data file is the same. Raises DumpIncomplete when it isn't whole."""
        ...

    def dump_roles(self, into: Path) -> int:
        """Roles, memberships, tablespaces (pg_dumpall --globals-only, without passwords when it may not read them)
        into a file (0600); returns its size."""
        ...

    def copy_physical(self, into: Path, progress: Callable[[Progress], None]) -> int:
        """Copies the whole running server into an empty or missing directory (0700) and proves the copy; returns bytes.
        Raises SourceRefused with what to grant, DumpIncomplete when it isn't whole."""
        ...

    def is_running(self) -> bool:
        """Whether the server (its container, when it has one) is up, told apart from a refusal."""
        ...

    def stage_volume(self, volume: str, into: Path) -> int:
        """Copies a stopped server's data volume below `into`; returns bytes. Refused while the server runs."""
        ...
