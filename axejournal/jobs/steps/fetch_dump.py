"""Fetches the files of one database out of the snapshot, and proves that each is as it was dumped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axejournal.domain.errors import AxejError, ProgramFailed
from axejournal.domain.events import Fact
from axejournal.domain.facts import DatabaseDumped, TableDumped
from axejournal.domain.facts.restore import DumpDamaged, DumpFetched
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit
from axejournal.jobs.steps.dump_database import DATA
from axejournal.jobs.steps.staging import MANIFEST


@dataclass(frozen=True)
class FetchDump:
    """Into the run's own folder. A dump that does not come back as it was is a fact too: the restore point is bad."""

    kit: RestoreKit
    name: str = "fetch"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> Fact | None:
        """Every file is there, byte for byte."""
        found, faults = self._verify()
        return None if faults else found

    def act(self, attempt: Attempt) -> Fact:
        """Raises what Repository.restore raises, but for damage of the dump itself."""
        plan = self.kit.plan
        shutil.rmtree(plan.folder, ignore_errors=True)
        plan.folder.mkdir(parents=True, mode=0o700)
        failure: AxejError | None = None
        try:
            self.kit.repository.restore(plan.point.snapshot, plan.point.paths, plan.folder, attempt.progress)
        except ProgramFailed as fault:
            failure = fault  # restic goes on after a bad file: what else came back is looked at
        found, faults = self._verify()
        if faults:
            return DumpDamaged(
                tuple(faults), failure.message if failure else f"the dump of {plan.source} is not as it was dumped"
            )
        assert found is not None
        return found

    def _verify(self) -> tuple[DumpFetched | None, list[str]]:
        folder = fetched_folder(self.kit)
        try:
            truth = truth_of(self.kit)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            return None, [f"{MANIFEST} can't be read: {fault}"]
        data = folder / DATA
        files = sorted(path for path in data.iterdir() if path.is_file()) if data.is_dir() else []
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
            digests = dict(zip([path.name for path in files], pool.map(_sha256, files), strict=True))
        faults = [
            f"table {table.schema}.{table.name}"
            for table in truth.tables
            if table.file is not None and table.sha256 is not None and digests.get(table.file) != table.sha256
        ]
        lines = "".join(sorted(f"{name} {digest}\n" for name, digest in digests.items()))
        total = hashlib.sha256(lines.encode()).hexdigest()
        if total != truth.sha256 and not faults:
            faults = ["its table of contents, or a large object"]
        size = sum(path.stat().st_size for path in files)
        return DumpFetched(str(folder), size, len(files), total), faults


def fetched_folder(kit: RestoreKit) -> Path:
    """Where the source's folder of the snapshot lies now."""
    return kit.plan.folder / kit.plan.point.paths[0].lstrip("/")


def truth_of(kit: RestoreKit) -> DatabaseDumped:
    """What was counted when it was dumped: by the journal, which nobody could change since; on a machine whose journal
    does not know the run, by the dump's own manifest. Raises OSError, ValueError, KeyError, TypeError."""
    for event in kit.store.stream(kit.plan.point.run):
        if event.name == DatabaseDumped.__name__ and event.data["source"] == kit.plan.source:
            fact = kit.store.fact(event)
            assert isinstance(fact, DatabaseDumped)
            return fact
    return dumped_by(json.loads((fetched_folder(kit) / MANIFEST).read_text(encoding="utf-8")))


def dumped_by(content: Mapping[str, Any]) -> DatabaseDumped:
    """What a dump's manifest says. Raises ValueError, KeyError, TypeError."""
    values = {name: value for name, value in content.items() if name not in ("run", "fact")}
    values["tables"] = tuple(TableDumped(**table) for table in values["tables"])
    values["extensions"] = tuple(values["extensions"])
    return DatabaseDumped(**values)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
