"""A run's tier, and freshness by tier: one job may fill several tiers."""

from alembic import op

revision = "0003"
down_revision = "0002"

FRESHNESS = """\
CREATE TABLE freshness (
  job TEXT NOT NULL,
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  attempt_run TEXT NOT NULL,
  attempt_slot TEXT,
  attempt_at_us INTEGER NOT NULL,
  attempt_outcome TEXT NOT NULL,
  success_run TEXT,
  success_at_us INTEGER,
  success_slot TEXT,
  success_slot_us INTEGER,
  done_run TEXT,
  done_at_us INTEGER,
  failures INTEGER NOT NULL,
  PRIMARY KEY (job, customer, tier)
) STRICT, WITHOUT ROWID"""


def upgrade() -> None:
    op.execute("ALTER TABLE runs ADD COLUMN tier TEXT")
    op.execute("DROP TABLE freshness")
    op.execute(FRESHNESS)
    op.execute("PRAGMA user_version = 3")
