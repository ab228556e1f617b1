"""Journals of older schemas, made from JSON lines as `export` writes them."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
from pathlib import Path
from types import ModuleType

from axejournal.journal.codec import canonical
from axejournal.journal.schema import EVENT_COLUMNS
from axejournal.shipped import folder

GOLDEN = Path(__file__).parent / "golden" / "schema-1.jsonl"


def migration(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, folder("migrations") / "versions" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_schema_1(path: Path, lines: list[str]) -> None:
    """A journal as schema 1 kept it: the events and nothing else."""
    first = migration("0001_events")
    path.parent.mkdir(parents=True, exist_ok=True)
    journal = sqlite3.connect(path, isolation_level=None)
    journal.execute("PRAGMA journal_mode = WAL")
    journal.execute("BEGIN")
    for statement in (first.EVENTS, first.NO_UPDATE, first.NO_DELETE, first.NO_REPLACE):
        journal.execute(statement)
    journal.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    journal.execute("INSERT INTO alembic_version VALUES ('0001')")
    journal.execute(f"PRAGMA application_id = {0x41584A31}")
    journal.execute("PRAGMA user_version = 1")
    for line in lines:
        fields = json.loads(line)
        fields["data"] = canonical(fields["data"])
        fields["hash"], fields["previous_hash"] = bytes.fromhex(fields["hash"]), bytes.fromhex(fields["previous_hash"])
        row = [fields[name] for name in EVENT_COLUMNS.split(", ")]
        journal.execute(f"INSERT INTO events ({EVENT_COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)
    journal.execute("COMMIT")
    journal.close()


def golden_lines() -> list[str]:
    return GOLDEN.read_text(encoding="utf-8").splitlines()
