"""A page's run, killed at every instant of every step: no answer is asked for twice, no command is performed twice."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from axejournal.domain.errors import PersonNeeded
from axejournal.domain.events import RunRequested
from axejournal.domain.page import Page
from axejournal.domain.ports.desk import Linked
from axejournal.engine.execute import Engine
from axejournal.engine.runner import Runner
from axejournal.jobs.runbook import JOB
from tests.engine.toy import Crash, CrashAt, MemoryLeases, MemoryStore, NoChildren, StillClock

PAGE = Page(
    "ledger",
    """# The ledger is damaged (scenario 9)

## Symptom
## Decision
## Steps

1. <!-- step: stop decide --> Stop it. Now.

2. <!-- step: look --> Look at it.

3. <!-- step: restore job=restore.database run="axej restore --as-of AS_OF --target 'the ledger'" --> Restore.

   ```sh
   axej restore
   ```

4. <!-- step: undo decide run="axej undo RUN" --> Was it wrong? Take it back.

## How to know that it worked
""",
)
STEPS = ("stop", "look", "value:AS_OF", "restore", "undo", "undo:run")


@dataclass
class SmallDesk:
    """Somebody, or nobody. What is asked and done is noted; `codes`: how the next commands end."""

    there: bool = True
    asked: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    runs: dict[tuple[str, str], list[Linked]] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)

    def show(self, title, text):
        pass

    def ask(self, step, question, choices, needed):
        self._note(step)
        return choices[-1]

    def given(self, name):
        return None

    def value(self, name):
        self._note(name)
        return "yesterday"

    def perform(self, words, run, step):
        code = self.codes.pop(0) if self.codes else 0
        self.done.append(" ".join(words))
        self.runs.setdefault((run, step), []).append(
            Linked(f"r{len(self.done)}", "failed" if code else "succeeded", exit_code=code)
        )
        return code

    def go_on(self, linked, run, step):
        self.done.append(f"on with {linked.run}")
        self.runs[run, step][-1] = Linked(linked.run, "succeeded")
        return 0

    def linked(self, run, step):
        return tuple(self.runs.get((run, step), ()))

    def page(self, name):
        assert name == PAGE.name
        return PAGE

    @property
    def desk(self):
        return self

    @property
    def paging(self):
        return self

    def _note(self, what):
        if not self.there:
            raise PersonNeeded(f"{what}?")
        self.asked.append(what)


@dataclass
class Bench:
    desk: SmallDesk = field(default_factory=SmallDesk)
    store: MemoryStore = field(default_factory=MemoryStore)
    observer: CrashAt = field(default_factory=CrashAt)
    ids: itertools.count = field(default_factory=itertools.count)

    def engine(self):
        children = NoChildren()
        return Engine(
            store=self.store,
            leases=MemoryLeases(),
            children=children,
            runner=Runner(children, StillClock(), self.observer),
            jobs={"runbook": JOB},
            hands=self.desk,
            new_id=lambda: f"id{next(self.ids)}",
            heard=lambda event, run: None,
        )

    def begin(self):
        options = {"page": "ledger", "values": {}}
        return self.engine().begin("p1", RunRequested("runbook", "axe", None, "operator", 1, "0", "here", options))


def test_page_is_worked_through_in_order():
    bench = Bench()
    run = bench.begin()
    assert run.state == "succeeded"
    assert bench.desk.asked == ["stop", "look", "AS_OF", "undo"]
    assert bench.desk.done == ["axej restore --as-of yesterday --target the ledger", "axej undo r1"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("point", ("intent", "effect", "fact"))
def test_page_killed_at_any_instant_asks_and_does_nothing_twice(point, step):
    bench = Bench(observer=CrashAt(point, step))
    with pytest.raises(Crash):
        bench.begin()
    run = bench.engine().resume("p1", "test")
    assert run.state == "succeeded"
    assert bench.desk.done == ["axej restore --as-of yesterday --target the ledger", "axej undo r1"]
    once = [step.removeprefix("value:")] if point == "effect" and step in ("stop", "look", "value:AS_OF", "undo") else []
    assert sorted(bench.desk.asked) == sorted(["stop", "look", "AS_OF", "undo", *once])  # unrecorded answers are asked again


def test_open_run_of_a_step_is_gone_on_with_and_not_begun_again():
    bench = Bench(observer=CrashAt("intent", "restore"))
    with pytest.raises(Crash):
        bench.begin()
    bench.desk.runs["p1", "restore"] = [Linked("r9", "open")]
    run = bench.engine().resume("p1", "test")
    assert bench.desk.done == ["on with r9", "axej undo r9"]
    assert run.state == "succeeded"


def test_page_without_anybody_waits_and_keeps_its_answers():
    bench = Bench(SmallDesk(there=False))
    assert bench.begin().state == "waiting"
    bench.desk.there = True
    bench.desk.codes = [1]
    run = bench.engine().resume("p1", "somebody came")
    assert (run.state, run.outcome.reasons[0]) == (
        "degraded",
        "`axej restore --as-of yesterday --target 'the ledger'` ended with exit 1, and the page went on without it",
    )
    assert bench.desk.asked == ["stop", "look", "AS_OF", "restore!", "undo"]


def test_step_has_a_title_and_its_text_without_the_lists_indent():
    stop, _, restore, _ = PAGE.steps
    assert (stop.title, stop.decide, stop.number) == ("Stop it.", True, 1)
    assert restore.text == "Restore.\n\n```sh\naxej restore\n```"
    assert (restore.values, restore.run[-1], PAGE.is_scenario) == (("AS_OF",), "the ledger", True)
