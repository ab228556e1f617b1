"""The events: append-only, chained, never changed by any later migration."""

from alembic import op

revision = "0001"
down_revision = None

EVENTS = """\
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  event_id TEXT UNIQUE NOT NULL,
  run TEXT NOT NULL,
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  step TEXT,
  attempt INTEGER,
  epoch INTEGER NOT NULL,
  process TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  recorded_at_us INTEGER NOT NULL,
  monotonic_us INTEGER NOT NULL,
  data TEXT NOT NULL CHECK (json_valid(data)),
  previous_hash BLOB NOT NULL,
  hash BLOB NOT NULL,
  UNIQUE (run, number)
) STRICT"""

NO_UPDATE = """\
CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: an event is never changed'); END"""

NO_DELETE = """\
CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: an event is never removed'); END"""

# INSERT OR REPLACE removes rows without firing DELETE triggers
NO_REPLACE = """\
CREATE TRIGGER events_refuse_replace BEFORE INSERT ON events
WHEN NEW.position <= (SELECT max(position) FROM events)
  OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
  OR EXISTS (SELECT 1 FROM events WHERE run = NEW.run AND number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: an event is never replaced'); END"""


def upgrade() -> None:
    for statement in (EVENTS, NO_UPDATE, NO_DELETE, NO_REPLACE):
        op.execute(statement)
    op.execute(f"PRAGMA application_id = {0x41584A31}")
    op.execute("PRAGMA user_version = 1")
