"""Runs the migrations on the connection that axejournal/journal/database.py hands over.

The transaction is begun there (BEGIN IMMEDIATE), holds all migrations, and is committed there: a migration that is
killed at any instant leaves the journal as it was.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
