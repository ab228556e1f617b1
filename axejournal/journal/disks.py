"""Answers of the journal about cold disks and keys: plain sqlite3, read-only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from axejournal.journal.clauses import times

_DISK_COLUMNS = (
    "disk, tier, volume, filesystem, place, repository, keys, machine_key, recorded_by, recorded_at_us, synced_by, synced_at_us, "
    "snapshots, free_bytes, journal_head, mark, opens, "
    "CASE WHEN coalesce(paper_as_of_us, recorded_at_us) < max(paper_as_of_us) OVER (PARTITION BY tier) "
    "THEN max(paper_as_of_us) OVER (PARTITION BY tier) END, coalesce(paper_as_of_us, recorded_at_us), "
    "(SELECT max(good_at_us) FROM data_reads AS one WHERE one.customer = disks.customer AND one.tier = disks.tier "
    "AND one.repository = disks.repository AND one.parts = 1)"
)
OPEN_SYNC = """
SELECT runs.run, runs.state, json_extract(events.data, '$.options.disk') FROM runs
JOIN events ON events.run = runs.run AND events.number = 1
WHERE runs.outcome = 'open' AND runs.job = 'cold.sync' AND runs.customer = ? AND runs.tier = ? ORDER BY runs.first_position"""


@dataclass(frozen=True)
class DiskRow:
    """One recorded disk. `synced_*`: its newest sync; `mark`: of the mounting during which that was; `machine_key`: the id of
    the machine's key, if one was enrolled; `keys`: all that are known. `behind`: since when the other disks of its tier have
    another password on paper than this one, which has its own `paper_since`; None: it has the newest.
    `read_whole_at`: when all of its data was read in one go, without a fault, the last time."""

    disk: str
    tier: str
    volume: str
    filesystem: str
    place: str
    repository: str
    keys: tuple[str, ...]
    machine_key: str | None
    recorded_by: str
    recorded_at: datetime
    synced_by: str | None
    synced_at: datetime | None
    snapshots: int | None
    free_bytes: int | None
    journal_head: str | None
    mark: str | None
    opens: str | None
    behind: datetime | None
    paper_since: datetime
    read_whole_at: datetime | None

    @property
    def asked(self) -> str:
        """The disk, as a sentence says it that asks for its password."""
        old = f", the old password from before {self.behind:%Y-%m-%d}" if self.behind else ""
        return f"disk {self.disk}{old}"


@dataclass(frozen=True)
class OpenSync:
    """A sync that has not ended."""

    run: str
    state: str
    disk: str


@dataclass(frozen=True)
class KeyProof:
    """When a password (see KeyProven.kind) opened a repository the last time."""

    tier: str
    repository: str
    kind: str
    disk: str
    run: str
    proven_at: datetime


def disks(path: Path, customer: str, tier: str | None = None) -> tuple[DiskRow, ...]:
    """The recorded disks, of a tier."""
    from axejournal.journal.reader import projected

    with projected(path) as journal:
        query = f"SELECT {_DISK_COLUMNS} FROM disks WHERE customer = ?1 AND (?2 IS NULL OR tier = ?2) ORDER BY tier, disk"
        rows = journal.execute(query, (customer, tier)).fetchall()
    return tuple(_disk(times(row, 9, 11, 17, 18, 19)) for row in rows)


def _disk(row: tuple[Any, ...]) -> DiskRow:
    return DiskRow(*(*row[:6], tuple(json.loads(row[6])), *row[7:]))


def open_syncs(path: Path, customer: str, tier: str) -> tuple[OpenSync, ...]:
    """Syncs that wait or work, oldest first."""
    from axejournal.journal.reader import projected

    with projected(path) as journal:
        return tuple(OpenSync(*row) for row in journal.execute(OPEN_SYNC, (customer, tier)).fetchall())


def key_proofs(path: Path, customer: str) -> tuple[KeyProof, ...]:
    """What opened which repository when."""
    from axejournal.journal.reader import projected

    query = "SELECT tier, repository, kind, disk, run, proven_at_us FROM key_proofs WHERE customer = ? ORDER BY proven_at_us"
    with projected(path) as journal:
        return tuple(KeyProof(*times(row, 5)) for row in journal.execute(query, (customer,)).fetchall())


def is_recorded(journal: sqlite3.Connection) -> str:
    """SQL that is true for a row (customer, tier, repository) of a repository that is a recorded one of its tier: the newest
    that was recorded, of cold disks that of each; and for those of a tier of which none is. Tried for each restore point."""
    found: dict[str, dict[str, set[str]]] = {}
    query = "SELECT customer, tier, repository FROM repositories WHERE recorded_position IS NOT NULL ORDER BY recorded_position"
    for customer, tier, repository in journal.execute(query).fetchall():
        found.setdefault(customer, {})[tier] = {repository}
    for customer, tier, repository in journal.execute("SELECT customer, tier, repository FROM disks").fetchall():
        found.setdefault(customer, {}).setdefault(tier, set()).add(repository)
    return _case("customer", {customer: _case("tier", _held(tiers)) for customer, tiers in found.items()})


def _held(tiers: Mapping[str, set[str]]) -> dict[str, str]:
    return {tier: f"repository IN ({', '.join(map(_literal, sorted(ids)))})" for tier, ids in tiers.items()}


def _case(column: str, tests: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN {_literal(value)} THEN {test}" for value, test in tests.items())
    return f"CASE {column} {cases} ELSE 1 END" if cases else "1"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
