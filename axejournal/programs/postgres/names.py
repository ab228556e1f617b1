"""Exchanging the names of two databases, and removing one: what is done to databases as a whole."""

from __future__ import annotations

import contextlib

from axejournal.domain.errors import AxejError, ProgramFailed, SourceRefused
from axejournal.programs.postgres.load import subscriptions_of
from axejournal.programs.postgres.session import Session, identifier, literal

SWAP_S = 60.0  # sessions that come back faster than they are ended are given up on
LONG_S = 12 * 3600.0


def rename_both(session: Session, live: str, incoming: str, kept: str) -> None:
    """In one transaction."""
    session.execute("BEGIN")
    try:
        session.execute(f"ALTER DATABASE {identifier(live)} RENAME TO {identifier(kept)}")
        session.execute(f"ALTER DATABASE {identifier(incoming)} RENAME TO {identifier(live)}")
        session.execute("COMMIT")
    except AxejError:
        with contextlib.suppress(AxejError):
            session.execute("ROLLBACK")
        raise


def end_sessions(session: Session, database: str) -> int:
    """Ends those that are in it; returns how many."""
    query = (
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) AS n FROM pg_stat_activity "
        f"WHERE datname = {literal(database)} AND pid <> pg_backend_pid()"
    )
    return int(session.row(query)["n"])


def refused(failure: BaseException, live: str) -> BaseException:
    """Why a database was not to be had alone."""
    if isinstance(failure, ProgramFailed) and "55006" in str(failure):
        hint = "Stop the programs that use it, end prepared transactions (pg_prepared_xacts), then resume or restore again."
        return SourceRefused(f"database {live} could not be had alone within {SWAP_S:g} s: {failure.message}", hint)
    return failure


def drop_subscriptions(session: Session, database: str) -> None:
    """Without a word to their publishers: a slot there may be in use by the database that goes on."""
    with Session(session.way, database, session.facts.major) as inside:
        for row in session.rows(subscriptions_of(database)):
            name = identifier(row["name"])
            inside.execute(f"ALTER SUBSCRIPTION {name} DISABLE")
            inside.execute(f"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)")
            inside.execute(f"DROP SUBSCRIPTION {name}")


def drop_database(session: Session, database: str) -> None:
    """Ends its sessions and removes it; nothing when there is none."""
    there = session.rows(f"SELECT datname AS name FROM pg_database WHERE datname = {literal(database)}")
    if not there:
        return
    if session.is_superuser and session.rows(subscriptions_of(database)):  # a database that has some can't be dropped
        drop_subscriptions(session, database)
    if session.facts.major >= 13:
        session.execute(f"DROP DATABASE IF EXISTS {identifier(database)} WITH (FORCE)", LONG_S)
        return
    end_sessions(session, database)
    session.execute(f"DROP DATABASE IF EXISTS {identifier(database)}", LONG_S)
