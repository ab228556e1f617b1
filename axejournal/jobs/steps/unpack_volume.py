"""Brings a server's data directory back beside the live one: prepare, fetch, unpack."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import RestorePointMissing
from axejournal.domain.facts.volume import VolumeFetched, VolumePrepared, VolumeUnpacked
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit
from axejournal.jobs.steps.prepare_restore import SPARE_BYTES, check_repository, too_small
from axejournal.jobs.steps.staging import PHYSICAL


def is_physical(kit: RestoreKit) -> bool:
    """Whether the copy of a running server is wanted, which lies beside the dump; else a stopped server's volume."""
    return bool(kit.options.get("physical"))


def wanted_path(kit: RestoreKit) -> str:
    """The folder in the snapshot."""
    return kit.plan.point.paths[0] + (PHYSICAL if is_physical(kit) else "")


def place_of(kit: RestoreKit) -> str:
    """The folder or the volume that gets it."""
    return kit.plan.into or f"{kit.options['volume']}__restored_{kit.plan.run}"


def fetched_folder(kit: RestoreKit) -> Path:
    """Where the archives lie now."""
    return kit.plan.folder / wanted_path(kit).lstrip("/")


@dataclass(frozen=True)
class PrepareVolume:
    """Touches nothing."""

    kit: RestoreKit
    name: str = "prepare"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> VolumePrepared | None:
        """Looking is done again."""
        return None

    def act(self, attempt: Attempt) -> VolumePrepared:
        """Raises ProgramMissing, RepositoryForeign, SourceRefused, DiskFull, SourceUnreachable."""
        kit, plan = self.kit, self.kit.plan
        version = kit.restic_version()
        check_repository(kit)
        into = place_of(kit)
        kit.database.check_place(into)
        free, needed = kit.disk.free_bytes(plan.folder), plan.point.size_bytes + SPARE_BYTES
        if free < needed:
            raise too_small(plan.folder, free, needed)
        return VolumePrepared(version, plan.point.repository, plan.point.snapshot, into, free, needed)


@dataclass(frozen=True)
class FetchVolume:
    """Into the run's own folder."""

    kit: RestoreKit
    name: str = "fetch"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> VolumeFetched | None:
        """Nobody can tell whether all of it came: it is fetched again."""
        return None

    def act(self, attempt: Attempt) -> VolumeFetched:
        """Raises what Repository.restore raises, RestorePointMissing, ProgramFailed when it is not whole."""
        kit, plan = self.kit, self.kit.plan
        shutil.rmtree(plan.folder, ignore_errors=True)
        plan.folder.mkdir(parents=True, mode=0o700)
        kit.repository.restore(plan.point.snapshot, [wanted_path(kit)], plan.folder, attempt.progress)
        folder = fetched_folder(kit)
        if not folder.is_dir():
            what = f"snapshot {plan.point.snapshot[:8]} does not hold {wanted_path(kit)}"
            raise RestorePointMissing(what, '"axej points" lists what can be restored.')
        return VolumeFetched(str(folder), kit.database.check_archives(folder))


@dataclass(frozen=True)
class UnpackVolume:
    """Into a place that was empty when the run began, so that it may be begun anew."""

    kit: RestoreKit
    name: str = "unpack"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> VolumeUnpacked | None:
        """It is unpacked again; a folder that has its name already is whole."""
        return None

    def act(self, attempt: Attempt) -> VolumeUnpacked:
        """Raises ProgramFailed, DiskFull, SourceUnreachable."""
        into = place_of(self.kit)
        done = self.kit.database.unpack(fetched_folder(self.kit), into)
        return VolumeUnpacked(into, done.version, done.size_bytes, done.commands)
