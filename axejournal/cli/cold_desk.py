"""The terminal at which a person types the password that is on paper. It is never shown, and kept nowhere."""

from __future__ import annotations

import getpass
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from axejournal.domain.errors import Interrupted, PersonNeeded, UsageFault, WrongPassword
from axejournal.domain.ports.volumes import NobodysDesk, PasswordDesk, Try

if TYPE_CHECKING:
    from axejournal.cli.progress import LiveView

TRIES = 3
LEAST = 12


@dataclass(frozen=True)
class TerminalPasswords:
    """See PasswordDesk. `quiet`: inside, nothing else is shown on the terminal."""

    quiet: Callable[[], AbstractContextManager[None]] = nullcontext

    def choose(self, what: str, told: str = "") -> str:
        """Typed twice. Raises UsageFault for one that is too short, or when the two differ."""
        usual = f"{what} gets a password that is on paper only: write it there first, then type it from there."
        click.echo(told or usual, err=True)
        first = self._typed(f"{'new ' if told else ''}password of {what}: ")
        if len(first) < LEAST:
            raise UsageFault(f"that password has {len(first)} characters; it needs {LEAST}", "Four words or more are best.")
        if self._typed("the same again: ") != first:
            raise UsageFault("the two are not the same", "Nothing was changed. Try again.")
        return first

    def receive(self, run: str, what: str, attempt: Try, still: Callable[[], bool]) -> None:
        """Three tries."""
        for left in range(TRIES - 1, -1, -1):
            typed = self._typed(f"password of {what} (on paper): ")
            if not still():
                raise PersonNeeded(f"{what} is gone; the run goes on when it is back", "Connect it again.")
            try:
                attempt(typed)
                return
            except WrongPassword:
                if not left:
                    raise WrongPassword(f"{what}: {TRIES} wrong passwords", "Look at the paper again.") from None
                click.echo(f"wrong password; {left} more {'tries' if left > 1 else 'try'}", err=True)

    def _typed(self, prompt: str) -> str:
        """Ctrl-C ends the asking, and the run with it. Raises Interrupted, PersonNeeded."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with self.quiet():
                return getpass.getpass(prompt)
        except KeyboardInterrupt:
            raise Interrupted("no password was typed: Ctrl-C") from None
        except EOFError as end:
            raise PersonNeeded("no password was typed", "Try again on a terminal.") from end
        finally:
            signal.signal(signal.SIGINT, before)


def desk(view: LiveView | None = None) -> PasswordDesk:
    """Whoever sits there."""
    if not is_terminal():
        return NobodysDesk()
    return TerminalPasswords(view.paused) if view else TerminalPasswords()


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and os.isatty(2)
