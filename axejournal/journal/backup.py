"""A copy of the journal to keep elsewhere, and such a copy put in the journal's place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from axejournal.domain.errors import JournalDamaged, UsageFault
from axejournal.journal import database, place, readonly
from axejournal.journal.locks import WriterLock
from axejournal.journal.verify import Verdict, verify


def back_up(journal: Path, target: Path) -> Verdict:
    """Writes a whole copy (0600), looks at it, and says what is in it. Never replaces a file. Raises UsageFault,
    JournalDamaged, JournalNewer."""
    if target.exists():
        raise UsageFault(f"{target} exists and is not overwritten", "Name another file, or remove that one first.")
    if not target.parent.is_dir():
        raise UsageFault(f"{target.parent} is no folder", "Name a file in a folder that is there.")
    with readonly.opened(journal) as connection:
        database.copy_into(connection, target)
    verdict = verify(target)
    verdict.check()
    return verdict


@dataclass(frozen=True)
class Replacement:
    """What `restore` would do. `follows`: the journal that is there now begins with all of the copy, so that putting the
    copy in its place only takes away what came after."""

    copy: Verdict
    present_events: int | None
    follows: bool

    @property
    def lost(self) -> int:
        """Events that are in the present journal and not in the copy."""
        return max(0, (self.present_events or 0) - self.copy.events) if self.follows else self.present_events or 0


def compare(copy: Path, journal: Path) -> Replacement:
    """Looks at both; touches neither. Raises JournalDamaged when the copy is not sound, JournalNewer, UsageFault."""
    if not copy.is_file():
        raise UsageFault(
            f"{copy} is no file", 'Name a file that "axej journal backup" wrote, or journal.sqlite out of a snapshot.'
        )
    verdict = verify(copy)
    verdict.check()
    try:
        if not readonly.exists(journal):
            return Replacement(verdict, None, follows=False)
        with readonly.opened(journal) as connection:
            count = connection.execute("SELECT count(*) FROM events").fetchone()[0]
            row = connection.execute(
                "SELECT 1 FROM events WHERE position = ? AND hash = ?", (verdict.events, bytes.fromhex(verdict.head))
            )
            return Replacement(verdict, count, row.fetchone() is not None)
    except JournalDamaged:
        return Replacement(verdict, None, follows=False)


def restore(copy: Path, journal: Path, now: datetime, at_work: Callable[[], str | None]) -> Path | None:
    """Puts a whole copy of `copy` in the journal's place; what was there is renamed beside it, and its name returned. May
    be killed at any instant and called again: there is always one journal or the other, or one under its new name.
    `at_work`: who works with the journal, or None. Raises Busy, JournalDamaged."""
    place.check_folder(journal)
    staged = journal.with_name(f"{journal.name}.coming")
    with readonly.opened(copy) as connection:
        database.copy_into(connection, staged)
    with WriterLock(database.lock_path(journal)).held():
        if who := at_work():
            staged.unlink(missing_ok=True)
            raise UsageFault(f"{who} works with the journal", 'Wait for it to end ("axej status"), then do it again.')
        aside = _move_aside(journal, f"{journal.name}.before-restore-{now:%Y%m%d-%H%M%S}")
        place.put_in_place(staged, journal)
    return aside


def _move_aside(journal: Path, name: str) -> Path | None:
    """The log goes with its file: it must never meet another. A log without its file is refused by whoever opens it, a
    file without its log would lack its last events in silence: so the file goes first."""
    moved = None
    for suffix in ("", "-wal", "-shm"):
        part = journal.with_name(journal.name + suffix)
        if part.exists():
            target = part.rename(journal.with_name(name + suffix))
            moved = moved or target
    return moved
