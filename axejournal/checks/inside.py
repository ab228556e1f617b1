"""The same questions, asked from inside launchd or systemd: there is no terminal, no login shell, and other permissions."""

from __future__ import annotations

import json
from pathlib import Path

from axejournal.checks.finding import Finding, Patient, warn
from axejournal.domain.errors import AxejError, ProgramFailed

TIMEOUT_S = 240.0


def examine_inside(patient: Patient) -> tuple[Finding, ...] | None:
    """What `axej doctor` says there; None, and nothing done, without a configuration. Raises ProgramMissing, ProgramFailed
    when neither launchd nor systemd can be asked."""
    from axejournal.app.schedules import plan
    from axejournal.config.effective import dumps

    app = patient.app
    if app is None:
        return None
    made = plan(dumps(app.config), Path(app.config_path), app.clock.now())
    folder = app.state / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    argv = (*made.machine.axej, "--config", str(app.config_path), "doctor", "--json")
    said = made.scheduler.run_once(argv, folder, TIMEOUT_S)
    try:
        return tuple(_finding(one) for one in json.loads(said))
    except (ValueError, TypeError, KeyError) as fault:
        raise ProgramFailed(
            f"{made.scheduler.kind} started {argv[0]}, and its answer can't be read: {said[:120]!r}",
            f'Run "{" ".join(argv)}" to see what it says here.',
        ) from fault


def not_inside(fault: AxejError) -> Finding:
    """That it could not be asked there."""
    return warn("as scheduled", f"looked from this session instead: {fault.message}", fault.hint)


def _finding(one: dict[str, object]) -> Finding:
    code = one["exit_code"]
    assert isinstance(code, int)
    return Finding(
        str(one["level"]), str(one["check"]), str(one["text"]), str(one["hint"] or ""), code, str(one["runbook"] or "")
    )
