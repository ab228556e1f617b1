"""The journal's shape: its number, the columns of `events`, what else there must be.

Imports next to nothing, so that a reader can ask "is it current?" at the price of one pragma.
"""

from __future__ import annotations

import sqlite3

from axejournal.domain.errors import JournalDamaged, JournalNewer

SCHEMA = 9
"""Equals `PRAGMA user_version` of a current journal and the number of the newest file in migrations/versions."""
APPLICATION_ID = 0x41584A31
"""`PRAGMA application_id` ("AXJ1"): tells a journal from any other SQLite file."""
EVENT_COLUMNS = (
    "position, event_id, run, number, name, version, state, step, attempt, epoch, process, boot_id, "
    "recorded_at_us, monotonic_us, data, previous_hash, hash"
)


def check_identity(application_id: int, version: int, path: object) -> None:
    """Raises JournalDamaged when the file is no journal of axej, JournalNewer when a newer axej made it."""
    if application_id != APPLICATION_ID:
        raise JournalDamaged(
            f"journal {path}: this SQLite file is no journal of axej (application id {application_id:#x})",
            'Look at "state" in the configuration with "axej config show"; it names the folder of the journal.',
        )
    if version > SCHEMA:
        raise JournalNewer(
            f"journal {path} has schema {version}; this axej knows schema {SCHEMA}",
            "Update axej on this machine; a newer one has written the journal.",
        )


def golden() -> dict[str, str]:
    """What a current journal consists of: the name of each table, index and trigger, and the statement that makes it."""
    from axejournal.shipped import folder

    script = (folder("migrations") / "schema.sql").read_text(encoding="utf-8")
    statements = (part.strip().removesuffix(";") for part in script.split("\n\n"))
    return {statement.split(maxsplit=3)[2]: statement for statement in statements}


def found(connection: sqlite3.Connection) -> dict[str, str]:
    """The same, as it is in a journal."""
    rows = connection.execute(
        "SELECT name, sql FROM main.sqlite_master"
        " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'alembic_version' ORDER BY name"
    )
    return {name: sql for name, sql in rows if sql is not None}
