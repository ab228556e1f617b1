"""Cold disks: which file system and repository each number is, and when it was synced; when a password was last proven."""

from alembic import op

revision = "0006"
down_revision = "0005"

DISKS = """\
CREATE TABLE disks (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  disk TEXT NOT NULL,
  volume TEXT NOT NULL,
  filesystem TEXT NOT NULL,
  place TEXT NOT NULL,
  repository TEXT NOT NULL,
  keys TEXT NOT NULL,
  machine_key TEXT,
  recorded_by TEXT NOT NULL,
  recorded_at_us INTEGER NOT NULL,
  synced_by TEXT,
  synced_at_us INTEGER,
  snapshots INTEGER,
  free_bytes INTEGER,
  journal_head TEXT,
  mark TEXT,
  opens TEXT,
  PRIMARY KEY (customer, tier, disk)
) STRICT, WITHOUT ROWID"""
KEY_PROOFS = """\
CREATE TABLE key_proofs (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  repository TEXT NOT NULL,
  kind TEXT NOT NULL,
  disk TEXT NOT NULL,
  run TEXT NOT NULL,
  proven_at_us INTEGER NOT NULL,
  PRIMARY KEY (customer, tier, repository, kind)
) STRICT, WITHOUT ROWID"""


def upgrade() -> None:
    op.execute(DISKS)
    op.execute(KEY_PROOFS)
    op.execute("PRAGMA user_version = 6")
