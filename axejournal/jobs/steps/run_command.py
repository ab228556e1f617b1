"""Runs one command of `after_restore`: what restarts a service, what checks it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from axejournal.domain.errors import AxejError, Interrupted, ProgramFailed
from axejournal.domain.facts.restore import CommandRan
from axejournal.domain.job import ONCE, Attempt, RetryPolicy
from axejournal.domain.ports.restore import Commands
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import CommandPlan, RestoreKit

WAIT_S = 60


@dataclass(frozen=True)
class RunCommand:
    """Once; a resume runs it again, since nobody can tell how far it came. The run bears its failure and says so."""

    commands: Commands
    plan: CommandPlan
    policy: RetryPolicy = ONCE
    contained: bool = True
    wait: Callable[[], None] | None = None  # returns when what a restart took away is there again, or after a while

    @property
    def name(self) -> str:
        return self.plan.name

    def probe(self, run: Run) -> CommandRan | None:
        """Restarting and checking may be done twice."""
        return None

    def act(self, attempt: Attempt) -> CommandRan:
        """Raises ProgramFailed (exit code, output that is not as expected), ProgramStalled (timeout), ProgramMissing."""
        plan = self.plan
        if self.wait is not None:
            self.wait()
        exit_code, output = self.commands.run(plan.argv, plan.folder, plan.timeout_s)
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        last = f": {lines[-1][:200]}" if lines else ""
        if exit_code != 0:
            raise ProgramFailed(f"{plan.kind} `{plan.text}` ended with exit {exit_code}{last}", "Its output is in the run's log.")
        if plan.expect is not None and re.search(plan.expect, output) is None:
            raise ProgramFailed(f"{plan.kind} `{plan.text}` did not say {plan.expect!r}{last}", "Its output is in the run's log.")
        return CommandRan(plan.kind, plan.text, 0.0, len(lines))


def checks_of(kit: RestoreKit) -> tuple[RunCommand, ...]:
    """The steps of `after_restore.check`. They wait for a server that a restart command restarted: a check that came too
    early would make a good restore point suspect."""
    wait = functools.partial(wait_for_server, kit) if kit.server is not None and kit.plan.restart else None
    return tuple(RunCommand(kit.commands, plan, wait=wait) for plan in kit.plan.check)


def wait_for_server(kit: RestoreKit) -> None:
    """Returns when it answers, or after a minute: then the check says so in its own words. Raises Interrupted."""
    end_us = kit.clock.monotonic_us() + WAIT_S * 1_000_000
    while kit.clock.monotonic_us() < end_us:
        try:
            kit.database.look()
            return
        except Interrupted:
            raise
        except AxejError:
            kit.clock.sleep(0.5)
