"""The store against a list, in any order of appends, repeats, stale runners, resumes, reopenings and kills."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from axejournal.domain.errors import StaleRunner
from axejournal.domain.events import RunFailed, RunResumed, RunSucceeded, StepFailed, StepStarted
from axejournal.domain.facts import RunStarted, SnapshotsForgotten
from axejournal.journal import reader
from axejournal.journal.verify import Anchor, verify
from tests.journal.stories import REPOSITORY, SetClock, draft, dumped, open_store, requested, snapshot_of, taken, verified

RUNS = ("260520-a", "260520-b", "260521-c")
FACTS = st.sampled_from(
    [
        (RunStarted(), None),
        (StepStarted(), "dump:frame"),
        (dumped("frame"), "dump:frame"),
        (StepFailed("Busy", "악세 is busy", "Wait.", 1.5), "dump:frame"),
        (taken("260520-a"), "snapshot"),
        (verified("260520-a", ("frame", "hive")), "verify"),
        (SnapshotsForgotten("local", REPOSITORY, (snapshot_of("260520-a"),), 1), "forget"),
        (RunSucceeded(), None),
        (RunFailed("DiskFull", "full"), None),
    ]
)


class JournalMachine(RuleBasedStateMachine):
    """`known` is what the journal must hold; `epochs` and the numbers follow from it."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="axej-model-"))
        self.path = self.folder / "journal.sqlite"
        self.clock = SetClock()
        self.store = open_store(self.path, self.clock)
        self.known = []
        self.anchors = []
        self.last = None

    def numbers(self, run):
        return sum(event.run == run for event in self.known)

    def epoch(self, run):
        return max((event.epoch for event in self.known if event.run == run), default=1)

    def append(self, run, epoch, after, drafts):
        events = self.store.append(run, epoch, after, drafts)
        self.known.extend(events)
        self.last = (run, epoch, after, drafts, events)
        return events

    @rule(run=st.sampled_from(RUNS), entries=st.lists(FACTS, min_size=1, max_size=4))
    def append_in_order(self, run, entries):
        after = self.numbers(run)
        drafts = [draft(fact, step, 1) for fact, step in entries]
        if after == 0:
            drafts.insert(0, draft(requested(slot="2026-05-20T03:00+09:00")))
        events = self.append(run, self.epoch(run), after, drafts)
        assert [event.number for event in events] == list(range(after + 1, after + len(drafts) + 1))

    @precondition(lambda self: self.last is not None)
    @rule()
    def append_the_last_again(self):
        run, epoch, after, drafts, events = self.last
        assert self.store.append(run, epoch, after, drafts) == events

    @precondition(lambda self: self.known)
    @rule(run=st.sampled_from(RUNS), off=st.sampled_from([-2, -1, 1, 5]))
    def append_behind_another_event(self, run, off):
        after = self.numbers(run) + off
        if after > 0:
            with pytest.raises(StaleRunner):
                self.store.append(run, self.epoch(run), after, [draft(RunStarted())])

    @rule(run=st.sampled_from(RUNS))
    def resume_and_refuse_the_old_process(self, run):
        after, epoch = self.numbers(run), self.epoch(run)
        if after:
            self.append(run, epoch + 1, after, [draft(RunResumed("died"))])
            with pytest.raises(StaleRunner):
                self.store.append(run, epoch, after + 1, [draft(RunStarted())])

    @rule(shift_s=st.integers(-4000, 4000))
    def set_the_clock(self, shift_s):
        from datetime import timedelta

        self.clock.at += timedelta(seconds=shift_s)

    @rule()
    def reopen(self):
        self.store.close()
        self.store = open_store(self.path, self.clock)

    @rule()
    def copy_and_go_on_with_the_copy(self):
        copy = self.folder / "copy.sqlite"
        self.store.write_copy(copy)
        self.store.close()
        for file in self.folder.glob("journal.sqlite*"):
            file.unlink()
        copy.rename(self.path)
        self.store = open_store(self.path, self.clock)

    @rule(run=st.sampled_from(RUNS), entries=st.lists(FACTS, min_size=1, max_size=3))
    def another_process_appends_and_is_killed(self, run, entries):
        after, epoch = self.numbers(run), self.epoch(run)
        drafts = [draft(fact, step, 1) for fact, step in entries]
        if after == 0:
            drafts.insert(0, draft(requested()))
        pid = os.fork()
        if pid == 0:
            try:
                open_store(self.path, self.clock).append(run, epoch, after, drafts)
                os.kill(os.getpid(), signal.SIGKILL)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        self.append(run, epoch, after, drafts)  # what the killed one had appended: told again, not doubled

    @rule()
    def rebuild(self):
        assert self.store.rebuild() == len(self.known)

    @rule()
    def remember_the_head(self):
        self.anchors.append(Anchor(self.store.head(), len(self.known) or None))

    @invariant()
    def journal_holds_what_is_known(self):
        for run in RUNS:
            assert self.store.stream(run) == tuple(event for event in self.known if event.run == run)
        assert [event.position for event in self.known] == list(range(1, len(self.known) + 1))
        assert self.store.head() == (self.known[-1].hash.hex() if self.known else "0" * 64)
        numbers = {run: self.numbers(run) for run in RUNS if self.numbers(run)}
        assert {row.run: row.number for row in reader.runs(self.path)} == numbers

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            verdict = verify(self.path, anchors=self.anchors)
            assert verdict.sound, verdict.faults
            shutil.rmtree(self.folder)


JournalMachine.TestCase.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
test_store_does_what_a_list_would = JournalMachine.TestCase
