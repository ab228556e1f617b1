"""Fetches files beside the live ones, and compares the two trees."""

from __future__ import annotations

import filecmp
import glob
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from axejournal.domain.errors import ProgramFailed, SourceRefused
from axejournal.domain.events import Fact
from axejournal.domain.facts.restore import DumpDamaged, FilesCompared, FilesFetched, FilesPlaced, RestorePrepared
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run, fold
from axejournal.jobs.restore_plan import RestoreKit
from axejournal.jobs.steps.prepare_restore import SPARE_BYTES, check_repository, too_small
from axejournal.jobs.steps.swap_files import fetch_folder, fetched_files, place_of, taken, wanted_path

SHOWN = 10
Entry = tuple[int, int, int]  # type bits, bytes, modified (ns)


@dataclass(frozen=True)
class PrepareFiles:
    """Touches nothing but what earlier runs left and what was kept long enough."""

    kit: RestoreKit
    name: str = "prepare"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> RestorePrepared | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> RestorePrepared:
        """Raises ProgramMissing, RepositoryForeign, SourceRefused, DiskFull."""
        kit, plan = self.kit, self.kit.plan
        version = kit.restic_version()
        check_repository(kit)
        place = place_of(plan)
        if plan.into is not None and os.path.lexists(place):
            raise taken(place)
        if plan.part and (Path(plan.part).is_absolute() or ".." in Path(plan.part).parts):
            raise SourceRefused(f"--path {plan.part} is not below {plan.path}", "Write a path below the source's folder.")
        free, needed = kit.disk.free_bytes(fetch_folder(plan).parent), plan.point.size_bytes + SPARE_BYTES
        if free < needed and plan.part is None:
            raise too_small(fetch_folder(plan).parent, free, needed)
        replaces = plan.into is None and os.path.lexists(place)
        swept = tuple(sweep(kit))
        point = plan.point
        return RestorePrepared(version, point.repository, point.snapshot, free, needed, replaces, swept=swept)


def sweep(kit: RestoreKit) -> Iterator[str]:
    """Removes what earlier restores of the same files replaced and kept long enough. Only places that runs in the journal
    gave, and none that a run still works on."""
    path, open_runs = kit.plan.path, set(kit.store.open_runs())
    assert path is not None
    prefix = f"{path.name}.before-"
    for found in sorted(path.parent.glob(f"{glob.escape(prefix)}*")):
        run = found.name.removeprefix(prefix)
        if run in open_runs or found.is_symlink():
            continue
        story = fold(kit.store.stream(run), kit.store.fact)
        placed = story.find(FilesPlaced) if story else None
        if placed is None or placed.kept is None or placed.kept_until is None:
            continue
        is_mine = placed.kept == str(found) or placed.kept.startswith(f"{found}/")
        if is_mine and datetime.fromisoformat(placed.kept_until) < kit.clock.now():
            shutil.rmtree(found) if found.is_dir() else found.unlink()
            yield str(found)


@dataclass(frozen=True)
class FetchFiles:
    """Into a folder of the run beside the place."""

    kit: RestoreKit
    name: str = "fetch"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> Fact | None:
        """Nobody can tell whether all of it came: it is fetched again."""
        return None

    def act(self, attempt: Attempt) -> Fact:
        """Raises what Repository.restore raises; files that don't come back whole are a fact of their own."""
        plan = self.kit.plan
        folder = fetch_folder(plan)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, mode=0o700)
        try:
            self.kit.repository.restore(plan.point.snapshot, [wanted_path(plan)], folder, attempt.progress)
        except ProgramFailed as fault:
            return DumpDamaged((f"files of {plan.source}",), fault.message)
        tree = dict(walk(fetched_files(plan)))
        files = [entry for entry in tree.values() if stat.S_ISREG(entry[0])]
        if plan.part is None and len(files) < plan.point.files:
            return DumpDamaged(
                (f"{plan.point.files - len(files)} files of {plan.source}",), "files are missing in what came back"
            )
        return FilesFetched(str(fetched_files(plan)), len(files), sum(entry[1] for entry in files))


@dataclass(frozen=True)
class CompareFiles:
    """What the swap will change."""

    kit: RestoreKit
    name: str = "compare"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> FilesCompared | None:
        """Looking is done again."""
        return None

    def act(self, attempt: Attempt) -> FilesCompared:
        """Sizes, times and, where only the times differ, contents."""
        plan = self.kit.plan
        return compare_trees(place_of(plan), fetched_files(plan))


def compare_trees(live: Path, restored: Path) -> FilesCompared:
    """Added, changed, removed: seen from the live tree, what the restored one will bring, change and take away."""
    here, there = dict(walk(live)), dict(walk(restored))
    added, removed = sorted(there.keys() - here.keys()), sorted(here.keys() - there.keys())
    changed = sorted(name for name in here.keys() & there.keys() if _differs(live, restored, name, here[name], there[name]))
    examples = {"added": tuple(added[:SHOWN]), "changed": tuple(changed[:SHOWN]), "removed": tuple(removed[:SHOWN])}
    same = len(here.keys() & there.keys()) - len(changed)
    return FilesCompared(len(added), len(changed), len(removed), same, examples)


def walk(root: Path) -> Iterator[tuple[str, Entry]]:
    """Every file and link below a folder (or the file itself, named "")."""
    if not os.path.lexists(root):
        return
    if root.is_symlink() or not root.is_dir():
        yield "", _entry(root)
        return
    for folder, folders, names in os.walk(root):
        for name in [*names, *(one for one in folders if (Path(folder) / one).is_symlink())]:
            path = Path(folder) / name
            yield str(path.relative_to(root)), _entry(path)


def _entry(path: Path) -> Entry:
    found = path.lstat()
    return stat.S_IFMT(found.st_mode), found.st_size, found.st_mtime_ns


def _differs(live: Path, restored: Path, name: str, here: Entry, there: Entry) -> bool:
    if here == there:
        return False
    if here[:2] != there[:2]:
        return True
    if stat.S_ISLNK(here[0]):
        return (live / name).readlink() != (restored / name).readlink()
    return not filecmp.cmp(live / name, restored / name, shallow=False)
