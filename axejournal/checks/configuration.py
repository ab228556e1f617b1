"""The configuration: all its faults, and what may be meant otherwise than it is written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from axejournal.checks.finding import Finding, Patient, failed, ok, warn
from axejournal.domain.errors import ConfigurationFault

WRITABLE_BY_OTHERS = 0o022


def configuration(patient: Patient) -> Iterable[Finding]:
    """Without one: says so, and that only programs are looked at."""
    if patient.config_path is None or not patient.config_path.exists():
        where = patient.config_path or "the default place"
        text = f"there is none at {where}: only programs are checked"
        yield warn("configuration", text, 'Run "axej init" to make one.')
        return
    if patient.fault is not None:
        yield failed("configuration", patient.fault)
        return
    assert patient.app is not None
    yield from _beyond_the_file(patient.config_path)
    config = patient.app.config
    if patient.config_path.stat().st_mode & WRITABLE_BY_OTHERS:
        yield warn(
            "configuration", f"{patient.config_path} can be written by other users", f'Run "chmod go-w {patient.config_path}".'
        )
    tiers = ", ".join(name for name, _ in config.tiers.items())
    yield ok("configuration", f"{patient.config_path}: {len(config.sources)} sources, tiers {tiers}")


def _beyond_the_file(path: Path) -> Iterable[Finding]:
    """Whether what it names is there and fits together: exclude files, folders, peers."""
    from axejournal.config import checks

    for fault in checks.check(path):
        text = f"{fault.file}:{fault.line}: {fault.key}: {fault.message}"
        remedy = f"Write: {fault.remedy}."
        if fault.kind == "warning":
            yield warn("configuration", text, remedy)
        else:
            yield failed("configuration", ConfigurationFault(text, remedy))
