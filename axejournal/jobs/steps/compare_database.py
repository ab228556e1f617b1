"""Compares the loaded database with what was counted and fingerprinted when it was dumped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from axejournal.domain.facts import DatabaseDumped, TableDumped
from axejournal.domain.facts.restore import DatabaseCompared
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.ports import Table
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit
from axejournal.jobs.steps.fetch_dump import truth_of

Name = tuple[str, str]
IDENTIFIER = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


@dataclass(frozen=True)
class CompareDatabase:
    """Each table's rows and fingerprint, each sequence, the number of large objects. `statistics` for the planner are made
    beside it: a restored database has none, and the first queries would be slow."""

    kit: RestoreKit
    statistics: bool = True
    name: str = "compare"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> DatabaseCompared | None:
        """Looking is done again."""
        return None

    def act(self, attempt: Attempt) -> DatabaseCompared:
        """Raises SourceUnreachable, SourceRefused, ProgramFailed."""
        server, database = self.kit.database, self.kit.plan.restored
        begin_us = self.kit.clock.monotonic_us()
        truth = truth_of(self.kit)
        with ThreadPoolExecutor(max_workers=1) as pool:
            statistics = pool.submit(copy_context().run, server.analyze, database) if self.statistics else None
            tables = server.fingerprints(database, os.cpu_count() or 2)
            sequences = server.sequences(database)
            objects = server.large_objects(database)
            if statistics is not None:
                statistics.result()
        differences, unproven = compare_tables(truth.tables, tables, server.partitions(database))
        differences += compare_sequences(truth.sequences, sequences)
        if objects != truth.large_objects:
            differences.append(f"{objects:,} large objects, not {truth.large_objects:,}")
        return DatabaseCompared(
            tables=len(tables),
            rows=sum(table.rows for table in tables),
            sequences=len(sequences),
            differences=tuple(differences),
            unproven=tuple(unproven),
            duration_s=round((self.kit.clock.monotonic_us() - begin_us) / 1e6, 3),
        )


def compare_tables(
    dumped: Iterable[TableDumped], restored: Iterable[Table], tops: Mapping[Name, Name] | None = None
) -> tuple[list[str], list[str]]:
    """What differs, and the tables whose fingerprints are of methods that can't be compared. `tops`: see
    RestoreServer.partitions.

    A digest of columns is "method-hash"; the hash is of their order in the file, which a restore of inherited tables may
    change, so that only the method decides whether fingerprints can be compared.
    """
    dumped, moved = _without_moved(tuple(dumped), tuple(restored), tops or {})
    found = {(table.schema, table.name): table for table in restored if (table.schema, table.name) not in moved}
    differences: list[str] = []
    unproven: list[str] = []
    for table in dumped:
        name = f"{table.schema}.{table.name}"
        mine = found.pop((table.schema, table.name), None)
        if mine is None:
            differences.append(f"table {name} is missing")
        elif mine.rows != table.rows:
            differences.append(f"table {name} has {mine.rows:,} rows, not {table.rows:,}")
        elif mine.fingerprint != table.fingerprint:
            same_method = mine.columns.partition("-")[0] == table.columns.partition("-")[0]
            (differences if same_method else unproven).append(f"table {name} has other contents" if same_method else name)
    differences += [f"table {schema}.{name} was not in the dump" for schema, name in found]
    return differences, unproven


def _without_moved(
    dumped: tuple[TableDumped, ...], restored: tuple[Table, ...], tops: Mapping[Name, Name]
) -> tuple[tuple[TableDumped, ...], frozenset[Name]]:
    """The dumped tables without the partitions whose rows only changed places among the partitions of one table, and the
    names of those. A hash of an enum's value is another in each database (pg_dump loads by the topmost table then), so that
    only the sums over all of its partitions can be equal: fingerprints are sums."""
    before, after = _sums(dumped, tops), _sums(restored, tops)
    same = {top for top in before.keys() & after.keys() if before[top] == after[top]}
    moved = frozenset(name for name, top in tops.items() if top in same)
    return tuple(table for table in dumped if (table.schema, table.name) not in moved), moved


def _sums(tables: Iterable[TableDumped | Table], tops: Mapping[Name, Name]) -> dict[Name, tuple[frozenset[str], int, int]]:
    """For each topmost table: the methods of its partitions' fingerprints, their rows, their sum."""
    sums: dict[Name, tuple[frozenset[str], int, int]] = {}
    for table in tables:
        top = tops.get((table.schema, table.name))
        if top is not None:
            methods, rows, total = sums.get(top, (frozenset(), 0, 0))
            own = int(table.fingerprint.rpartition(":")[2] or 0)
            sums[top] = (methods | {table.columns.partition("-")[0]}, rows + table.rows, total + own)
    return sums


def compare_sequences(dumped: Mapping[str, int | None], restored: Mapping[tuple[str, str], int | None]) -> list[str]:
    """What differs. The dump names sequences as SQL writes them."""
    differences = []
    for text, value in dumped.items():
        name = parts_of(text)
        if name not in restored:
            differences.append(f"sequence {text} is missing")
        elif restored[name] != value:
            differences.append(f"sequence {text} is at {restored[name]}, not {value}")
    return differences


def parts_of(text: str) -> tuple[str, str]:
    """`public."odd name"` as (schema, name)."""
    found = [(match[1].replace('""', '"') if match[1] is not None else match[2]) for match in IDENTIFIER.finditer(text)]
    return (found[0], found[1]) if len(found) == 2 else ("", text)


def summary(truth: DatabaseDumped) -> str:
    """For a plan: how much there is to compare."""
    return f"{len(truth.tables)} tables, {sum(table.rows for table in truth.tables):,} rows"
