"""Pages that are worked through on a machine that has no configuration yet: in a small journal of their own, beside the place
where the configuration will be. A recovery takes them over: what was done of a page moves into the journal that comes back,
and goes on there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.app.parts import JOURNAL
from axejournal.domain.events import RunRequested
from axejournal.domain.ports import Draft

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.journal.store import Store

NOBODY = "nobody"
"""The customer, as long as nobody knows whose machine it becomes."""


def folder(config_path: Path) -> Path:
    """Where such a page has its journal."""
    return config_path.parent / ".axej-page"


def naked_app(config_path: Path, language: str) -> App:
    """A program that can work through pages, and nothing else: it knows no source and no tier."""
    from axejournal.app.app import App
    from axejournal.config.models import Config

    state = folder(config_path)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    nothing = str(state / "nothing")
    values = {
        "customer": NOBODY,
        "host": NOBODY,
        "language": language,
        "timezone": "UTC",
        "state": str(state),
        "sources": {"nothing": {"kind": "files", "path": nothing}},
        "tiers": {"local": {"repository": nothing, "password": {"file": nothing}, "schedule": "0 0 * * *"}},
    }
    return App(Config.model_validate(values), config_path)


def is_worked(config_path: Path) -> bool:
    """Whether a page is open here that no journal has taken over. Forgets one that was."""
    here = folder(config_path) / JOURNAL
    if not here.is_file():
        return False
    if not config_path.is_file():
        return True
    from axejournal.config.load import load
    from axejournal.journal import reader

    journal = load(config_path).state / JOURNAL
    mine = [row.run for row in reader.runs(here, limit=None)]
    if journal.is_file() and all(reader.run_events(journal, run, limit=1) for run in mine):
        forget(config_path)
        return False
    return True


def forget(config_path: Path) -> None:
    """Another journal has taken it over. May be called twice."""
    shutil.rmtree(folder(config_path), ignore_errors=True)


def take_over(config_path: Path, app: App, into: Store) -> None:
    """Moves what was done of an open page into another journal, as it was done; the page goes on there."""
    if not (folder(config_path) / JOURNAL).is_file():
        return
    with _opened(config_path, app) as store:
        for run in store.open_runs():
            drafts = []
            for event in store.stream(run):
                fact = store.fact(event)
                if isinstance(fact, RunRequested):
                    fact = replace(fact, customer=app.config.customer)
                drafts.append(Draft(event.event_id, fact, event.state, event.step, event.attempt))
            into.append(run, 1, 0, drafts)


@contextmanager
def _opened(config_path: Path, app: App) -> Iterator[Store]:
    from axejournal.domain.facts.known import KNOWN_FACTS
    from axejournal.journal.store import Store
    from axejournal.programs import process

    path, me, boot = folder(config_path) / JOURNAL, process.own_name(), process.boot_id()
    store = Store(path, KNOWN_FACTS, clock=app.clock, process_name=me, boot_id=boot)
    try:
        yield store
    finally:
        store.close()
