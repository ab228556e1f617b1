"""The few questions of `axej init`, each with an answer ready. What an option has answered is not asked."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.checks.discovery import FoundServer
    from axejournal.config.template import Answers, FoundDatabase

KEYCHAIN = "axe.backup.restic.local"
LOCALTIME = Path("/etc/localtime")


@dataclass(frozen=True)
class Given:
    """What the options say. `yes`: nothing is asked, what is not given takes the answer that is ready."""

    yes: bool
    customer: str | None = None
    host: str | None = None
    timezone: str | None = None
    state: Path | None = None
    repository: Path | None = None
    password_file: Path | None = None
    keychain: str | None = None
    at: str | None = None
    folders: tuple[Path, ...] = ()
    databases: bool = True


def answers(given: Given, servers: tuple[FoundServer, ...]) -> Answers:
    """Asks what is not given. Raises UsageFault for an answer that can't be, click.Abort when nobody answers."""
    from axejournal.config.template import Answers

    customer = given.customer or _ask(given, "whose data is it (a short name)", _plain(getpass.getuser()))
    host = given.host or _ask(given, "this machine's name in snapshots", _plain(socket.gethostname().split(".")[0]))
    zone = given.timezone or _ask(given, "time zone", machine_zone())
    databases = tuple(found for server in servers for found in _chosen(given, server))
    return Answers(
        customer=customer,
        host=host,
        timezone=zone,
        repository=_absolute(given.repository or Path(_ask(given, "the repository's folder", "~/.axe/backups/local"))),
        password=_password(given),
        databases=databases,
        folders=tuple(map(_absolute, given.folders or _folders(given))),
        state=_absolute(given.state) if given.state else None,
        schedule=cron(given.at or _ask(given, "every night at", "03:00")),
    )


def _ask(given: Given, question: str, ready: str) -> str:
    return ready if given.yes else str(click.prompt(question, default=ready, err=True))


def _chosen(given: Given, server: FoundServer) -> list[FoundDatabase]:
    """The databases of a server that are to be backed up: all of them, or those that are typed."""
    from axejournal.config.template import FoundDatabase

    if server.trouble:
        click.echo(f"{server.where}: its databases can't be listed ({server.trouble}); add them to axej.yaml by hand", err=True)
        return []
    names = list(server.databases)
    if not given.yes and names:
        typed = click.prompt(f"{server.where} has {', '.join(names)}; which (commas between, or none)", default="all", err=True)
        names = _picked(str(typed), names)
    ways = {"container": server.container, "host": server.host, "socket": server.socket}
    return [FoundDatabase(name, server.user, **ways, port=server.port, volume=server.volume) for name in names]  # type: ignore[arg-type]  # each way has its own type


def _picked(typed: str, names: list[str]) -> list[str]:
    if typed.strip() in ("all", "none"):
        return names if typed.strip() == "all" else []
    wanted = [word.strip() for word in typed.split(",") if word.strip()]
    unknown = [word for word in wanted if word not in names]
    if unknown:
        raise UsageFault(f"no database is called {unknown[0]}; there are {', '.join(names)}", 'Start "axej init" again.')
    return wanted


def _folders(given: Given) -> tuple[Path, ...]:
    found: list[Path] = []
    while not given.yes:
        typed = str(click.prompt("a folder of files to back up (enter: no more)", default="", show_default=False, err=True))
        if not typed.strip():
            break
        found.append(Path(typed.strip()))
    return tuple(found)


def _password(given: Given) -> tuple[str, str]:
    """Where it is kept: the Keychain on a Mac, else a file that only this user reads."""
    if given.password_file or given.keychain:
        return ("file", str(_absolute(given.password_file))) if given.password_file else ("keychain", str(given.keychain))
    if sys.platform == "darwin":
        return "keychain", _ask(given, "the password's name in the Keychain", KEYCHAIN)
    return "file", str(_absolute(Path(_ask(given, "the file of the repository's password", "~/.axe/restic-password"))))


def cron(at: str) -> str:
    """`03:00` as a cron expression; one that is written so stays. Raises UsageFault."""
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})", at.strip())
    if clock and int(clock[1]) < 24 and int(clock[2]) < 60:
        return f"{int(clock[2])} {int(clock[1])} * * *"
    if len(at.split()) == 5:
        return at.strip()
    raise UsageFault(f'"{at}" is no time of day', "Write 03:00, or five fields of cron: 0 3 * * *.")


def machine_zone() -> str:
    """This machine's time zone by name: $TZ, or where /etc/localtime leads; UTC when neither says."""
    named = os.environ.get("TZ", "").removeprefix(":")
    linked = str(LOCALTIME.resolve()) if LOCALTIME.exists() else ""
    linked = linked.partition("zoneinfo/")[2].removeprefix("posix/")
    zone = named if "/" in named and not named.startswith("/") else linked
    return zone if zone and zone != "localtime" else "UTC"


def _plain(text: str) -> str:
    """A name that the configuration takes."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:60] or "axe"


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (resolve would follow links)
