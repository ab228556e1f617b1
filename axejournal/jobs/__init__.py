"""What runs: one file a job, and the tuple of them all. A new kind of work is one file here and one line there."""

from __future__ import annotations

from typing import Any

from axejournal.domain.job import Job


def all_jobs() -> tuple[Job[Any], ...]:
    """Every job that this axej knows. Their tables are checked when they are loaded."""
    from axejournal.jobs import (
        check_repository,
        cold_init,
        cold_sync,
        init_repository,
        keeping_keys,
        local_backup,
        notify,
        recover,
        restore_database,
        restore_drill,
        restore_files,
        restore_table,
        restore_undo,
        restore_volume,
        ring_consent,
        ring_push,
        ring_verify,
        ring_watch,
        rotating_keys,
        runbook,
        watch_overdue,
    )

    modules = (
        local_backup,
        check_repository,
        ring_push,
        ring_verify,
        ring_watch,
        ring_consent,
        cold_sync,
        init_repository,
        cold_init,
        restore_database,
        restore_drill,
        restore_table,
        restore_files,
        restore_undo,
        restore_volume,
        rotating_keys,
        runbook,
        recover,
        notify,
        watch_overdue,
    )
    return (*(module.JOB for module in modules), keeping_keys.VERIFY_JOB, keeping_keys.ENROLL_JOB)
