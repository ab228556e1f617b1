"""Sample databases: the public Chinook one, and databases, schemas and tables with hostile names."""

from __future__ import annotations

import re
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
HOSTILE_SQL = DATA / "hostile.sql"
HOSTILE_NAMES = (
    "has space",
    " leading and trailing ",
    "-leading dash",
    "--help",
    "한국어 데이터",
    'double"quote',
    "single'quote",
    "back\\slash",
    "new\nline",
    "host=elsewhere dbname=postgres",
    "postgresql://elsewhere/postgres",
    "../up/and*away?",
    "$HOME `id` %s",
    "comma,tab\tand=equals",
    "MixedCase",
    "n" * 63,
)
"""Names of databases that PostgreSQL takes. pg_dumpall refuses a newline; pg_dump doesn't."""
CHINOOK_ROWS = {"album": 347, "artist": 275, "customer": 59, "employee": 8, "genre": 25, "invoice": 412, "invoice_line": 2240}
CHINOOK_ROWS |= {"media_type": 5, "playlist": 18, "playlist_track": 8715, "track": 3503}
"""Chinook's tables and how many rows each has."""


def chinook_sql() -> str:
    """Chinook's statements, without those that make the database, so that it can have any name."""
    text = (DATA / "chinook.sql").read_text(encoding="utf-8")
    return re.split(r"^\\c chinook;$", text, maxsplit=1, flags=re.MULTILINE)[1]
