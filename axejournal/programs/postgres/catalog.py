"""What a database holds, asked of its catalog in one snapshot: tables, their columns, extensions, large objects."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from axejournal.domain.errors import AxejError
from axejournal.programs.postgres.session import Session, identifier, qualified

METHOD = "1"
"""Of the fingerprint below. Fingerprints of different methods can't be compared."""

FINGERPRINT_SETTINGS: Mapping[str, str] = {  # of everything that changes how a value is written
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "quote_all_identifiers": "off",
}
BYTEA = 17
NAMES = frozenset((24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191))
"""Types whose values are written as search_path says: regclass, regtype and the like."""
FIRST_OWN_OID = 16384  # below: PostgreSQL's own types, whose casts only a superuser can change
LOCKED_AT_ONCE = 500
NULL = r"E'\x1f'"

RELATIONS = """
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
       c.relpersistence = 'u' AS is_unlogged, config.condition AS condition,
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
       OR EXISTS (SELECT FROM pg_statistic_ext AS s WHERE s.stxrelid = c.oid) AS has_expressions,
       (SELECT json_agg(json_build_array(a.attname, a.atttypid::bigint, t.typtype, format_type(a.atttypid, a.atttypmod))
                        ORDER BY a.attnum)
          FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  LEFT JOIN LATERAL (SELECT configured.condition
                       FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS configured (relation, condition)
                      WHERE e.oid = d.refobjid AND configured.relation = c.oid) AS config ON true
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND (d.objid IS NULL OR config.condition IS NOT NULL)
"""
"""Every table whose rows pg_dump takes, and partitioned parents, which have none. Tables of extensions belong to them,
but for those that an extension calls configuration (manual, 38.17.3): of these the rows that its condition chooses."""

DATABASE = """
SELECT row_to_json(d) AS database, pg_encoding_to_char(d.encoding) AS encoding,
       pg_is_in_recovery() AS is_standby, pg_database_size(d.oid) AS size_bytes,
       (SELECT json_agg(e.extname || ' ' || e.extversion ORDER BY e.extname) FROM pg_extension AS e) AS extensions,
       (SELECT count(*) FROM pg_largeobject_metadata) AS large_objects,
       has_table_privilege('pg_largeobject', 'SELECT') AS may_read_large_objects
  FROM pg_database AS d WHERE d.datname = current_database()
"""
LARGE_OBJECT_BYTES = """
SELECT coalesce(sum(size), 0)::bigint AS size_bytes
  FROM (SELECT max(pageno::bigint * (current_setting('block_size')::int / 4) + octet_length(data)) AS size
          FROM pg_largeobject GROUP BY loid) AS sizes
"""


ALL_SCHEMAS = """
SELECT pg_catalog.set_config('search_path', concat_ws(', ',
         (SELECT nullif(nullif(reset_val, '""'), '') FROM pg_settings WHERE name = 'search_path'),
         (SELECT string_agg(quote_ident(nspname), ', ' ORDER BY nspname <> 'public', nspname) FROM pg_namespace
           WHERE nspname !~ '^(pg|axej)_' AND nspname <> 'information_schema')), false)
"""


@dataclass(frozen=True)
class Column:
    """A column that a dump holds (generated ones are computed again). `kind`: pg_type.typtype."""

    name: str
    type_oid: int
    kind: str
    type_name: str


@dataclass(frozen=True)
class Relation:
    """A table. `kind`: r, or p for a partitioned parent; `condition`: which rows are dumped ("" for all)."""

    oid: int
    schema: str
    name: str
    kind: str
    is_unlogged: bool
    condition: str
    columns: tuple[Column, ...]
    has_expressions: bool = False  # of indexes: a query's planner looks into their functions

    @property
    def full_name(self) -> str:
        """As SQL writes it."""
        return qualified(self.schema, self.name)

    @property
    def needs_path(self) -> bool:
        """Whether a query of it works only inside `all_schemas`, perhaps, and gives the same there."""
        return self.has_expressions and not any(column.type_oid in NAMES for column in self.columns)

    @property
    def digest(self) -> str:
        """Of the fingerprint's method and of the columns in the order of the data file: see ports.Table.columns."""
        text = "\n".join([self.condition, *(f"{column.name!r} {column.type_name!r}" for column in self.columns)])
        return f"{METHOD}-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


@dataclass(frozen=True)
class Catalog:
    """A database in one snapshot. `large_object_bytes`: None when the role may not look."""

    relations: tuple[Relation, ...]
    encoding: str
    collation: str
    extensions: tuple[str, ...]
    large_objects: int
    large_object_bytes: int | None
    is_standby: bool
    size_bytes: int


def read_catalog(session: Session) -> Catalog:
    """The database of a session, in the session's snapshot. Raises what Session.rows raises."""
    found = session.row(DATABASE)
    is_looked = found["large_objects"] and found["may_read_large_objects"]
    return Catalog(
        relations=read_relations(session),
        encoding=found["encoding"],
        collation=_collation(found["database"]),
        extensions=tuple(found["extensions"] or ()),
        large_objects=found["large_objects"],
        large_object_bytes=session.row(LARGE_OBJECT_BYTES)["size_bytes"] if is_looked else None,
        is_standby=found["is_standby"],
        size_bytes=found["size_bytes"],
    )


def read_relations(session: Session) -> tuple[Relation, ...]:
    """The tables, by schema and name."""
    made = [
        Relation(
            row["oid"],
            row["schema"],
            row["name"],
            row["kind"],
            row["is_unlogged"],
            row["condition"] or "",
            tuple(Column(*column) for column in row["columns"] or ()),
            row["has_expressions"],
        )
        for row in session.rows(RELATIONS)
    ]
    return tuple(sorted(made, key=lambda relation: (relation.schema, relation.name)))


@contextlib.contextmanager
def all_schemas(session: Session) -> Iterator[None]:
    """Inside, functions of users that name no schema find what applications let them find: the database's own search_path,
    then all its schemas. Whatever axej itself calls inside has its schema."""
    session.execute(ALL_SCHEMAS)
    try:
        yield
    finally:
        with contextlib.suppress(AxejError):  # a transaction that failed puts the setting back itself
            session.set({"search_path": ""})


def fingerprint_query(relation: Relation) -> str:
    """Counts a table's own rows and adds up a 64-bit hash of each: the order of rows does not matter, nor that of columns
    (a restore may give an inherited table another one). Needs FINGERPRINT_SETTINGS; all that it calls is PostgreSQL's own,
    whatever search_path says.

    No code of a user's runs in it: values of types that are not PostgreSQL's own are written as parts of a record, since
    the owner of a type, and that of a table for its whole rows, may define a cast to text, which would run with the
    rights of the backup's role.
    """
    value = "0"
    for column in sorted(relation.columns, key=lambda column: column.name.encode("utf-8", "surrogateescape")):
        text = f'coalesce({_text(column)}, {NULL}) COLLATE "C"'
        value = f"pg_catalog.hashtextextended({text}, {value})"  # its seed: the one before
    return (
        f'SELECT pg_catalog.count(*) AS "rows", coalesce(pg_catalog.sum({value}), 0)::text AS "sum" '
        f"FROM ONLY {relation.full_name} AS axej_table {relation.condition}"
    )


def _text(column: Column) -> str:
    value = f"axej_table.{identifier(column.name)}"
    if column.type_oid == BYTEA:
        return f"pg_catalog.sha256({value})::text"  # 8 times faster than 2 hex digits a byte (measured)
    is_plain = column.type_oid < FIRST_OWN_OID and column.kind in ("b", "r", "m")
    return f"{value}::text" if is_plain else f"ROW({value})::text"


def _collation(database: Mapping[str, Any]) -> str:
    """How the database sorts: "C", "ko_KR.UTF-8", "icu ko-KR", "builtin C.UTF-8"."""
    names = {"i": "icu", "b": "builtin"}
    provider = names.get(database.get("datlocprovider", "c"))
    if provider is not None:
        return f"{provider} {database.get('datlocale') or database.get('daticulocale')}"
    both = (database["datcollate"], database["datctype"])
    return "/".join(dict.fromkeys(both))


def locks(relations: tuple[Relation, ...]) -> tuple[str, ...]:
    """Statements that keep these tables from being changed in form, emptied by TRUNCATE or dropped."""
    names = [f"ONLY {relation.full_name}" for relation in relations]
    parts = (names[begin : begin + LOCKED_AT_ONCE] for begin in range(0, len(names), LOCKED_AT_ONCE))
    return tuple(f"LOCK TABLE {', '.join(part)} IN ACCESS SHARE MODE" for part in parts)
