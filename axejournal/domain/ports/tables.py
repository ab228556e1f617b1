"""One table of a live database, and what a restore of it asks of its server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from axejournal.domain.ports.processes import Progress

Name = tuple[str, str]
"""A table: schema and name."""


@dataclass(frozen=True)
class LiveTable:
    """A table as it is now. `columns`: those that a dump holds (generated ones are computed); `key`: of the primary key;
    `unfillable`: may not be null and have no default; `referenced_by`: foreign keys that point at it, as "name of table";
    `lacking`: rights that a restore needs and the role does not have; `is_partial`: of an extension, dumped in part."""

    schema: str
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    partitions: tuple[Name, ...] = ()
    is_partitioned: bool = False
    unfillable: tuple[str, ...] = ()
    referenced_by: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    is_partial: bool = False
    size_bytes: int = 0


@dataclass(frozen=True)
class DumpedPart:
    """A file with rows of the table: of itself, or of one of its partitions. `columns`: in the order of the file; `digest`:
    of their names and types, see ports.Table.columns."""

    table: Name
    file: Path
    columns: tuple[str, ...]
    digest: str
    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Contents:
    """What a dump's table of contents says of some tables. `columns`: of each data file, in its order; `declared`: of each
    table, its columns as they were declared ("id integer NOT NULL"); `parents`: partition -> what it is a part of."""

    columns: Mapping[Name, tuple[str, ...]]
    declared: Mapping[Name, Mapping[str, str]] = field(default_factory=dict)
    parents: Mapping[Name, Name] = field(default_factory=dict)


@dataclass(frozen=True)
class TableTask:
    """What is to be made of a live table, by which run. `columns`: the ones that are compared and written."""

    run: str
    database: str
    table: Name
    columns: tuple[str, ...]
    only_missing: bool = False


@dataclass(frozen=True)
class Staged:
    """The wanted rows lie in the scratch schema. `fingerprint`: "count:sum", see ports.Table."""

    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Difference:
    """Rows that the live table lacks, has in another form, has beyond; and some keys of each."""

    missing: int
    changed: int
    extra: int
    same: int
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_none(self) -> bool:
        """Whether the two are equal."""
        return not (self.missing or self.changed or self.extra)


@dataclass(frozen=True)
class Equalised:
    """The live table is as it was wanted. `kept`: the schema that holds its old content, None when nothing was changed;
    `sequences`: those that were moved on."""

    inserted: int
    updated: int
    deleted: int
    kept: str | None
    sequences: tuple[str, ...] = ()


class TableServer(Protocol):
    """One database server. Raises SourceUnreachable, SourceRefused, ProgramFailed, ProgramStalled, DiskFull, Interrupted."""

    def look(self, database: str, table: Name) -> LiveTable | None:
        """The live table, or None when there is none of that name."""
        ...

    def read_contents(self, folder: Path, encoding: str, dump_ids: tuple[int, ...]) -> Contents:
        """What `toc.dat` in a folder says; of data files: of those with these dump ids."""
        ...

    def changed_types(self, task: TableTask, parts: tuple[DumpedPart, ...], contents: Contents) -> tuple[str, ...]:
        """Columns whose type is no longer that of the dump, each with both; empty when none is."""
        ...

    def stage(
        self, task: TableTask, parts: tuple[DumpedPart, ...], encoding: str, progress: Callable[[Progress], None]
    ) -> Staged:
        """Loads the files into the run's scratch schema, with the primary key. What an earlier attempt left is dropped.
        Raises SourceRefused when they do not load or are not the rows that were dumped."""
        ...

    def stage_kept(self, task: TableTask, run: str) -> Staged:
        """The same, of what another run kept. Raises SourceRefused when it is no longer there."""
        ...

    def compare(self, task: TableTask) -> Difference:
        """The live table against the staged rows. Changes nothing."""
        ...

    def equalise(self, task: TableTask, staged: Staged, sequences: Mapping[str, int | None], kept_until: str) -> Equalised:
        """Makes the live table equal to the staged rows, in one transaction, which also keeps the old content in the
        run's schema and notes there that it was done. Raises SourceRefused when a constraint does not allow it (it is
        named, and rows); then nothing has changed."""
        ...

    def equalised(self, database: str, run: str) -> Equalised | None:
        """Whether that transaction was committed."""
        ...

    def drop_scratch(self, database: str, run: str) -> bool:
        """Removes the run's scratch schema; says whether there was one. May be called twice."""
        ...

    def kept(self, database: str, run: str) -> tuple[str, ...] | None:
        """The columns of what a run kept, or None when it kept nothing, or no longer."""
        ...

    def sweep(self, database: str, now: str) -> tuple[str, ...]:
        """Removes what runs kept until before `now` (ISO 8601); says what."""
        ...

    def close(self) -> None:
        """Ends the connection that is kept from call to call. May be called twice; the next call opens another."""
        ...
