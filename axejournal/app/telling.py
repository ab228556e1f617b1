"""Telling of one configuration: what waits in the outbox goes out, by whoever runs next."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from axejournal.app.parts import JOURNAL
from axejournal.domain.channels import HEARTBEAT, PING, channel_names
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.app import App, View
    from axejournal.domain.job import Job
    from axejournal.domain.overdue import Late
    from axejournal.domain.ports.outbox import Channel, Delivery, Entry
    from axejournal.journal.outbox import Waiting
    from axejournal.programs.notify import PingChannel

START_WAIT_S = 2.0
LEASE_WAIT_S = 3.0
SECRET_TIMEOUT_S = 4.0


@dataclass
class Telling:
    """What an assembled program does to tell how runs ended. Nothing of it may fail a run, or hold anything up by more than
    a few seconds."""

    app: App
    _starts: dict[str, threading.Thread] = field(default_factory=dict)
    _busy: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """The channels' settings as plain values, the older `heartbeat` among them, and in what words to tell."""
        config = self.app.config
        notify = config.notify.model_dump(mode="json", by_alias=True)
        if config.heartbeat is not None:
            notify["ping"] = {HEARTBEAT: config.heartbeat.reference, **(notify.get("ping") or {})}
        return {**notify, "timezone": config.timezone, "language": config.language}

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of all configured channels."""
        return channel_names(self.settings)

    def waiting(self, due_only: bool = False) -> tuple[Waiting, ...]:
        """What waits on each channel."""
        from axejournal.journal.outbox import waiting

        return waiting(self.app.state / JOURNAL, self.app.config.customer, self.channels, self.app.clock.now(), due_only)

    def entry(self, position: int) -> Entry:
        """See Outbox."""
        from axejournal.journal.outbox import entry

        return entry(self.app.state / JOURNAL, position)

    def started(self, run: Run) -> None:
        """Tells the outside watch of this tier or job that a run began. Tried once, beside the run: told late, it would
        look like a run that never ended."""
        names = {PING + str(run.requested.options.get("tier")), PING + run.requested.job} & set(self.channels)
        for name in names:
            thread = threading.Thread(target=_start, args=(_ping(self.settings, name),), daemon=True)
            thread.start()
            self._starts[name] = thread

    def after(self, run: Run | None = None) -> None:
        """What is done once a run has ended, and at the end of a scheduled call: records what is overdue, sends what waits.
        Never raises; a process that is being cancelled does nothing."""
        if self._busy or self.app.children.cancelled():
            return
        with self._alone():
            with contextlib.suppress(Exception):  # a bug in telling is in the journal, and no reason for a backup to fail
                self.watch()
            with contextlib.suppress(Exception):
                self.send()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Inside, the end of a run of our own is no reason to look and to send again."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def watch(self) -> Run | None:
        """Records what is overdue, as a run that fails; None when there is nothing new to say. See overdue.is_to_be_told."""
        from axejournal.app.due import note_look
        from axejournal.app.watching import late
        from axejournal.config.effective import dumps
        from axejournal.jobs import watch_overdue

        app, now = self.app, self.app.clock.now()
        journal = app.state / JOURNAL
        found = late(dumps(app.config), journal, app.config_path, now)
        note_look(app.state, now)
        if not self._is_new(found):
            return None
        with app.leases.take("overdue:watch", "watch", wait_s=LEASE_WAIT_S), self._alone():
            if not self._is_new(found):
                return None
            return self._begin(watch_overdue.JOB, watch_overdue.options(found, app.now_text()))

    def _begin(self, job: Job[Any], options: Mapping[str, Any], view: View | None = None) -> Run:
        asked = replace(self.app.requested(job, None, options), trigger="watch")
        return self.app.engine(view).begin(self.app.new_run_id(), asked)

    def _is_new(self, found: Sequence[Late]) -> bool:
        from axejournal.app.watching import told
        from axejournal.domain.overdue import is_to_be_told

        before, at = told(self.app.state / JOURNAL, self.app.config.customer)
        return is_to_be_told(found, before, at, self.app.clock.now())

    def send(self, due_only: bool = True, view: View | None = None) -> Run | None:
        """Sends what waits, as a run; None when nothing does. Raises Busy."""
        from axejournal.jobs import notify

        if not self.waiting(due_only):
            return None
        for thread in self._starts.values():
            thread.join(START_WAIT_S)
        self._starts.clear()
        # two runs that end at once would send twice
        with self.app.leases.take("outbox", "notify", wait_s=LEASE_WAIT_S), self._alone():
            pairs = [(row.channel, row.position) for row in self.waiting(due_only)]
            options = notify.options(self.settings, pairs, self.app.now_text())
            return self._begin(notify.JOB, options, view) if pairs else None

    def channels_of(self, settings: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Channel]:
        """See Teller."""
        known = channel_names(settings)
        return {name: self._channel(settings, name) for name in names if name in known}

    def test(self, names: Sequence[str]) -> Mapping[str, Delivery]:
        """Sends a test message on these channels, now, past the outbox."""
        from axejournal.domain.message import test_message

        message = test_message(self.app.config.customer, self.app.config.host, self.app.clock.now())
        return {name: channel.send(message) for name, channel in self.channels_of(self.settings, names).items()}

    def _channel(self, settings: Mapping[str, Any], name: str) -> Channel:
        from axejournal.config.values import words_of
        from axejournal.programs.notify import CommandChannel, SlackChannel

        if name.startswith(PING):
            return _ping(settings, name)
        if name == "command":
            return CommandChannel(words_of(settings["command"]))
        return SlackChannel(_address(settings["slack"]))


def _ping(settings: Mapping[str, Any], name: str) -> PingChannel:
    from axejournal.programs.notify import PingChannel

    return PingChannel(_address(settings["ping"][name.removeprefix(PING)]))


def _start(channel: PingChannel) -> None:
    channel.ping("start")


def _address(reference: Mapping[str, object]) -> Callable[[], str]:
    """Reads an address once, when it is first needed."""

    @functools.cache
    def read() -> str:
        from axejournal.programs.secrets import reading
        from axejournal.programs.secrets.source import PasswordSource

        return reading.read(PasswordSource.of(reference), SECRET_TIMEOUT_S)

    return read
