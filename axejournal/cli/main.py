"""The root of the command line: which commands there are, and how an error leaves the process."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from axejournal.domain.errors import AxejError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: dict[str, tuple[str, str]] = {
    "backup": ("axejournal.cli.backup", "backup"),
    "restore": ("axejournal.cli.restore", "restore"),
    "undo": ("axejournal.cli.undo", "undo"),
    "ring": ("axejournal.cli.ring", "ring"),
    "recover": ("axejournal.cli.recover", "recover"),
    "cold": ("axejournal.cli.cold", "cold"),
    "keys": ("axejournal.cli.keys", "keys"),
    "runbook": ("axejournal.cli.runbook", "runbook"),
    "resume": ("axejournal.cli.resume", "resume"),
    "history": ("axejournal.cli.history", "history"),
    "status": ("axejournal.cli.status", "status"),
    "check": ("axejournal.cli.check", "check"),
    "notify": ("axejournal.cli.notify", "notify"),
    "drill": ("axejournal.cli.drill", "drill"),
    "report": ("axejournal.cli.report", "report"),
    "points": ("axejournal.cli.points", "points"),
    "jobs": ("axejournal.cli.jobs", "jobs"),
    "journal": ("axejournal.cli.journal", "journal"),
    "config": ("axejournal.cli.config", "config"),
    "init": ("axejournal.cli.init", "init"),
    "schedule": ("axejournal.cli.schedule", "schedule"),
    "doctor": ("axejournal.cli.doctor", "doctor"),
    "completion": ("axejournal.cli.completion", "completion"),
    "demo": ("axejournal.cli.demo", "demo"),
}
"""Each command's module and attribute: imported when it is asked for, so that one command doesn't pay for all."""

SUMMARIES: dict[str, str] = {
    "backup": "Back up databases and files now.",
    "restore": "Bring a database, a table or files back.",
    "undo": "Take a restore back.",
    "ring": "Keep copies on the partner's machine.",
    "recover": "Bring a lost machine back out of a repository.",
    "cold": "Keep copies on cold disks.",
    "keys": "Where each password lives, and whether it opens anything.",
    "runbook": "Read the pages for bad days, and work through one.",
    "resume": "Go on with runs whose process died.",
    "history": "Show what ran, and what happened in a run.",
    "status": "Show at a look whether everything is backed up.",
    "check": "Read a part of a repository, and say what damage hits.",
    "notify": "Tell people how runs ended; try the channels.",
    "drill": "Rehearse a restore, and prove the copies.",
    "report": "Print the evidence of a quarter: drills, gaps, trends.",
    "points": "List what can be restored.",
    "jobs": "List the jobs, and draw their state machines.",
    "journal": "Verify, back up, rebuild, export the journal.",
    "config": "Check and show the configuration.",
    "init": "Write a configuration and create the repository.",
    "schedule": "Start backups by themselves (launchd, systemd).",
    "doctor": "Check programs, configuration, repository, journal.",
    "completion": "Print a script that makes a shell complete commands.",
    "demo": "See it all work in a world of its own.",
}
"""One line each for the plain help, so that it needs no import. A test holds them equal to the commands' own."""

EXIT_STATUS = """\b
Exit status:
  0 done, or nothing due        20 overdue (RPO missed)
  1 failed                      21 drill failed
  2 usage                       30 journal damaged, or newer than this axej
  3 done but degraded           40 program missing or too old
  4 configuration               50 peer, disk or source unreachable
  10 no such repository,       130 interrupted
     restore point or run
  11 busy (lease or lock)
  12 wrong password"""


class Command(click.Command):
    """A command whose help ends with the exit codes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("epilog", EXIT_STATUS)
        super().__init__(*args, **kwargs)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("epilog", EXIT_STATUS)
        super().__init__(*args, **kwargs)


class LazyGroup(Group):
    """The root: loads a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        named = [CompletionItem(name, help=SUMMARIES[name]) for name in COMMANDS if name.startswith(incomplete)]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])


@click.group(cls=LazyGroup, name="axej", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--config", "config_path", metavar="FILE", help="The configuration (else AXEJ_CONFIG, else ~/.axe/axej.yaml).")
@click.version_option(package_name="axe-journal", prog_name="axej")
@click.pass_context
def axej(ctx: click.Context, config_path: str | None) -> None:
    """Crash-safe backups of PostgreSQL and files in three tiers, with every step in a journal.

    \b
    Start here:
      axej init              write a configuration, create the repository
      axej backup --local    back everything up now
      axej status            is everything backed up?
      axej history           what ran, and how it ended
    """
    if config_path is not None:
        ctx.obj = config_path


def run(words: list[str]) -> int:
    """Runs one command; returns its exit code. An AxejError is two lines on stderr, never a traceback."""
    program = os.path.basename(sys.argv[0]) or "axej"  # noqa: PTH119 (no pathlib needed)
    name = program if program in ("axej", "axe") else "axej"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a Korean name on an ASCII terminal is no reason to fail
    try:
        code = axej.main(words, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except AxejError as error:
        report(error)
        return error.exit_code
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as fault:
        fault.show()
        return fault.exit_code
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (nobody reads on: `axej history | head`)
        return 0
    except OSError as fault:
        if fault.errno != errno.ENOSPC or fault.filename is not None:
            raise
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (what is left can't be written either)
        click.echo("the output can't be written whole: no space is left where it goes", err=True)
        return 1


def report(error: AxejError) -> None:
    """An error as a person reads it: what happened, then what to do."""
    click.echo(error.message, err=True)
    from axejournal.cli.pages import see

    page = f" {see(error.runbook)}" if error.runbook else ""
    if error.hint:
        click.echo(f"HINT: {error.hint}{page}", err=True)
    elif page:
        click.echo(f"HINT:{page}", err=True)
