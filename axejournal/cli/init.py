"""`axej init`: from nothing to a configuration and a repository. What is there already is never overwritten."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.cli.questions import Given
from axejournal.domain.errors import AxejError, RepositoryForeign, RepositoryMissing, UsageFault

if TYPE_CHECKING:
    from axejournal.domain.run import Run

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are read wrongly from paper
GROUPS, LETTERS_OF_A_GROUP = 6, 4  # 119 bits


@click.command(cls=Command, short_help="Write a configuration and create the repository.")
@click.option("--example", metavar="NAME", help="Write a ready configuration instead of asking: axe.")
@click.option("--adopt", metavar="TIER", help="Take the repository that is there as this tier's.")
@click.option("--new-repository", is_flag=True, help="Make a new one though another was recorded: that one is gone for good.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what is found and the answers that are ready.")
@click.option("--customer", metavar="NAME", help="Whose data it is.")
@click.option("--host", metavar="NAME", help="This machine's name in snapshots.")
@click.option("--timezone", metavar="ZONE", help="Such as Asia/Seoul.")
@click.option("--folder", "folders", multiple=True, type=click.Path(path_type=Path), help="A folder to back up (several times).")
@click.option("--no-databases", "databases", flag_value=False, default=True, help="Look for no PostgreSQL servers.")
@click.option("--repository", type=click.Path(path_type=Path), help="The repository's folder.")
@click.option("--password-file", type=click.Path(path_type=Path), help="The file of its password; made when it is not there.")
@click.option("--keychain", metavar="NAME", help="The name of its password in the Keychain.")
@click.option("--at", metavar="TIME", help="When the nightly backup runs, such as 03:00.")
@click.option("--state", type=click.Path(path_type=Path), help="The folder of journal, leases, staging, logs.")
def init(example: str | None, adopt: str | None, new_repository: bool, **given: Any) -> int:
    """Write a configuration and create the repository.

    \b
    Example:
      axej init
      axej init --yes --folder /srv/files --password-file ~/.axe/restic-password
      axej init --adopt local
      axej init --example axe

    Finds the PostgreSQL servers that run here, in containers and beside them, and asks a few questions. With a
    configuration already there it only creates the repository. It may be called again: what is there stays.
    """
    here = context()
    if example is not None:
        return _write_example(here.config_path, example)
    if adopt is not None:
        return _adopt(here, adopt)
    if not here.config_path.exists():
        _write_configuration(here.config_path, Given(**given))
    elif set_by := [
        name for name in ("customer", "host", "timezone", "repository", "password_file", "keychain", "at") if given[name]
    ]:
        option = f"--{set_by[0].replace('_', '-')}"
        raise UsageFault(f"{here.config_path} is there and stays as it is; {option} would change it", "Change the file itself.")
    return _set_up(here, new_repository)


# --- writing the configuration ---------------------------------------------------------------------------------------


def _write_example(path: Path, name: str) -> int:
    from axejournal.config.example import example

    files = example(name)
    _write_new({path if file == "axej.yaml" else path.parent / file: text for file, text in files.items()})
    click.echo('next: make it yours, then "axej config check", then "axej init" creates the repository')
    return 0


def _write_configuration(path: Path, given: Given) -> None:
    from axejournal.checks.discovery import servers_here, servers_in_containers
    from axejournal.cli.questions import answers
    from axejournal.config.template import template

    servers = (*servers_in_containers(), *servers_here()) if given.databases else ()
    for server in servers:
        found = ", ".join(server.databases) or "its databases can't be listed"
        click.echo(f"found PostgreSQL in {server.where}: {found}", err=True)
    _write_new({path: template(answers(given, servers))})


def _write_new(files: Mapping[Path, str]) -> None:
    """All of them, or none when one is there. Raises UsageFault."""
    if there := [path for path in files if path.exists()]:
        raise UsageFault(f"{there[0]} is there and is not overwritten", "Move it aside, or write elsewhere with --config FILE.")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create(path, text)
        click.echo(f"wrote {path}")


def _create(path: Path, text: str) -> None:
    """A new file that only this user reads, durable. Raises UsageFault."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        raise UsageFault(f"{path} can't be written: {fault.strerror}", "Name a place that this user may write.") from fault


# --- setting up what it names ------------------------------------------------------------------------------------------


def _set_up(here: Context, new_repository: bool) -> int:
    """Password and repository of the tier local, as far as they are not there."""
    _make_password_file(here)
    recorded = _recorded(here)
    if recorded is not None and not new_repository and _is_there(here, recorded):
        click.echo(f"repository local is there and is the recorded one ({recorded[:8]}); nothing to do")
        return _say_next()
    _refuse_a_missing_disk(here.config.tiers.local.repository)
    return _tell(here.app.init_repository("local"), "made the repository")


def _make_password_file(here: Context) -> None:
    """A random password, when the configuration names a file for it that is not there yet and neither is a repository
    that it would have to open."""
    tier = here.config.tiers.local
    path = tier.password.file
    if path is None or path.exists() or (tier.repository / "config").exists():
        return
    words = ("".join(secrets.choice(LETTERS) for _ in range(LETTERS_OF_A_GROUP)) for _ in range(GROUPS))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _create(path, "-".join(words) + "\n")
    click.echo(f"made a random password in {path}")
    click.echo(f'  Write it on paper too, now ("cat {path}"): when this disk is gone, no backup opens without it.')


def _recorded(here: Context) -> str | None:
    from axejournal.journal.reader import recorded_repository

    config = here.config
    return recorded_repository(here.journal_path, config.customer, "local", str(config.tiers.local.repository))


def _is_there(here: Context, recorded: str) -> bool:
    """Raises RepositoryMissing, RepositoryForeign: a recorded repository is never made anew by itself."""
    place = here.config.tiers.local.repository
    try:
        found = here.app.repository("local").identity()
    except RepositoryMissing as missing:
        raise RepositoryMissing(
            f"repository local is not at {place}, and its id {recorded[:8]} is recorded: a new one would be empty",
            'Connect its disk or put it back; only if it is gone for good, "axej init --new-repository" makes another.',
        ) from missing
    if found != recorded:
        raise RepositoryForeign(
            f"repository local at {place} has the id {found[:8]}, not the recorded {recorded[:8]}",
            'Put the right one back, or take this one with "axej init --adopt local".',
        )
    return True


def _refuse_a_missing_disk(place: Path) -> None:
    """On a Mac a disk that is not connected leaves nothing, and a folder made in its stead is on the system's disk."""
    parts = place.parts
    if parts[:2] == ("/", "Volumes") and len(parts) > 2 and not Path(*parts[:3]).is_mount():
        raise RepositoryMissing(f"no disk is mounted at {Path(*parts[:3])}", 'Connect it, then run "axej init" again.')


def _adopt(here: Context, tier: str) -> int:
    names = [name for name, _ in here.config.tiers.items()]
    if tier not in names:
        raise UsageFault(f"there is no tier {tier}; there is {', '.join(names)}", 'Write "axej init --adopt local".')
    if tier != "local":
        raise UsageFault(f"tier {tier} has no repository of its own to adopt here", 'Write "axej init --adopt local".')
    return _tell(here.app.init_repository(tier, adopt=True), "adopted the repository")


def _tell(run: Run, done: str) -> int:
    from axejournal.domain.events import RunFailed
    from axejournal.domain.facts import RepositoryRecorded

    if isinstance(run.outcome, RunFailed):
        raise _failure(run.outcome)
    recorded = run.find(RepositoryRecorded)
    if recorded is not None:
        click.echo(
            f"{done} {recorded.place} of tier {recorded.tier}; its id {recorded.repository[:8]} is recorded (run {run.id})"
        )
    return _say_next()


def _failure(outcome: Any) -> AxejError:
    """The run's failure as the error that it was, with its exit code."""
    from axejournal.domain import errors

    kind = getattr(errors, outcome.error, AxejError)
    made: AxejError = (kind if isinstance(kind, type) and issubclass(kind, AxejError) else AxejError)(
        outcome.message, outcome.hint
    )
    return made


def _say_next() -> int:
    click.echo('next: "axej doctor" checks everything, "axej backup --local" makes the first backup')
    return 0
