"""Pages of runbooks/ for an assembled program: reading them, working through them, and runs that belong to a run's step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axejournal.app.parts import JOURNAL
from axejournal.domain.page import Page
from axejournal.domain.ports.desk import Desk, EmptyDesk, Linked
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.app import App, View

PART_OF = "part_of"
"""The option of a run that says for which step of which run it was begun."""


def page(name: str, language: str) -> Page:
    """The page of that name in a language, English where there is none. Raises UsageFault."""
    from axejournal.domain.errors import UsageFault
    from axejournal.shipped import page_path

    path = page_path(name, language)
    if path is None:
        raise UsageFault(f"no page of runbooks/ is called {name}", '"axej runbook list" lists them.')
    return Page(name, path.read_text(encoding="utf-8"))


def pages(language: str) -> tuple[Page, ...]:
    """All pages: scenarios first, each kind by name."""
    from axejournal.shipped import folder

    names = sorted({path.name.split(".")[0] for path in folder("runbooks").glob("*.md")})
    found = (page(name, language) for name in names)
    return tuple(sorted(found, key=lambda one: (not one.is_scenario, one.name)))


@dataclass
class Paging:
    """`desk`: who sits there now. `link`: (run, step) that each run begun meanwhile belongs to. `view`: watches those that a
    recovery begins; `typed`: asks for the password that only a person knows."""

    app: App
    desk: Desk = field(default_factory=EmptyDesk)
    link: tuple[str, str] | None = None
    view: View | None = None
    typed: Callable[[], str] | None = None

    def page(self, name: str) -> Page:
        """A page in the configured language. Raises UsageFault."""
        return page(name, self.app.config.language)

    def linked(self, run: str, step: str) -> tuple[Linked, ...]:
        """The runs that were begun for a step of a run, oldest first."""
        from axejournal.journal.links import linked

        return linked(self.app.state / JOURNAL, run, step)

    @contextmanager
    def linking(self, run: str = "", step: str = "") -> Iterator[None]:
        """Inside, runs that are begun say that they belong to this step; without one: to none."""
        before, self.link = self.link, (run, step) if run else None
        try:
            yield
        finally:
            self.link = before

    def marked(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a run that is begun now (they may be a copy of another run's)."""
        own = {name: value for name, value in options.items() if name != PART_OF}
        return {**own, PART_OF: dict(zip(("run", "step"), self.link, strict=True))} if self.link else own

    def is_led(self, run: str) -> bool:
        """Whether a run was begun by a recovery that has not ended."""
        from axejournal.journal import links, reader

        path = self.app.state / JOURNAL
        parent = links.part_of(path, run)
        if parent is None:
            return False
        leader = reader.find_run(path, parent[0])
        return (leader.job, leader.outcome) == ("recover", "open")

    @contextmanager
    def opened(self, options: Mapping[str, Any]) -> Iterator[None]:
        """Inside, the repository of a recovery with these options can be opened. Raises PersonNeeded when its password has
        to be typed and nobody is there."""
        from axejournal.domain.errors import PersonNeeded
        from axejournal.programs.secrets.typed import held, pipe_path

        if not options.get("typed"):
            yield
            return
        if self.typed is None:
            raise PersonNeeded("the repository's password has to be typed", 'Type "axej recover" on a terminal to go on.')
        with held(pipe_path(self.app.state), self.typed()):
            yield

    def begin(self, name: str, values: Mapping[str, str]) -> Run:
        """Works through a page; one that is open already is gone on with. Raises UsageFault, Busy."""
        from axejournal.jobs.runbook import JOB

        found = self.page(name)
        if (run := self.open_run(name)) is not None:
            return self.app.resume(run, "the page was asked for again")
        options = {"page": found.name, "values": dict(values), "requested_at": self.app.now_text()}
        return self.app.engine().begin(self.app.new_run_id(), self.app.requested(JOB, None, options))

    def open_run(self, name: str) -> str | None:
        """The run of this page that has not ended, or None."""
        from axejournal.jobs.runbook import NAME
        from axejournal.journal import reader

        path = self.app.state / JOURNAL
        for row in reader.runs(path, job=NAME, outcome="open", limit=None):
            if reader.run_events(path, row.run, limit=1)[0].data["options"]["page"] == name:
                return row.run
        return None
