"""What `axej doctor --fix` does: only what can be done again, takes nothing away that anybody needs, and asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.checks.finding import Patient

if TYPE_CHECKING:
    from axejournal.app.app import App


def mend(patient: Patient) -> Iterator[str]:
    """Does it, and says each thing that it did. Raises ProgramMissing, ProgramFailed."""
    app = patient.app
    if app is None:
        return
    for each in MENDED:
        yield from each(app)


def _permissions(app: App) -> Iterator[str]:
    """Secrets that others can read, a configuration that others can write."""
    from axejournal.checks.repository import stored
    from axejournal.programs.secrets.source import PasswordSource, file_of

    for _, reference in stored(app):
        path = file_of(PasswordSource.of(reference))
        if path is not None and path.is_file() and path.stat().st_mode & 0o077:
            path.chmod(0o600)
            yield f"{path}: only its owner can read it now"
    config = Path(app.config_path)
    if config.stat().st_mode & 0o022:
        config.chmod(config.stat().st_mode & ~0o022)
        yield f"{config}: only its owner can write it now"


def _leftovers(app: App) -> Iterator[str]:
    if swept := app.sweep():
        yield f"staging folder: removed {', '.join(swept)} of a dead run"


def _logs(app: App) -> Iterator[str]:
    if gone := app.traces.prune(app.clock.now()):
        yield f"logs: removed {gone} that were too old"


def _schedules(app: App) -> Iterator[str]:
    """Installed ones are brought up to date; that any are installed is a person's decision."""
    from axejournal.app.schedules import install, plan, standing
    from axejournal.config.effective import dumps

    made = plan(dumps(app.config), Path(app.config_path), app.clock.now())
    found = standing(made)
    if any(each.state.installed for each in found) and not all(each.sound for each in found):
        for label, what in install(made):
            if what != "unchanged":
                yield f"{label}: {what}"


MENDED: tuple[Callable[[App], Iterator[str]], ...] = (_permissions, _leftovers, _logs, _schedules)
