"""The wanted rows of a table, loaded into a schema of the run's own beside the live table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from axejournal.domain.errors import AxejError, SourceRefused
from axejournal.domain.ports import Progress
from axejournal.domain.ports.tables import Contents, DumpedPart, Staged, TableTask
from axejournal.programs import process
from axejournal.programs.postgres.catalog import FINGERPRINT_SETTINGS, METHOD, Relation, read_relations
from axejournal.programs.postgres.dump import LONG_S, fingerprint
from axejournal.programs.postgres.faults import fault_of_program
from axejournal.programs.postgres.session import OPTIONS, Session, identifier, literal, qualified
from axejournal.programs.postgres.table_catalog import Detail
from axejournal.programs.postgres.table_sql import ROWS, Statements, kept_of, listed, scratch_of

LOAD_SETTINGS = (  # as a dump sets them for itself
    "-c search_path= -c row_security=off -c DateStyle=ISO -c IntervalStyle=postgres -c xmloption=content "
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c synchronous_commit=off"
)
LOAD_SCRIPT = 'file=$1; shift; exec "$0" "$@" < "$file"'


def changed_types(detail: Detail, parts: tuple[DumpedPart, ...], contents: Contents) -> tuple[str, ...]:
    """See TableServer. The digest of names and types that was taken with the dump decides; CREATE TABLE only tells which."""
    known = {column.name: column for column in detail.model.columns}
    for part in parts:
        if part.digest.partition("-")[0] != METHOD or not set(part.columns) <= set(known):
            continue
        model = replace(detail.model, columns=tuple(known[one] for one in part.columns), condition="")
        if model.digest != part.digest:
            declared = contents.declared.get(part.table, {})
            return _named(declared, {name: known[name].type_name for name in part.columns})
    return ()


def _named(declared: Mapping[str, str], types: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(
        f"{name} is {now}, was declared as {declared[name]}"
        for name, now in types.items()
        if name in declared and not f"{declared[name]} ".startswith(f"{now} ")
    )
    return found or ("one of its columns",)


def stage(
    session: Session,
    detail: Detail,
    task: TableTask,
    parts: tuple[DumpedPart, ...],
    encoding: str,
    tell: Callable[[Progress], None],
) -> Staged:
    """See TableServer."""
    begin_scratch(session, task.run)
    statements = Statements(detail, task.run, task.columns)
    columns = listed(task.columns)
    session.execute(f"CREATE UNLOGGED TABLE {statements.wanted} AS SELECT {columns} FROM {detail.only} WITH NO DATA")
    whole, done = sum(part.file.stat().st_size for part in parts), 0
    for part in parts:
        _load(session, statements.wanted, part, encoding)
        done += part.file.stat().st_size
        tell(Progress(done, whole, f"loaded {part.table[1]}"))
    staged = _finish(session, statements)
    expected = Staged(sum(part.rows for part in parts), added(part.fingerprint for part in parts))
    is_known = all(part.digest.partition("-")[0] == METHOD for part in parts)
    if staged.rows != expected.rows or (is_known and staged.fingerprint != expected.fingerprint):
        raise SourceRefused(
            f"table {detail.live.schema}.{detail.live.name}: what was loaded ({staged.fingerprint}) is not what was dumped "
            f"({expected.fingerprint}); nothing was changed",
            "Look whether a type of its columns means something else by now; take another restore point.",
        )
    return staged


def stage_kept(session: Session, detail: Detail, task: TableTask, run: str) -> Staged:
    """See TableServer."""
    kept = kept_relation(session, run)
    known = {column.name: column for column in detail.model.columns}
    changed = (
        [one.name for one in kept.columns if one.name in known and known[one.name].type_name != one.type_name] if kept else []
    )
    if kept is None or changed:
        why = f"the type of column {changed[0]} has changed since" if changed else "it is no longer kept"
        raise SourceRefused(
            f"what run {run} kept of table {detail.live.name} can't be put back: {why}", "Restore a restore point."
        )
    begin_scratch(session, task.run)
    statements = Statements(detail, task.run, task.columns)
    source = f"SELECT {listed(task.columns)} FROM {kept.full_name}"
    session.execute(f"CREATE UNLOGGED TABLE {statements.wanted} AS {source}", LONG_S)
    return _finish(session, statements)


def kept_relation(session: Session, run: str) -> Relation | None:
    """The table with what a run kept."""
    found = (one for one in read_relations(session) if (one.schema, one.name) == (kept_of(run), ROWS))
    return next(found, None)


def begin_scratch(session: Session, run: str) -> None:
    """An empty scratch schema, for nobody else's eyes."""
    schema = identifier(scratch_of(run))
    session.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    session.execute(f"CREATE SCHEMA {schema}")
    session.execute(f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")


def added(fingerprints: Iterable[str]) -> str:
    """The fingerprint of several tables taken together: "count:sum" each."""
    pairs = [one.split(":") for one in fingerprints]
    return f"{sum(int(rows) for rows, _ in pairs)}:{sum(int(total) for _, total in pairs)}"


def _load(session: Session, into: str, part: DumpedPart, encoding: str) -> None:
    columns = f"({listed(part.columns)}) " if part.columns else ""
    copy = f"COPY {into} {columns}FROM STDIN WITH (ENCODING {literal(encoding)})"
    conninfo = session.way.conninfo(session.database, options=LOAD_SETTINGS)
    words = (str(part.file), *OPTIONS, "--set=ON_ERROR_STOP=1", f"--dbname={conninfo}", f"--command={copy}")
    done = process.run(session.way.shell(LOAD_SCRIPT, "psql", session.facts.major, *words))
    if done.exit_code != 0:
        what, killed_by = f"COPY of {part.file.name}", session.way.killed_by(done)
        raise fault_of_program(session.way.place, session.way.user, what, done.stderr, killed_by, done.exit_code)


def _finish(session: Session, statements: Statements) -> Staged:
    """The key, statistics and fingerprint of the wanted rows."""
    if statements.key:
        try:
            session.execute(f"CREATE UNIQUE INDEX ON {statements.wanted} ({listed(statements.key)})", LONG_S)
        except AxejError as fault:
            if "(SQLSTATE 23505)" not in fault.message:
                raise
            hint = "The primary key has changed since. Restore the database beside (--into NAME) and move the rows by hand."
            raise SourceRefused(
                f"the restore point has rows with the same {', '.join(statements.key)}: {fault.message}", hint
            ) from None
    session.execute(f"ANALYZE {statements.wanted}", LONG_S)
    session.set(FINGERPRINT_SETTINGS)
    known = {column.name: column for column in statements.detail.model.columns}
    columns = tuple(known[one] for one in statements.columns)
    rows, mark = fingerprint(session, Relation(0, scratch_of(statements.run), ROWS, "r", True, "", columns))
    return Staged(rows, mark)


def kept_name(run: str) -> str:
    """The table with the old content, as SQL writes it."""
    return qualified(kept_of(run), ROWS)
