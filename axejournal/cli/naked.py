"""A page of runbooks/ on a machine without a configuration: worked through until a recovery brings one, and then on, as a run
of the journal that came back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.cli.context import Context
from axejournal.cli.desk import TerminalDesk
from axejournal.domain.errors import PersonNeeded, UsageFault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from axejournal.app.app import App
    from axejournal.domain.run import Run

WELL = (0, 3)


class NakedContext(Context):
    """What commands of such a page work with: as ever, but that there is a program without a configuration."""

    def __init__(self, config_path: Path, naked: App) -> None:
        super().__init__(str(config_path))
        self.naked = naked
        self.recovered: App | None = None

    @property
    def app(self) -> App:
        """The program that came back; before that, the one that knows pages only."""
        return self.recovered or self.naked

    @app.setter
    def app(self, made: App) -> None:
        self.recovered = made

    @property
    def page_step(self) -> tuple[str, str] | None:
        """(run, step) of the page that a command is performed for."""
        return self.naked.paging.link


@dataclass
class NakedDesk(TerminalDesk):
    """Leaves the page where a recovery has taken it over. `well`: whether that ended well, None before it was tried."""

    well: bool | None = None

    def perform(self, words: Sequence[str], run: str, step: str) -> int:
        """See Desk. Raises PersonNeeded when the page goes on elsewhere."""
        assert isinstance(self.here, NakedContext)
        code = None
        try:
            code = super().perform(words, run, step)
        finally:
            if self.here.recovered is not None:
                self.well = code in WELL
        if self.here.recovered is not None:
            raise PersonNeeded("the page goes on in the journal that came back", f'Type "{self.again}" to go on.')
        return code


def work_naked(
    here: Context, name: str, given: Mapping[str, str], desk: Callable[[type[TerminalDesk], Context], TerminalDesk]
) -> Run | None:
    """Works through a page; None when a recovery has taken it over and ended well: it is to be gone on with there. Raises
    UsageFault."""
    from axejournal.app.naked import forget, naked_app
    from axejournal.app.paging import page
    from axejournal.cli.pages import language

    if not any(step.job == "recover" for step in page(name, language()).steps):
        raise UsageFault(
            f"a page is worked through in a journal, and without {here.config_path} there is none on this machine",
            f'Read it, and do its steps by hand: "axej runbook show {name}"; "machine-lost" brings a machine back.',
        )
    naked = naked_app(here.config_path, language())
    inside = NakedContext(here.config_path, naked)
    sitting = desk(NakedDesk, inside)
    assert isinstance(sitting, NakedDesk)
    naked.paging.desk = sitting
    run = naked.paging.begin(name, given)
    naked.store.close()
    if run.outcome is not None or sitting.well is not None:
        forget(here.config_path)
    return None if sitting.well else run
