"""The journal: its chain, its schema, the SQLite below it, and runs that wait to be taken up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from axejournal.checks.finding import Finding, Patient, ok, warn
from axejournal.domain.errors import JournalDamaged
from axejournal.domain.resting import WAITS_FOR

RECENT = 1000
"""Events at the end that a quick look hashes again."""
RESET_BUG_MENDED = (3, 51, 3)
"""SQLite before it can corrupt a write-ahead log that two connections reset at once (https://sqlite.org/wal.html)."""


def journal(patient: Patient) -> Iterable[Finding]:
    """The end of the chain, or with `full` all of it and every projection. Raises JournalDamaged, JournalNewer."""
    from axejournal.journal.readonly import exists

    path = _path(patient)
    if not exists(path):
        yield warn("journal", f"{path} is not there yet", 'The first run makes it: "axej backup --local".')
    elif patient.full:
        yield _whole(path)
    else:
        yield _recent(path)


def _whole(path: Path) -> Finding:
    from axejournal.journal.verify import verify

    verdict = verify(path)
    verdict.check()
    return ok("journal", f"{path}: all {verdict.events:,} events and the tables computed from them agree")


def _recent(path: Path) -> Finding:
    from axejournal.journal import readonly
    from axejournal.journal.schema import EVENT_COLUMNS, SCHEMA

    with readonly.opened(path) as connection:
        version = readonly.version(connection)
        query = f"SELECT {EVENT_COLUMNS} FROM events ORDER BY position DESC LIMIT {RECENT}"
        rows = connection.execute(query).fetchall()[::-1]
    _check_chain(path, rows)
    if version < SCHEMA:
        text = f"{path} has schema {version}, this axej {SCHEMA}"
        return warn("journal", text, "The next run brings it up to date and keeps a copy.")
    last = rows[-1][0] if rows else 0
    return ok("journal", f"{path}: {last:,} events, schema {version}, the last {len(rows):,} hashed again (--full: all)")


def _check_chain(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    from axejournal.journal.chain import link

    for place, row in enumerate(rows):
        fits = link(row[15], row[:15]) == row[16]
        follows = not place or (row[15] == rows[place - 1][16] and row[0] == rows[place - 1][0] + 1)
        if not (fits and follows):
            raise JournalDamaged(
                f"journal {path}: event {row[0]} {'does not follow the one before' if fits else 'was changed'}",
                'Run "axej journal verify" to see all that is wrong.',
            )


def place_of_it(patient: Patient) -> Iterable[Finding]:
    """On a disk of this machine. Raises JournalDamaged for a network volume."""
    from axejournal.journal.place import check_folder, file_system

    path = _path(patient)
    check_folder(path)
    yield ok("journal's place", f"{path.parent} is on {file_system(path.parent) or 'a file system of this machine'}")


def sqlite(patient: Patient) -> Iterable[Finding]:
    """Names a version with a known fault; the writers' lock of axej keeps clear of it."""
    from axejournal.journal import readonly

    with readonly.opened(_path(patient)) as connection:
        version = str(connection.execute("SELECT sqlite_version()").fetchone()[0])
    if tuple(map(int, version.split("."))) >= RESET_BUG_MENDED:
        yield ok("sqlite", f"SQLite {version}")
        return
    mended = ".".join(map(str, RESET_BUG_MENDED))
    yield ok("sqlite", f"SQLite {version}; its WAL-reset fault (mended in {mended}) can't happen: axej writes one at a time")


def open_runs(patient: Patient) -> Iterable[Finding]:
    """Runs whose process is dead wait for `axej resume`."""
    from axejournal.journal.reader import runs

    app = _app(patient)
    found = runs(_path(patient), outcome="open", limit=None)
    dead = [run for run in found if app.leases.holder(f"run:{run.run}") is None]
    for run in dead:
        waits = WAITS_FOR.get(run.state)
        why = f"waits for {waits}" if waits else f"stopped in state {run.state}: its process is dead"
        text = f"run {run.run} ({run.job}) {why}"
        yield warn("open runs", text, f'Run "axej resume {run.run}".')
    if not dead:
        yield ok("open runs", f"{len(found)} at work" if found else "none")


def _app(patient: Patient) -> Any:
    assert patient.app is not None
    return patient.app


def _path(patient: Patient) -> Path:
    return Path(_app(patient).state) / "journal.sqlite"
