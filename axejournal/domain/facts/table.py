"""What the restore of one table finds out and records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class TablePrepared(Fact):
    """Everything was looked at, nothing is touched yet. `columns`: of the live table, by `key` it is compared; `added`: not
    in the restore point; `swept`: what earlier runs had kept until now."""

    restic: str
    repository: str
    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    free_bytes: int
    needed_bytes: int
    swept: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableFetched(Fact):
    """The table's files are out of the snapshot, each byte of them as it was dumped (sha256). `files` maps the files to
    their tables' schema and name."""

    directory: str
    size_bytes: int
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class TableStaged(Fact):
    """The rows lie in a schema of the run's own in the live database, and are those that were dumped. `columns`: the ones
    that are compared and written; `added`: those that the live table has beyond."""

    rows: int
    fingerprint: str
    columns: tuple[str, ...]
    added: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableCompared(Fact):
    """How the live table differs, before anything is changed. `message` says it in a sentence."""

    missing: int
    changed: int
    extra: int
    same: int
    message: str
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class TableEqualised(Fact):
    """The live table is equal to the restore point. `kept`: the schema with its old content, None when nothing changed."""

    table: str
    inserted: int
    updated: int
    deleted: int
    kept: str | None
    kept_until: str
    sequences: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScratchDropped(Fact):
    """The run's scratch schema and its files are gone."""

    schema: bool
