"""From the configuration to a run's plan, by way of the options that the run records.

The options hold the whole effective configuration, so that a resume works on what was asked for then, whatever the
file says by now.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from axejournal.config.models import Config
from axejournal.config.sources import FilesSource
from axejournal.domain.policy import Keep
from axejournal.jobs.plan import BackupPlan, DatabasePlan, FilesPlan

PHYSICAL_DAYS = {"weekly": 7, "never": None}


def backup_options(
    config: Config, effective: Mapping[str, Any], tier: str, sources: Sequence[str], requested_at: str, path: Path
) -> dict[str, Any]:
    """What a backup run records of what was asked for. `sources`: names or other names of sources; none means all.
    Raises UsageFault for a name that is no source, or of several."""
    chosen = {config.find_source(name).name for name in sources} or set(config.sources)
    return {
        "requested_at": requested_at,
        "tier": tier,
        "sources": [name for name in config.sources if name in chosen],
        "files": [name for name in config.folders if name in chosen],
        "left_out_only_copies": [n for n, source in config.sources.items() if n not in chosen and source.only_copy],
        "at_once": config.limits.databases_at_once or os.cpu_count() or 2,
        "config": dict(effective),
        "config_path": str(path),
    }


def backup_plan(config: Config, options: Mapping[str, Any], state: Path) -> BackupPlan:
    """The plan of a run from its recorded options."""
    tier = config.tiers.local
    chosen = set(options["sources"])
    config_path = Path(options["config_path"])
    return BackupPlan(
        customer=config.customer,
        host=config.host,
        tier=str(options["tier"]),
        databases=tuple(
            DatabasePlan(name, source.database, source.volume, source.only_copy, PHYSICAL_DAYS[source.physical])
            for name, source in config.databases.items()
            if name in chosen
        ),
        files=tuple(
            FilesPlan(name, source.path, source.excludes, _required(source), source.only_copy)
            for name, source in config.folders.items()
            if name in chosen
        ),
        left_out=tuple(name for name in config.sources if name not in chosen),
        staging=state / "staging",
        configuration_files=tuple(path for path in (config_path, config.customers_path) if path is not None),
        exclude_files=(tier.excludes,) if tier.excludes else (),
        keep=Keep(**{name: getattr(tier.retention, name) for name in ("last", "daily", "weekly", "monthly", "yearly")}),
        prune_days=tier.retention.prune_days,
        shrink_alarm_percent=tier.shrink_alarm_percent,
        at_once=int(options["at_once"]),
    )


def _required(source: FilesSource) -> tuple[tuple[str, int], ...]:
    return tuple((each.pattern, each.at_least) for each in source.require)
