"""What was found out last about each ring; and which snapshot of a tier is the copy of which."""

from alembic import op

revision = "0007"
down_revision = "0006"

RING_FACTS = """\
CREATE TABLE ring_facts (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  name TEXT NOT NULL,
  run TEXT NOT NULL,
  position INTEGER NOT NULL,
  recorded_at_us INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (customer, tier, name)
) STRICT, WITHOUT ROWID"""

COPIES = """\
CREATE TABLE copies (
  repository TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  original TEXT NOT NULL,
  PRIMARY KEY (repository, snapshot)
) STRICT, WITHOUT ROWID"""


def upgrade() -> None:
    op.execute(RING_FACTS)
    op.execute(COPIES)
    op.execute("PRAGMA user_version = 7")
