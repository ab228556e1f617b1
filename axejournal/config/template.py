"""A commented axej.yaml from a few answers: what `axej init` writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axejournal.config.tree import write
from axejournal.domain.errors import UsageFault


@dataclass(frozen=True)
class FoundDatabase:
    """A PostgreSQL database and the way to it: a container, an address, or the folder of a socket."""

    database: str
    user: str
    container: str | None = None
    host: str | None = None
    socket: Path | None = None
    port: int = 5432
    passfile: Path | None = None
    volume: str | None = None


@dataclass(frozen=True)
class Answers:
    """What a new configuration needs to know. `password`: a kind of passwords.KINDS and its value."""

    customer: str
    host: str
    timezone: str
    repository: Path
    password: tuple[str, str]
    databases: tuple[FoundDatabase, ...] = ()
    folders: tuple[Path, ...] = ()
    state: Path | None = None
    language: str = "en"
    schedule: str = "0 3 * * *"


def template(answers: Answers) -> str:
    """The text of axej.yaml, which loads without a fault. Raises UsageFault when there is nothing to back up."""
    if not answers.databases and not answers.folders:
        hint = "Name a folder, or start the PostgreSQL servers that are to be found."
        raise UsageFault("there is nothing to back up: no database was found and no folder was named", hint)
    return "".join((*_head(answers), *_sources(answers), *_tiers(answers), TAIL))


def _head(answers: Answers) -> Iterator[str]:
    yield '# axej.yaml. "axej config check" tells what is wrong with it, "axej config show" what it comes to;\n'
    yield '# "axej config schema > axej.schema.json" makes an editor complete the keys.\n'
    yield f"customer: {scalar(answers.customer)} # whose data this is\n"
    yield f"host: {scalar(answers.host)} # the name in snapshots; it stays, whatever the network calls this machine\n"
    yield f"language: {scalar(answers.language)} # of runbooks and reports: en or ko\n"
    yield f"timezone: {scalar(answers.timezone)}\n"
    if answers.state is not None:
        yield f"state: {scalar(str(answers.state))} # journal, leases, staging, logs\n"
    else:
        yield "# state: ~/.axe/axej # journal, leases, staging, logs\n"


def _sources(answers: Answers) -> Iterator[str]:
    yield "\n# What is backed up. The order is the order in which a new machine gets it back.\nsources:\n"
    taken: set[str] = set()
    for found in answers.databases:
        yield f"  {scalar(_name((found.database, found.container or ''), 'database', taken))}:\n    kind: postgres\n"
        yield from (f"    {key}: {scalar(value)}\n" for key, value in _settings(found))
        yield "    # only_copy: true # there is no other copy of this data: it has to be in two tiers\n"
        yield "    # after_restore: {restart: [docker compose restart app], check: [docker exec app integrity-check]}\n"
    for folder in answers.folders:
        yield f"  {scalar(_name((folder.name,), 'files', taken))}:\n    kind: files\n    path: {scalar(str(folder))}\n"
        yield '    # require: # each snapshot must hold these: "at_least" catches a wrong exclude file\n'
        yield '    #   - {pattern: "**/*.pdf", at_least: 10}\n'


def _settings(found: FoundDatabase) -> Iterator[tuple[str, str | int]]:
    if found.container is not None:
        yield "container", found.container
    elif found.host is not None:
        yield "host", found.host
    else:
        yield "socket", str(found.socket or "/var/run/postgresql")
    if found.port != 5432:
        yield "port", found.port
    yield "database", found.database
    yield "user", found.user
    if found.passfile is not None:
        yield "passfile", str(found.passfile)
    if found.volume is not None:
        yield "volume", found.volume


def _tiers(answers: Answers) -> Iterator[str]:
    kind, value = answers.password
    yield "\n# Where the copies are.\ntiers:\n  local: # tier A: a repository on this machine\n"
    yield f"    repository: {scalar(str(answers.repository))}\n"
    yield f"    password: {{ {kind}: {scalar(value, flow=True)} }} # where it is kept; keep it on paper too\n"
    yield f"    schedule: {scalar(answers.schedule)} # minute hour day month weekday, in the time zone above\n"


TAIL = """\
    rpo: 26h # the newest restore point may be so old, then axej status says overdue
    # excludes: ~/.axe/restic-excludes # restic's exclude file
    shrink_alarm_percent: 50 # a source that lost half since the last good run makes the run degraded
    retention: # a point with proof stays while no newer one has its proof
      daily: 14
      weekly: 8
      monthly: 12
      yearly: 5
      prune: weekly
  # ring: # tier B: copies on a partner's machine; the partner is described in customers.yaml
  #   peer: NAME
  #   password: { keychain: axe.backup.restic.ring }
  #   schedule: "30 3 * * *"
  # offsite: # the same at any place that restic knows
  #   kind: ring
  #   repository: s3:https://HOST/BUCKET/axe # or rest:https://HOST/axe/, sftp:USER@HOST:/FOLDER, a path
  #   credentials: ~/.axe/offsite-login # for s3: as ~/.aws/credentials, for rest: USER:PASSWORD
  #   password: { keychain: axe.backup.restic.offsite }
  #   schedule: "0 4 * * *"
  # cold: # tier C: disks in a drawer
  #   mount: /Volumes/axe-cold-{1,2,3}
  #   password: paper
  #   first_quarter: 2026Q1 # disk 1

# notify: # who is told when a run fails, and when nothing runs; try it with "axej notify test"
#   slack: { keychain: axe.slack.webhook }
#   ping: { local: { file: ~/.axe/ping-local } } # an outside watch that misses a night when this machine is off
"""


def scalar(value: str | int, flow: bool = False) -> str:
    """A value as YAML, quoted where it has to be; `flow`: for a place within braces."""
    shown = [value] if flow else value
    line = write(shown, flow=flow, width=1_000_000).removesuffix("...\n").removesuffix("\n")
    return line[1:-1] if flow else line


def _name(wishes: tuple[str, ...], otherwise: str, taken: set[str]) -> str:
    """A name for a source that no other one has: the database's, else the container's, else a number."""
    plain = [_plain(wish) for wish in wishes]
    candidates = [
        *(name for name in plain if name),
        *(f"{plain[0] or otherwise}-{number}" for number in range(2, len(taken) + 3)),
    ]
    if not plain[0]:
        candidates.insert(0, otherwise)
    chosen = next(name for name in candidates if name not in taken)
    taken.add(chosen)
    return chosen


def _plain(wish: str) -> str:
    """What of it may stand in values.Name. Letters and ASCII's digits: Python's `\\w` has more than the models' (¼)."""
    kept = "".join(sign if sign.isalpha() or sign in "0123456789_.-" else " " for sign in wish)
    return "-".join(kept.split()).strip("-.")[:50]
