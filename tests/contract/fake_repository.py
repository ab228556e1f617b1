"""A small real repository for the `Repository` port: plain files in a folder, no encryption, no deduplication.

It keeps what the port promises, survives its process, and lets a test put in what is hard to get from restic: a lock
of a living process elsewhere, a fault of the check. tests/contract/test_repository.py holds it and restic to one law.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from axejournal.domain.errors import ProgramFailed, RepositoryLocked, RepositoryMissing, RestorePointMissing, UsageFault
from axejournal.domain.ports import BackupOrder, Copied, Forgotten, Node, Progress, Repository, RepositoryLock, Snapshot, Stored

KINDS = {"file": Path.is_file, "dir": Path.is_dir}


@dataclass(frozen=True)
class FolderRepository:
    """The port on a folder. `faults`: what `check` finds."""

    folder: Path
    faults: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return str(self.folder)

    def identity(self, known: bool = False) -> str:
        try:
            return str(json.loads((self.folder / "config").read_text())["id"])
        except FileNotFoundError:
            raise RepositoryMissing(f"no repository is at {self.place}", "Make one.") from None

    def initialise(self, like: Repository | None = None) -> str:
        if (self.folder / "config").exists():
            raise UsageFault(f"a repository is at {self.place} already")
        if like is not None:
            like.identity()
        for name in ("snapshots", "trees", "locks"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "config").write_text(json.dumps({"id": uuid.uuid4().hex * 2}))
        return self.identity()

    def snapshots(self, tags: Sequence[str] = ()) -> tuple[Snapshot, ...]:
        self.identity()
        found = [_read(path) for path in (self.folder / "snapshots").iterdir()]
        return tuple(sorted((one for one in found if set(tags) <= set(one.tags)), key=lambda one: one.time))

    def file_bytes(self) -> int | None:
        return None

    def names(self) -> frozenset[str]:
        return frozenset(path.name for path in (self.folder / "snapshots").iterdir())

    def backup(self, order: BackupOrder, progress: Callable[[Progress], None]) -> Stored:
        self._look_for_locks(exclusive_only=True)
        begin = datetime.now(UTC)
        patterns = [line for path in order.exclude_files for line in _lines(path)]
        present = [path for path in order.paths if os.path.lexists(path)]
        if not present:
            raise ProgramFailed("all source directories/files do not exist")
        work = self.folder / f"work-{uuid.uuid4().hex}"
        for path in present:
            _copy(path, work / str(path).lstrip("/"), patterns)
        files = [path for path in work.rglob("*") if path.is_file() and not path.is_symlink()]
        size = sum(path.stat().st_size for path in files)
        paths = tuple(map(str, present))
        counts = {"size_bytes": size, "files": len(files), "added_bytes": size, "stored_bytes": size}
        snapshot = Snapshot("", begin, order.host, order.tags, paths, **counts)
        made = self._publish(work, snapshot)
        progress(Progress(size, size))
        lacking = tuple(f"{path} does not exist, skipping" for path in order.paths if path not in present)
        return Stored(made, len(files), size, size, size, lacking)

    def listing(self, snapshot: str, folder: str = "/") -> Iterator[Node]:
        tree = self._tree(snapshot)
        for path in sorted((tree / folder.strip("/")).rglob("*")):
            kind = "symlink" if path.is_symlink() else next((kind for kind, asks in KINDS.items() if asks(path)), "other")
            info = path.lstat()
            size = info.st_size if kind == "file" else 0
            yield Node(f"/{path.relative_to(tree)}", kind, size, datetime.fromtimestamp(info.st_mtime, UTC))

    def restore(self, snapshot: str, include: Sequence[str], target: Path, progress: Callable[[Progress], None]) -> None:
        tree = self._tree(snapshot)
        wanted = [path.strip("/") for path in include] or [""]
        absent = [f"/{path}" for path in wanted if not os.path.lexists(tree / path)]
        for path in wanted:
            if f"/{path}" not in absent:
                _copy(tree / path, target / path, [])
        progress(Progress(1, 1))
        if absent:
            raise RestorePointMissing(f"snapshot {snapshot[:8]} does not hold {', '.join(absent)}")

    def copy_from(self, source: Repository, snapshot: str, progress: Callable[[Progress], None]) -> Copied:
        assert isinstance(source, FolderRepository)
        self.identity()
        found = source._snapshot(snapshot)
        first = found.original or found.id
        if any(first in (one.original, one.id) for one in self.snapshots()):
            return Copied()
        work = self.folder / f"work-{uuid.uuid4().hex}"
        shutil.copytree(source._tree(snapshot), work, symlinks=True)
        self._publish(work, Snapshot(**{**asdict(found), "id": "", "original": first}))
        progress(Progress(1, 1))
        return Copied()

    def forget(self, snapshots: Sequence[str]) -> Forgotten:
        self._look_for_locks()
        removed = [one for one in snapshots if (self.folder / "snapshots" / one).exists()]
        for one in removed:
            (self.folder / "snapshots" / one).unlink()
        return Forgotten(tuple(removed))

    def prune(self) -> Forgotten:
        self._look_for_locks()
        freed = 0
        for tree in (self.folder / "trees").iterdir():
            if not (self.folder / "snapshots" / tree.name).exists():
                freed += _size(tree)
                shutil.rmtree(tree)
        return Forgotten((), freed)

    def check(self, part: int | None = None, of: int | None = None) -> tuple[str, ...]:
        self._look_for_locks()
        return self.faults

    def repair_index(self) -> None:
        self._look_for_locks()

    def locks(self) -> tuple[RepositoryLock, ...]:
        self.identity()
        found = [json.loads(path.read_text()) for path in (self.folder / "locks").iterdir()]
        return tuple(RepositoryLock(**{**one, "time": datetime.fromisoformat(one["time"])}) for one in found)

    def add_lock(self, lock: RepositoryLock) -> None:
        """Leaves a lock there, as a process would."""
        (self.folder / "locks" / lock.id).write_text(json.dumps({**asdict(lock), "time": lock.time.isoformat()}))

    def unlock_dead(self, is_dead: Callable[[RepositoryLock], bool]) -> tuple[RepositoryLock, ...]:
        present = self.locks()
        if not all(map(is_dead, present)):
            return ()
        for lock in present:
            (self.folder / "locks" / lock.id).unlink()
        return present

    def size_bytes(self) -> int:
        return sum(_size(self.folder / "trees" / one.id) for one in self.snapshots())

    def _publish(self, work: Path, snapshot: Snapshot) -> str:
        """The tree first, then the snapshot that names it: a killed backup leaves no snapshot."""
        written = {**asdict(snapshot), "time": snapshot.time.isoformat()}
        made = hashlib.sha256(json.dumps([written, work.name]).encode()).hexdigest()
        work.rename(self.folder / "trees" / made)
        beside = self.folder / f"work-{made}.json"
        beside.write_text(json.dumps({**written, "id": made}))
        beside.rename(self.folder / "snapshots" / made)
        return made

    def _snapshot(self, snapshot: str) -> Snapshot:
        found = [one for one in self.snapshots() if one.id.startswith(snapshot)]
        if len(found) != 1:
            raise RestorePointMissing(f"repository {self.place} has no snapshot {snapshot}")
        return found[0]

    def _tree(self, snapshot: str) -> Path:
        return self.folder / "trees" / self._snapshot(snapshot).id

    def _look_for_locks(self, exclusive_only: bool = False) -> None:
        for lock in self.locks():
            if lock.exclusive or not exclusive_only:
                raise RepositoryLocked(f"repository {self.place} is locked by process {lock.pid} on {lock.host}")


def _read(path: Path) -> Snapshot:
    found = json.loads(path.read_text())
    lists = {name: tuple(found[name]) for name in ("tags", "paths")}
    return Snapshot(**{**found, **lists, "time": datetime.fromisoformat(found["time"])})


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise ProgramFailed(f"exclude file {path} does not exist")
    return [line.strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]


def _copy(path: Path, into: Path, patterns: list[str]) -> None:
    """Copies a file, a link or a folder without what the patterns name: by base name, or by absolute path."""
    if any(fnmatch.fnmatchcase(str(path) if "/" in pattern else path.name, pattern) for pattern in patterns):
        return
    if path.is_dir() and not path.is_symlink():
        into.mkdir(parents=True, exist_ok=True)
        for child in path.iterdir():
            _copy(child, into / child.name, patterns)
        return
    into.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(into):
        into.unlink()
    shutil.copy2(path, into, follow_symlinks=False)


def _size(tree: Path) -> int:
    return sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file())
