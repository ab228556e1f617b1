"""The statements that compare a live table with the wanted rows, and make it equal to them.

A row is changed when its columns are not the same in every bit (record_image_ne, manual 9.25.6: no operator of the type is
asked, so that json, polygons and NaN can be compared too). Values of types that are not PostgreSQL's own are compared as they are
written, since their bits may differ for the same value. The order within the one statement that changes rows is held by
the counts that it asks for, so that a unique value is free before it is given again; foreign keys are looked at when all
of it is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.programs.postgres.catalog import FIRST_OWN_OID, Column
from axejournal.programs.postgres.session import identifier, literal, qualified
from axejournal.programs.postgres.table_catalog import Detail, ForeignKey

ROWS = "rows"  # the table with the wanted rows, and the one with the old content
DONE = "done"
SHOWN = 5
LIVE, WANTED = "axej_live", "axej_wanted"


def scratch_of(run: str) -> str:
    """The schema of the wanted rows."""
    return f"axej_restore_{run}"


def kept_of(run: str) -> str:
    """The schema of the old content, and of the note that the change was committed."""
    return f"axej_kept_{run}"


def listed(columns: tuple[str, ...], alias: str = "") -> str:
    """Columns as SQL writes a list of them."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + identifier(column) for column in columns)


def guarded(statement: str) -> str:
    """Runs a statement and looks at all constraints, deferred ones too; an error's message gets its detail, which names
    the key. What it changed is undone then."""
    body = f"""
        DECLARE said text; more text; state text;
        BEGIN
          EXECUTE {literal(statement)};
          SET CONSTRAINTS ALL IMMEDIATE;
        EXCEPTION WHEN OTHERS THEN
          GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, more = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE;
          RAISE EXCEPTION USING ERRCODE = state,
            MESSAGE = translate(said || CASE WHEN more <> '' THEN ': ' || more ELSE '' END, E'\\n', ' ');
        END"""
    return f"DO {literal(body)}"


@dataclass(frozen=True)
class Statements:
    """Of one live table and the wanted rows of one run. `columns`: those that are compared and written."""

    detail: Detail
    run: str
    columns: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """The table with the wanted rows."""
        return qualified(scratch_of(self.run), ROWS)

    @property
    def key(self) -> tuple[str, ...]:
        """By which rows are told apart; empty when the wanted rows don't have all of the primary key."""
        key = self.detail.live.key
        return key if set(key) <= set(self.columns) else ()

    @property
    def settable(self) -> tuple[str, ...]:
        """Columns that an UPDATE sets: all but those of the key that are GENERATED ALWAYS, which are equal anyway."""
        return tuple(one for one in self.columns if not (one in self.detail.always and one in self.key))

    @property
    def freed(self) -> tuple[str, ...]:
        """Columns whose GENERATED ALWAYS has to become BY DEFAULT, since only then an UPDATE may set them."""
        return tuple(one for one in self.detail.always if one in self.settable)

    # --- comparing -------------------------------------------------------------------------------------------------

    def counts(self) -> str:
        """missing, changed, extra, same."""
        if not self.key:
            return self._counts_without_key()
        return f"""
            SELECT count(*) FILTER (WHERE {LIVE}.tableoid IS NULL) AS missing,
                   count(*) FILTER (WHERE {WANTED}.tableoid IS NULL) AS extra,
                   count(*) FILTER (WHERE {self._both} AND {self._differs}) AS changed,
                   count(*) FILTER (WHERE {self._both} AND NOT {self._differs}) AS same
              FROM {self.wanted} AS {WANTED} FULL JOIN {self.detail.only} AS {LIVE} ON {self._match}"""

    def examples(self, what: str) -> str:
        """Some keys of the rows that are missing, changed or extra."""
        alias, condition = {
            "missing": (WANTED, f"{LIVE}.tableoid IS NULL"),
            "extra": (LIVE, f"{WANTED}.tableoid IS NULL"),
            "changed": (WANTED, f"{self._both} AND {self._differs}"),
        }[what]
        join = {"missing": "LEFT JOIN", "extra": "RIGHT JOIN", "changed": "JOIN"}[what]
        return f"""
            SELECT ROW({listed(self.key, alias)})::text AS key
              FROM {self.wanted} AS {WANTED} {join} {self.detail.only} AS {LIVE} ON {self._match}
             WHERE {condition} ORDER BY {listed(self.key, alias)} LIMIT {SHOWN}"""

    def _counts_without_key(self) -> str:
        """Equal rows are counted against each other."""
        row = f"ROW({listed(self.columns, 'one')})::text"
        hashed = f"pg_catalog.sha256(pg_catalog.convert_to({row}, 'UTF8'))"
        return f"""
            SELECT coalesce(sum(greatest(w - l, 0)), 0)::bigint AS missing, 0 AS changed,
                   coalesce(sum(greatest(l - w, 0)), 0)::bigint AS extra, coalesce(sum(least(l, w)), 0)::bigint AS same
              FROM (SELECT hash, sum(w) AS w, sum(l) AS l
                      FROM (SELECT {hashed} AS hash, 1 AS w, 0 AS l FROM {self.wanted} AS one
                            UNION ALL
                            SELECT {hashed}, 0, 1 FROM {self.detail.only} AS one) AS both_sides
                     GROUP BY hash) AS counted"""

    # --- changing --------------------------------------------------------------------------------------------------

    def equalise(self, note: str) -> str:
        """Deletes, updates, inserts, and notes how many in `note`."""
        if not self.key:
            deleted = f"DELETE FROM {self.detail.only} RETURNING 1"
            return self._noted(note, deleted, "", self._insert("", "axej_deleted"))
        absent = f"NOT EXISTS (SELECT FROM {self.wanted} AS {WANTED} WHERE {self._match})"
        deleted = f"DELETE FROM {self.detail.only} AS {LIVE} WHERE {absent} RETURNING 1"
        inserted = self._insert(self._not_there, "axej_updated" if self.settable else "axej_deleted")
        return self._noted(note, deleted, self._update() if self.settable else "", inserted)

    def replace_changed(self, note: str) -> str:
        """The same, with changed rows deleted and inserted, so that they may exchange unique values."""
        gone = f"NOT EXISTS (SELECT FROM {self.wanted} AS {WANTED} WHERE {self._match} AND NOT {self._differs})"
        stays = f"EXISTS (SELECT FROM {self.detail.only} AS {LIVE} WHERE {self._match} AND NOT {self._differs})"
        deleted = f"DELETE FROM {self.detail.only} AS {LIVE} WHERE {gone} RETURNING 1"
        return self._noted(note, deleted, "", self._insert(f"NOT {stays}", "axej_deleted"))

    def insert_missing(self, note: str) -> str:
        """Inserts what is not there, and touches nothing else."""
        return self._noted(note, "", "", self._insert(self._not_there, ""))

    def _update(self) -> str:
        pairs = ", ".join(f"{identifier(one)} = {WANTED}.{identifier(one)}" for one in self.settable)
        return (
            f"UPDATE {self.detail.only} AS {LIVE} SET {pairs} FROM {self.wanted} AS {WANTED} "
            f"WHERE {self._match} AND {self._differs} AND (SELECT count(*) FROM axej_deleted) >= 0 RETURNING 1"
        )

    def _insert(self, condition: str, after: str) -> str:
        columns = f"({listed(self.columns)}) " if self.columns else ""
        conditions = [one for one in (condition, f"(SELECT count(*) FROM {after}) >= 0" if after else "") if one]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        source = f"SELECT {listed(self.columns, WANTED)} FROM {self.wanted} AS {WANTED}{where}"
        return f"INSERT INTO {self.detail.full_name} {columns}OVERRIDING SYSTEM VALUE {source} RETURNING 1"

    def _noted(self, note: str, deleted: str, updated: str, inserted: str) -> str:
        parts = {"axej_deleted": deleted, "axej_updated": updated, "axej_inserted": inserted}
        named = ", ".join(f"{name} AS ({text})" for name, text in parts.items() if text)
        numbers = (f"(SELECT count(*) FROM {name})" if text else "0" for name, text in parts.items())
        return f"WITH {named} UPDATE {note} SET (deleted, updated, inserted) = (SELECT {', '.join(numbers)})"

    # --- proving ---------------------------------------------------------------------------------------------------

    def broken(self, key: ForeignKey, examples: bool) -> str | None:
        """Rows that would refer to nothing by a foreign key once the wanted rows are in place; None when it has a column
        that the wanted rows don't have."""
        mine = [one for one, _, _ in key.columns] if key.is_outgoing else []
        theirs = [two for _, two, _ in key.columns] if key.is_incoming else []
        if not set(mine) | set(theirs) <= set(self.columns):
            return None
        source = self.wanted if key.is_outgoing else key.source
        target = self.wanted if key.is_incoming else key.target
        refers = " AND ".join(f"two.{identifier(b)} {op} one.{identifier(a)}" for a, b, op in key.columns)
        given = " AND ".join(f"one.{identifier(a)} IS NOT NULL" for a, _, _ in key.columns)
        now = f"AND EXISTS (SELECT FROM {key.target} AS two WHERE {refers})" if not key.is_outgoing else ""
        which = f"FROM {source} AS one WHERE {given} {now} AND NOT EXISTS (SELECT FROM {target} AS two WHERE {refers})"
        if not examples:
            return f"SELECT count(*) AS count {which}"
        return f"SELECT DISTINCT ROW({listed(tuple(a for a, _, _ in key.columns), 'one')})::text AS key {which} LIMIT {SHOWN}"

    # --- parts -----------------------------------------------------------------------------------------------------

    @property
    def _match(self) -> str:
        pairs = zip(self.key, self.detail.equals, strict=True)
        return " AND ".join(f"{LIVE}.{identifier(one)} {equals} {WANTED}.{identifier(one)}" for one, equals in pairs)

    @property
    def _both(self) -> str:
        return f"{LIVE}.tableoid IS NOT NULL AND {WANTED}.tableoid IS NOT NULL"

    @property
    def _differs(self) -> str:
        known = {column.name: column for column in self.detail.model.columns}
        sides = (", ".join(_comparable(known[one], alias) for one in self.columns) for alias in (LIVE, WANTED))
        # `ROW(…) *<> ROW(…)` asks the operators of each column
        return "pg_catalog.record_image_ne(ROW({}), ROW({}))".format(*sides)

    @property
    def _not_there(self) -> str:
        return f"NOT EXISTS (SELECT FROM {self.detail.only} AS {LIVE} WHERE {self._match})"


def _comparable(column: Column, alias: str) -> str:
    value = f"{alias}.{identifier(column.name)}"
    return value if column.type_oid < FIRST_OWN_OID or column.kind == "e" else f"ROW({value})::text"
