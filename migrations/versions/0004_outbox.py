"""The outbox: what is told of runs that ended, the troubles that are known, what was sent, channels that can't be reached."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = (
    """\
CREATE TABLE outbox (
  position INTEGER PRIMARY KEY,
  customer TEXT NOT NULL,
  job TEXT NOT NULL,
  tier TEXT NOT NULL,
  subject TEXT NOT NULL,
  run TEXT NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  nights INTEGER NOT NULL,
  since_us INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  replaced_by INTEGER
) STRICT""",
    "CREATE INDEX outbox_present ON outbox (customer, job, at_us) WHERE replaced_by IS NULL",
    """\
CREATE TABLE troubles (
  customer TEXT NOT NULL,
  job TEXT NOT NULL,
  tier TEXT NOT NULL,
  subject TEXT NOT NULL,
  code TEXT NOT NULL,
  count INTEGER NOT NULL,
  nights INTEGER NOT NULL,
  since_us INTEGER NOT NULL,
  last_slot TEXT,
  PRIMARY KEY (customer, job, tier, subject)
) STRICT, WITHOUT ROWID""",
    """\
CREATE TABLE deliveries (
  message INTEGER NOT NULL,
  channel TEXT NOT NULL,
  sent_at_us INTEGER NOT NULL,
  PRIMARY KEY (message, channel)
) STRICT, WITHOUT ROWID""",
    """\
CREATE TABLE channels (
  channel TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  why TEXT NOT NULL,
  failed_at_us INTEGER NOT NULL,
  not_before_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    op.execute("PRAGMA user_version = 4")
