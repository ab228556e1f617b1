"""Scratch servers: of one run alone, reached by nobody else, gone when the run has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from axejournal.domain.ports.restore import RestoreServer


@dataclass(frozen=True)
class ScratchOrder:
    """A server to be. `container`: of the source, whose image it gets, None for this machine's own programs; `user`: its
    superuser; `until`: when whoever finds it may end it."""

    run: str
    source: str
    major: int
    user: str
    container: str | None
    until: datetime


@dataclass(frozen=True)
class Scratch:
    """A scratch server that answers. `kind`: container or local; `socket`: its folder on this machine."""

    kind: str
    place: str
    socket: Path
    user: str
    version: str
    system_identifier: str
    container: str | None = None
    volume: str | None = None
    data: Path | None = None
    port: int = 5432


@dataclass(frozen=True)
class Audit:
    """What a restored database holds besides rows."""

    roles: frozenset[str]
    extensions: Mapping[str, str]  # name -> version
    constraints: int
    not_validated: tuple[str, ...]  # constraints that are not, by name
    invalid_indexes: tuple[str, ...]


class ScratchServers(Protocol):
    """Raises SourceUnreachable while Docker does not answer, SourceRefused, ProgramMissing, ProgramFailed, DiskFull."""

    def up(self, order: ScratchOrder) -> Scratch:
        """The server of a run and source: the one that is there, else a new and empty one; one that ended in good order in this
        boot may be started again. May be called again, by any process."""
        ...

    def restorer(self, scratch: Scratch, order: ScratchOrder) -> RestoreServer:
        """The same code as restores into live servers."""
        ...

    def audit(self, scratch: Scratch, order: ScratchOrder, database: str) -> Audit:
        """Roles, extensions, constraints, indexes."""
        ...

    def rows(self, scratch: Scratch, order: ScratchOrder, database: str, query: str) -> Sequence[Mapping[str, Any]]:
        """The rows of a query."""
        ...

    def size_bytes(self, scratch: Scratch, order: ScratchOrder) -> int:
        """How much of the disk it takes now."""
        ...

    def down(self, run: str) -> tuple[str, ...]:
        """Ends and removes everything scratch of a run; says what there was. May be called twice; without any: free."""
        ...


class ScratchCommands(Protocol):
    """Commands of the configuration, run with nothing of this process's environment."""

    def run(
        self, argv: tuple[str, ...], folder: Path | None, timeout_s: float, environment: Mapping[str, str]
    ) -> tuple[int, str, int]:
        """Exit code, what it printed (of long output the beginning and the end), bytes printed in all. Raises ProgramMissing,
        ProgramStalled, Interrupted."""
        ...
