"""What a command works with: the configuration, the journal's place, the assembled program; each made when asked for."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.cli.moments import Span
    from axejournal.config.models import Config

JOURNAL = "journal.sqlite"


class Context:
    """One command's view of the world. Reading commands use `light`, `journal_path` and journal/reader only, so that
    neither pydantic nor SQLAlchemy is imported for them."""

    def __init__(self, explicit: str | None) -> None:
        self._explicit = explicit

    @functools.cached_property
    def config_path(self) -> Path:
        """Where the configuration is: `--config`, AXEJ_CONFIG, the default place. Raises ConfigurationFault."""
        from axejournal.config.place import find

        return find(self._explicit)

    @functools.cached_property
    def light(self) -> dict[str, Any]:
        """The effective configuration as plain values; from the cache when it is current."""
        from axejournal.config import cache

        kept = cache.read(self.config_path)
        if kept is not None:
            return kept
        from axejournal.config.effective import dumps

        return dumps(self.config)

    @functools.cached_property
    def config(self) -> Config:
        """The checked configuration. Raises ConfigurationFault with all faults. Renews the cache."""
        from axejournal.config import cache
        from axejournal.config.load import load

        config = load(self.config_path)
        cache.write(self.config_path, config)
        return config

    @functools.cached_property
    def journal_path(self) -> Path:
        """The journal's file; it may not exist yet."""
        return self.state / JOURNAL

    @property
    def state(self) -> Path:
        """The folder of everything that axej keeps on this machine."""
        return Path(self.light["state"])

    @property
    def zone(self) -> str:
        """The time zone in which times are shown and read."""
        return str(self.light["timezone"])

    def is_alive(self, run: str) -> bool:
        """Whether a run's process lives: the kernel keeps its lease exactly as long."""
        from axejournal.journal.leases import FileLeases
        from axejournal.programs.clock import SystemClock

        return FileLeases(self.state / "leases", SystemClock()).holder(f"run:{run}") is not None

    def now(self) -> datetime:
        """The present instant, in UTC."""
        from axejournal.programs.clock import SystemClock

        return SystemClock().now()

    def span(self, option: str, text: str) -> Span:
        """What a typed time covers. Raises UsageFault."""
        from axejournal.cli.moments import span

        return span(option, text, self.zone, self.now)

    def as_known_at(self, text: str | None) -> datetime | None:
        """The last instant that a typed `--at` covers; None for none. Raises UsageFault."""
        return None if text is None else self.span("--at", text).end - timedelta(microseconds=1)

    @property
    def page_step(self) -> tuple[str, str] | None:
        """(run, step) of a page that is worked through without a configuration, while a command is performed for it."""
        return None

    @functools.cached_property
    def app(self) -> App:
        """The assembled program, for commands that work."""
        from axejournal.app.app import App

        return App(self.config, self.config_path)


def context() -> Context:
    """The present command's context."""
    found = click.get_current_context().find_root()
    if not isinstance(found.obj, Context):
        found.obj = Context(found.obj)
    return found.obj
