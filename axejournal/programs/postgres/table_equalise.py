"""The one transaction that makes a live table equal to the wanted rows, keeps its old content, and notes that it was done.

Readers go on; writers of the table wait until it has ended. Triggers and rules rest meanwhile: what they did when the rows
were first written is in the rows. Foreign keys do not rest. One that would change rows of another table (ON DELETE CASCADE
and the like) is refused, since those rows are in nobody's plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from axejournal.domain.errors import AxejError, SourceRefused
from axejournal.domain.ports.tables import Difference, Equalised, Staged, TableTask
from axejournal.programs.postgres.catalog import FINGERPRINT_SETTINGS, all_schemas
from axejournal.programs.postgres.dump import LONG_S, fingerprint
from axejournal.programs.postgres.session import Session, identifier, literal, qualified
from axejournal.programs.postgres.table_catalog import Detail, ForeignKey, read_detail, sequences_of
from axejournal.programs.postgres.table_sql import DONE, ROWS, Statements, guarded, kept_of, listed
from axejournal.programs.postgres.table_stage import added

TAKEN = ("23505", "23P01")  # unique_violation, exclusion_violation
INTEGERS = ("smallint", "integer", "bigint")
NOTHING = 'Nothing was changed. Mend what is named, or restore the database beside with "--into NAME".'


def compare(session: Session, detail: Detail, task: TableTask) -> Difference:
    """See TableServer."""
    session.set(FINGERPRINT_SETTINGS)
    statements = Statements(detail, task.run, task.columns)
    with all_schemas(session):
        found = session.row(statements.counts(), LONG_S)
        kinds = [kind for kind in ("missing", "changed", "extra") if found[kind] and statements.key]
        examples = {kind: tuple(_key(row["key"]) for row in session.rows(statements.examples(kind), LONG_S)) for kind in kinds}
    return Difference(found["missing"], found["changed"], found["extra"], found["same"], examples)


@dataclass(frozen=True)
class Equaliser:
    """The transaction. `lock_wait_s`: how long it waits for writers of the table."""

    session: Session
    task: TableTask
    staged: Staged
    sequences: Mapping[str, int | None]
    kept_until: str
    lock_wait_s: int

    def run(self) -> Equalised:
        """See TableServer.equalise."""
        self.session.set({**FINGERPRINT_SETTINGS, "lock_timeout": f"{self.lock_wait_s}s"})
        self.session.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        detail = self._lock()
        statements = Statements(detail, self.task.run, self.task.columns)
        with all_schemas(self.session):
            found = self.session.row(statements.counts(), LONG_S)
        is_equal = not found["missing"] and (self.task.only_missing or not (found["changed"] or found["extra"]))
        self._begin_kept(detail, with_rows=not is_equal)
        if not is_equal:
            with all_schemas(self.session):  # for functions in checks, indexes and generated columns
                self._refuse_far_changes(statements)
                self._change(statements)
            self._prove(statements, found)
        moved = self._move_sequences(detail)
        note = f"SET has_rows = {not is_equal}, sequences = {literal(json.dumps(moved))}"
        self.session.execute(f"UPDATE {self._note} {note}")
        self.session.execute("COMMIT", LONG_S)
        done = equalised(self.session, self.task.run)
        assert done is not None
        return done

    @property
    def _note(self) -> str:
        return qualified(kept_of(self.task.run), DONE)

    def _lock(self) -> Detail:
        """The table as it is once nobody else can change it. Raises SourceRefused when it is gone or of another form."""
        before = read_detail(self.session, self.task.table)
        if before is not None:
            freed = Statements(before, self.task.run, self.task.columns).freed
            mode = "ACCESS EXCLUSIVE" if before.has_rules or freed else "SHARE ROW EXCLUSIVE"
            self.session.execute(f"LOCK TABLE {before.only} IN {mode} MODE", self.lock_wait_s + 60)
        detail = read_detail(self.session, self.task.table)
        if before is None or detail is None or not set(self.task.columns) <= set(detail.live.columns):
            raise SourceRefused(f"table {self.task.table[0]}.{self.task.table[1]} has changed its form meanwhile", NOTHING)
        return detail

    def _begin_kept(self, detail: Detail, with_rows: bool) -> None:
        schema = identifier(kept_of(self.task.run))
        self.session.execute(f"CREATE SCHEMA {schema}")
        self.session.execute(f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")
        if with_rows:
            source = f"SELECT {listed(detail.live.columns)} FROM {detail.only}"
            self.session.execute(f"CREATE TABLE {schema}.{identifier(ROWS)} AS {source}", LONG_S)
        numbers = "0::bigint AS inserted, 0::bigint AS updated, 0::bigint AS deleted, false AS has_rows, ''::text AS sequences"
        about = f"{literal(self.task.run)}::text AS run, {literal(self.kept_until)}::timestamptz AS kept_until"
        self.session.execute(f"CREATE TABLE {self._note} AS SELECT {about}, {numbers}")

    # --- changing --------------------------------------------------------------------------------------------------

    def _change(self, statements: Statements) -> None:
        detail = statements.detail
        for statement in detail.disable:
            self.session.execute(statement)
        for column in statements.freed:
            self.session.execute(f"ALTER TABLE {detail.full_name} ALTER COLUMN {identifier(column)} SET GENERATED BY DEFAULT")
        self._write(statements)
        for column in statements.freed:
            self.session.execute(f"ALTER TABLE {detail.full_name} ALTER COLUMN {identifier(column)} SET GENERATED ALWAYS")
        for statement in detail.enable:
            self.session.execute(statement)

    def _write(self, statements: Statements) -> None:
        if self.task.only_missing:
            plans = [statements.insert_missing(self._note)]
        else:
            plans = [statements.equalise(self._note)]
            if statements.key and not any(key.acts and key.is_incoming for key in statements.detail.keys):
                plans.append(statements.replace_changed(self._note))
        self.session.execute("SAVEPOINT axej")
        for number, plan in enumerate(plans, start=1):
            try:
                self.session.execute(guarded(plan), LONG_S)
                return
            except AxejError as fault:
                state = _state(fault)
                if not state.startswith("23"):
                    raise
                self.session.execute("ROLLBACK TO SAVEPOINT axej")
                if state not in TAKEN or number == len(plans):
                    raise self._refusal(statements, fault) from None

    def _refuse_far_changes(self, statements: Statements) -> None:
        """Raises SourceRefused when a foreign key would delete or change rows of another table."""
        if self.task.only_missing:
            return
        for key in statements.detail.keys:
            if key.acts and not key.is_outgoing and (broken := self._broken(statements, key)):
                raise self._refused(f"foreign key {key.name} of {key.source} would change rows there: {broken}")

    def _refusal(self, statements: Statements, fault: AxejError) -> SourceRefused:
        """Names the constraint, as the server does, and the rows, as far as foreign keys go."""
        said = re.sub(r"^database .*? at .*?: | \(SQLSTATE \w+\)$", "", fault.message)
        wanted = [key for key in statements.detail.keys if not self.task.only_missing or key.is_outgoing]
        rows = [f"{key.name}: {broken}" for key in wanted if (broken := self._broken(statements, key))]
        return self._refused("; ".join([said, *rows]))

    def _refused(self, why: str) -> SourceRefused:
        schema, name = self.task.table
        return SourceRefused(f"table {schema}.{name} can't be made equal to the restore point: {why}", NOTHING)

    def _broken(self, statements: Statements, key: ForeignKey) -> str:
        query = statements.broken(key, examples=False)
        count = self.session.row(query, LONG_S)["count"] if query else 0
        if not count:
            return ""
        found = self.session.rows(str(statements.broken(key, examples=True)), LONG_S)
        rows = "1 row" if count == 1 else f"{count:,} rows"
        return f"{rows} of {key.source} would refer to nothing in {key.target}: {', '.join(_key(row['key']) for row in found)}"

    # --- proving ---------------------------------------------------------------------------------------------------

    def _prove(self, statements: Statements, before: Mapping[str, int]) -> None:
        """Raises SourceRefused, which ends the transaction, when the table is not what it should be."""
        if self.task.only_missing:
            with all_schemas(self.session):
                after = self.session.row(statements.counts(), LONG_S)
            is_good = not after["missing"] and (after["extra"], after["changed"]) == (before["extra"], before["changed"])
        else:
            chosen = {column.name: column for column in statements.detail.model.columns}
            columns = tuple(chosen[name] for name in statements.columns)
            marks = [fingerprint(self.session, replace(one, columns=columns))[1] for one in statements.detail.relations]
            mark = added(marks)
            is_good = mark == self.staged.fingerprint
        if not is_good:
            raise self._refused("after the change it was not equal (does a trigger of an extension change rows?)")

    def _move_sequences(self, detail: Detail) -> list[str]:
        """Sequences go on from where they are, from where they were, or from the greatest number that is there, whichever
        is farther; never back. Their numbers do not come back when a transaction is undone, so that this comes last."""
        types = {column.name: column.type_name for column in detail.model.columns}
        moved: list[str] = []
        for one in sequences_of(self.session, detail):
            name = qualified(one["schema"], one["name"])
            now = self.session.row(f"SELECT CASE WHEN is_called THEN last_value END AS value FROM {name}")["value"]
            plain = self.session.row(
                f"SELECT quote_ident({literal(one['schema'])}) || '.' || quote_ident({literal(one['name'])}) AS n"
            )
            farthest = max if one["goes_up"] else min
            numbers = [self.sequences.get(plain["n"])]
            if types.get(one["column"]) in INTEGERS:
                query = f"SELECT {farthest.__name__}({identifier(one['column'])}) AS value FROM {detail.only}"
                numbers.append(self.session.row(query, LONG_S)["value"])
            fitting = [number for number in numbers if number is not None and one["least"] <= number <= one["most"]]
            if fitting and (now is None or farthest(now, *fitting) != now):
                self.session.execute(f"SELECT pg_catalog.setval({literal(name)}::regclass, {farthest(fitting)})")
                moved.append(f"{one['schema']}.{one['name']}")
        return list(dict.fromkeys(moved))


def equalised(session: Session, run: str) -> Equalised | None:
    """See TableServer."""
    exists = f"SELECT to_regclass({literal(qualified(kept_of(run), DONE))}) IS NOT NULL AS is_there"
    if not session.row(exists)["is_there"]:
        return None
    found = session.row(f"SELECT * FROM {qualified(kept_of(run), DONE)}")
    kept = kept_of(run) if found["has_rows"] else None
    numbers = found["inserted"], found["updated"], found["deleted"]
    return Equalised(*numbers, kept, tuple(json.loads(found["sequences"])))


def sweep(session: Session, now: str) -> tuple[str, ...]:
    """See TableServer."""
    schemas = session.rows(r"SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'axej\_kept\_%' ORDER BY 1")
    gone = []
    for row in schemas:
        note = qualified(row["name"], DONE)
        if not session.row(f"SELECT to_regclass({literal(note)}) IS NOT NULL AS is_there")["is_there"]:
            continue  # somebody else's
        if session.row(f"SELECT kept_until < {literal(now)}::timestamptz AS is_over FROM {note}")["is_over"]:
            session.execute(f"DROP SCHEMA {identifier(row['name'])} CASCADE")
            gone.append(row["name"])
    return tuple(gone)


def _state(fault: AxejError) -> str:
    found = re.search(r"\(SQLSTATE (\w+)\)$", fault.message)
    return found[1] if found else ""


def _key(text: str) -> str:
    """ROW(…)::text of a key: without the brackets when it is one plain value."""
    return text if "," in text else text[1:-1]
