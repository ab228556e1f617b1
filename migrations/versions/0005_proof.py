"""Who showed a restore point good, or why it is suspect; and which parts of a repository's data were read when."""

from alembic import op

revision = "0005"
down_revision = "0004"

DATA_READS = """\
CREATE TABLE data_reads (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  repository TEXT NOT NULL,
  parts INTEGER NOT NULL,
  part INTEGER NOT NULL,
  run TEXT NOT NULL,
  read_at_us INTEGER NOT NULL,
  good_at_us INTEGER,
  faults INTEGER NOT NULL,
  size_bytes INTEGER,
  PRIMARY KEY (customer, tier, repository, parts, part)
) STRICT, WITHOUT ROWID"""


def upgrade() -> None:
    op.execute("ALTER TABLE restore_points ADD COLUMN proof_by TEXT")
    op.execute("ALTER TABLE restore_points ADD COLUMN proof_reason TEXT")
    op.execute(DATA_READS)
    op.execute("PRAGMA user_version = 5")
