"""The person at the terminal who works through a page of runbooks/: sees its steps, answers, types what is asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from axejournal.domain.errors import AxejError, PersonNeeded, UsageFault

if TYPE_CHECKING:
    from axejournal.cli.context import Context
    from axejournal.domain.ports.desk import Linked

LATER = "later"
"""What a person types to leave: the run waits."""


@dataclass
class TerminalDesk:
    """The `Desk` port. `answers`: step -> answer, given by options; `yes`: what only has to be confirmed is confirmed.
    `again`: what to type to go on."""

    here: Context
    again: str
    answers: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    yes: bool = False
    shown: set[str] = field(default_factory=set)

    @property
    def is_there(self) -> bool:
        """Whether somebody can be asked."""
        return sys.stdin.isatty()

    def show(self, title: str, text: str) -> None:
        """See Desk."""
        if title not in self.shown:
            self.shown.add(title)
            click.echo()
            click.secho(title, bold=True)
            print_markdown(text)

    def ask(self, step: str, question: str, choices: Sequence[str], needed: bool) -> str:
        """See Desk. "yes" by option confirms what only has to be confirmed; a command that may be needed or not is not run
        by it, and one that failed is not passed over."""
        name, failed = step.rstrip("!"), step.endswith("!")
        given = self.answers.get(name)
        if failed and given != choices[-1]:
            given = None
        if given is not None and given not in choices:
            raise UsageFault(f"step {name} can't be answered by {given!r}", f"Its answers are {', '.join(choices)}.")
        if given is None and self.yes and not failed:
            given = choices[0]
        if given is None and not self.is_there:
            if not needed:
                return choices[0]
            hint = f'Type "{self.again}" on a terminal, or answer with --answer {name}={choices[-1]}.'
            raise PersonNeeded(f"step {name}: {question} A person must say, and this is no terminal", hint)
        if given is None:
            given = self._typed(question, (*choices, LATER), choices[0])
        click.echo(f"{question} {given}", err=True)
        return given

    def _typed(self, question: str, choices: Sequence[str], ready: str) -> str:
        try:
            answer = str(click.prompt(question, type=click.Choice(choices), default=ready, err=True))
        except click.Abort:
            answer = LATER
        if answer == LATER:
            raise PersonNeeded("left by the person at the terminal", f'Type "{self.again}" to go on.')
        return answer

    def given(self, name: str) -> str | None:
        """See Desk."""
        return self.values.get(name)

    def value(self, name: str) -> str:
        """See Desk."""
        if not self.is_there:
            option = "--as-of WHEN" if name == "AS_OF" else f"--set {name}=…"
            raise PersonNeeded(
                f"nobody says what {name} is, and this is no terminal", f'Type "{self.again}" on a terminal, or add {option}.'
            )
        try:
            return str(click.prompt(name, err=True))
        except click.Abort:
            raise PersonNeeded("left by the person at the terminal", f'Type "{self.again}" to go on.') from None

    def perform(self, words: Sequence[str], run: str, step: str) -> int:
        """See Desk. In this process, by the same command line that a person would have typed."""
        from axejournal.cli.main import axej, report

        _, *typed = words
        if _takes_yes(typed) and (self.yes or self.answers.get(step) == "yes"):
            typed.append("--yes")
        elif _takes_yes(typed) and not self.is_there:
            hint = f'Type "{self.again}" on a terminal, or add "--answer {step}=yes".'
            raise PersonNeeded(f"step {step}: `{' '.join(words)}` asks before it works, and this is no terminal", hint)
        click.echo(f"$ {' '.join(words)}", err=True)
        try:
            with self.here.app.paging.linking(run, step):
                code = axej.main(typed, prog_name="axej", standalone_mode=False, obj=self.here)
            code = code if isinstance(code, int) else 0
        except (PersonNeeded, click.Abort):
            raise PersonNeeded(f"step {step}: not done", f'Type "{self.again}" to go on.') from None
        except AxejError as error:
            report(error)
            code = error.exit_code
        except click.ClickException as fault:
            fault.show()
            code = fault.exit_code
        except click.exceptions.Exit as ended:
            code = ended.exit_code
        return self._unless_cancelled(code, step)

    def go_on(self, linked: Linked, run: str, step: str) -> int:
        """See Desk."""
        from axejournal.cli.progress import watched
        from axejournal.cli.resume import tell_any

        app, worst = self.here.app, 0
        with app.paging.linking(run, step), watched(app) as view:
            if linked.outcome == "open":
                worst = tell_any(app.resume(linked.run, f"run {run} goes on", view=view))
            for each in app.restoring.resume_all(view):
                worst = worst or tell_any(each)
        return self._unless_cancelled(worst, step)

    def _unless_cancelled(self, code: int, step: str) -> int:
        """Ctrl-C during a step's work is no failure of the page: it waits."""
        if self.here.app.children.cancelled() is not None:
            raise PersonNeeded(f"step {step} was cancelled", f'Type "{self.again}" to go on.')
        return code


def print_markdown(text: str) -> None:
    """Laid out on a terminal, as it is in a pipe."""
    from axejournal.cli.output import console, is_fancy

    if not is_fancy():
        click.echo(text)
        return
    from rich.markdown import Markdown

    console().print(Markdown(text, hyperlinks=False))


def _takes_yes(words: Sequence[str]) -> bool:
    """Whether a command of axej asks before it works."""
    from axejournal.cli.main import axej

    command: click.Command = axej
    context = click.Context(axej, info_name="axej")
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        _, found, rest = command.resolve_command(context, rest)
        if found is None:
            return False
        command = found
    return any("--yes" in parameter.opts for parameter in command.params) and "--dry-run" not in words
