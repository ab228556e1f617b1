"""Tells what waits in the outbox, channel by channel: `notify`. Sent at least once: a process that dies after sending and
before it could say so sends again. A channel that can't be reached is left alone, and its messages wait for a later run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from axejournal.domain import machine
from axejournal.domain.events import Fact, RunDegraded, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.job import ONCE, Attempt, Job, Resource, RetryPolicy, Stage, Step
from axejournal.domain.message import Facts, compose
from axejournal.domain.outbox import JOB as NAME
from axejournal.domain.outbox import MessagePostponed, MessageSent
from axejournal.domain.ports import Clock, EventStore
from axejournal.domain.ports.outbox import Channel, Outbox
from axejournal.domain.run import Run, fold

BUDGET_S = 8.0
"""After so long a run begins no further message, so that nobody waits for channels that are slow."""

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "sending"),
        ("sending", "MessageSent", "sending"),
        ("sending", "MessagePostponed", "sending"),
        ("sending", "RunSucceeded", "succeeded"),
        ("sending", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


class NotifyHands(Protocol):
    """What the assembled program offers to this job."""

    @property
    def clock(self) -> Clock:
        """See Hands."""
        ...

    @property
    def store(self) -> EventStore:
        """See Hands."""
        ...

    @property
    def telling(self) -> Teller:
        """The outbox and the channels."""
        ...


class Teller(Outbox, Protocol):
    """See NotifyHands."""

    def channels_of(self, settings: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Channel]:
        """The channels of these names that the settings still know."""
        ...


@dataclass(frozen=True)
class NotifyKit:
    """`channels` by name; `until_us`: the monotonic instant at which no further message is begun."""

    channels: Mapping[str, Channel]
    outbox: Outbox
    store: EventStore
    clock: Clock
    zone: ZoneInfo
    language: str
    facts: Mapping[str, Facts]
    until_us: int


@dataclass(frozen=True)
class SendMessage:
    """Sends one message on one channel."""

    kit: NotifyKit
    channel: str
    message: int
    policy: RetryPolicy = ONCE
    contained: bool = True

    @property
    def name(self) -> str:
        return f"send:{self.channel}:{self.message}"

    def probe(self, run: Run) -> None:
        """Nobody can tell whether it arrived: it is sent again."""

    def act(self, attempt: Attempt) -> Fact:
        """Raises nothing: what could not be sent waits."""
        kit = self.kit
        entry = kit.outbox.entry(self.message)
        told = fold(kit.store.stream(entry.run), kit.store.fact)
        assert told is not None
        came = kit.channels[self.channel].send(compose(entry, told, kit.zone, kit.language, kit.facts))
        if came.sent:
            return MessageSent(self.message, self.channel)
        return MessagePostponed(self.message, self.channel, came.why, came.retry_after_s)


def _steps(run: Run, kit: NotifyKit) -> Sequence[Step]:
    """What is left: nothing on a channel that just failed, nothing when time is up (but an open step, after a crash)."""
    failed = {fact.channel for fact in run.all(MessagePostponed)}
    late = kit.clock.monotonic_us() > kit.until_us
    asked = [SendMessage(kit, str(channel), int(message)) for channel, message in run.requested.options["messages"]]
    known = [step for step in asked if step.channel in kit.channels]
    return tuple(step for step in known if step.name in run.steps or not (late or step.channel in failed))


def _end(run: Run) -> Fact:
    postponed = {fact.channel: fact.why for fact in run.all(MessagePostponed)}
    left = len(run.requested.options["messages"]) - len(run.all(MessageSent))
    if not left:
        return RunSucceeded()
    why = [f"{channel}: {reason}" for channel, reason in postponed.items()]
    return RunDegraded((*why, f"{left} of {len(run.requested.options['messages'])} messages wait for a later run"))


def options(notify: Mapping[str, Any], messages: Sequence[tuple[str, int]], requested_at: str) -> dict[str, Any]:
    """What a run records: the settings of the channels (where secrets are, no secrets), and (channel, message) pairs."""
    return {"requested_at": requested_at, "notify": dict(notify), "messages": [list(pair) for pair in messages]}


def _kit(hands: NotifyHands, run: Run) -> NotifyKit:
    from axejournal.jobs.told import FACTS

    settings = run.requested.options["notify"]
    names = dict.fromkeys(str(channel) for channel, _ in run.requested.options["messages"])
    return NotifyKit(
        channels=hands.telling.channels_of(settings, tuple(names)),
        outbox=hands.telling,
        store=hands.store,
        clock=hands.clock,
        zone=ZoneInfo(settings["timezone"]),
        language=str(settings["language"]),
        facts=FACTS,
        until_us=hands.clock.monotonic_us() + int(BUDGET_S * 1_000_000),
    )


JOB: Job[NotifyKit] = Job(
    name=NAME,
    title="tell people and outside watches how runs ended",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "sending": Stage(steps=_steps, leave=_end),
    },
    resources=lambda run: (Resource("notify"),),
    kit=_kit,
    tidy=lambda run, kit: None,
)
