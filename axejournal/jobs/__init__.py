"""What runs: one file a job, and the tuple of them all. A new kind of work is one file here and one line there."""

from __future__ import annotations

from typing import Any

from axejournal.domain.job import Job


def all_jobs() -> tuple[Job[Any], ...]:
    """Every job that this axej knows. Their tables are checked when they are loaded."""
    from axejournal.jobs import (
        check_repository,
        init_repository,
        local_backup,
        notify,
        recover,
        restore_database,
        restore_files,
        restore_table,
        restore_undo,
        ring_push,
        runbook,
        watch_overdue,
    )

    modules = (
        local_backup,
        check_repository,
        ring_push,
        init_repository,
        restore_database,
        restore_table,
        restore_files,
        restore_undo,
        runbook,
        recover,
        notify,
        watch_overdue,
    )
    return tuple(module.JOB for module in modules)
