"""What runs: one file a job, and their names. A new kind of work is one file here and one line there."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from axejournal.domain.job import Job

FILES = {
    "backup.local": "local_backup",
    "repository.check": "check_repository",
    "ring.push": "ring_push",
    "ring.verify": "ring_verify",
    "ring.watch": "ring_watch",
    "ring.consent": "ring_consent",
    "cold.sync": "cold_sync",
    "repository.init": "init_repository",
    "cold.init": "cold_init",
    "restore.database": "restore_database",
    "restore.drill": "restore_drill",
    "restore.table": "restore_table",
    "restore.files": "restore_files",
    "restore.undo": "restore_undo",
    "restore.volume": "restore_volume",
    "keys.rotate": "rotating_keys",
    "runbook": "runbook",
    "recover": "recover",
    "notify": "notify",
    "watch.overdue": "watch_overdue",
    "keys.verify": "keeping_keys",
    "cold.enroll": "keeping_keys",
}


class Jobs(Mapping[str, Job[Any]]):
    """Every job that this axej knows, by its name. A job's file is loaded, and its table checked, when it is asked for: a
    command needs one of them."""

    def __getitem__(self, name: str) -> Job[Any]:
        module = importlib.import_module(f"axejournal.jobs.{FILES[name]}")
        job: Job[Any] = next(each for each in vars(module).values() if isinstance(each, Job) and each.name == name)
        return job

    def __iter__(self) -> Iterator[str]:
        return iter(FILES)

    def __len__(self) -> int:
        return len(FILES)


JOBS = Jobs()
