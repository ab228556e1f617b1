"""Restore points as a repository's snapshots tell of them by their tags and paths: for a machine whose journal knows none.

A tag says which run made a snapshot, for which slot; none says how far it was proven. A journal's copy that a later
snapshot holds may know: then `proofs` says so, else the proof is "unknown".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from axejournal.config.models import Config
from axejournal.config.sources import PostgresSource
from axejournal.domain.ports import Repository, Snapshot
from axejournal.jobs.steps.dump_database import DATA
from axejournal.jobs.steps.staging import MEMORY_FOLDER, folder_of

UNKNOWN = "unknown"
"""The proof of a restore point that nobody recorded."""


@dataclass(frozen=True)
class TaggedPoint:
    """One restore point. `size_bytes` and `files` are 0 until `sized` looked into the snapshot."""

    source: str
    kind: str
    repository: str
    snapshot: str
    run: str
    time: str
    at: datetime
    proof: str
    paths: tuple[str, ...]
    size_bytes: int = 0
    files: int = 0


def is_backup(snapshot: Snapshot, customer: str | None = None) -> bool:
    """Whether axej made it by a backup (of that customer), and its tags are whole."""
    if not (snapshot.tag("run") and snapshot.tag("customer") and (snapshot.tag("job") or "").startswith("backup.")):
        return False
    return time_of(snapshot) is not None and customer in (None, snapshot.tag("customer"))


def time_of(snapshot: Snapshot) -> datetime | None:
    """The moment that its tag names; None when it names none."""
    try:
        moment = datetime.fromisoformat(snapshot.tag("slot") or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def memory_folder(snapshot: Snapshot) -> str | None:
    """Where the copies of journal and configuration are in it."""
    return next((path for path in snapshot.paths if PurePosixPath(path).name == MEMORY_FOLDER), None)


def tagged_points(
    config: Config, snapshots: Iterable[Snapshot], repository: str, proofs: Mapping[tuple[str, str], str]
) -> tuple[TaggedPoint, ...]:
    """Every configured source of every backup in the repository, oldest first. `proofs`: (snapshot, source) -> proof, by the
    id that a snapshot had where it was made."""
    found = (point for one in snapshots if is_backup(one, config.customer) for point in _points(config, one, repository, proofs))
    return tuple(sorted(found, key=lambda point: point.at))


def _points(config: Config, snapshot: Snapshot, repository: str, proofs: Mapping[tuple[str, str], str]) -> Iterator[TaggedPoint]:
    memory, at = memory_folder(snapshot), time_of(snapshot)
    assert at is not None
    for name, source in config.sources.items():
        if isinstance(source, PostgresSource):
            path = str(PurePosixPath(memory).parent / folder_of(config.state, name).name) if memory else ""
        else:
            path = str(source.path)
        if path not in snapshot.paths:
            continue
        made = snapshot.original or snapshot.id
        proof = proofs.get((made, name)) or proofs.get((snapshot.id, name)) or UNKNOWN
        tags = (snapshot.tag("run") or "", snapshot.tag("slot") or "")
        yield TaggedPoint(name, source.kind, repository, snapshot.id, *tags, at, proof, (path,))


def sized(repository: Repository, point: TaggedPoint) -> TaggedPoint:
    """The point with what it holds, counted in the snapshot: 0.5 s and its listing. A database's folder without a dump holds
    its stopped server's volume."""
    files, size_bytes, is_dump = 0, 0, False
    contents = f"{point.paths[0]}/{DATA}/toc.dat"
    for node in repository.listing(point.snapshot, point.paths[0]):
        if node.kind == "file":
            files, size_bytes, is_dump = files + 1, size_bytes + node.size_bytes, is_dump or node.path == contents
    kind = "volume" if point.kind == "postgres" and not is_dump else point.kind
    return replace(point, kind=kind, files=files, size_bytes=size_bytes)
