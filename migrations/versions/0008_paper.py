"""Cold disks: which password on paper each one has, when they do not all have the same."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE disks ADD COLUMN paper_as_of_us INTEGER")
    op.execute("PRAGMA user_version = 8")
