"""What a live table is made of, as far as a restore of its rows asks: columns, key, partitions, whatever acts on a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axejournal.domain.ports.tables import LiveTable, Name
from axejournal.programs.postgres.catalog import Relation, read_relations
from axejournal.programs.postgres.session import Session, identifier, literal, qualified

OTHERS = ("c", "n", "d")  # ON DELETE or ON UPDATE: cascade, set null, set default: they change rows of other tables

TABLE = """
SELECT c.oid::bigint AS oid, c.relkind AS kind, pg_has_role(c.relowner, 'USAGE') AS is_owner,
       pg_total_relation_size(c.oid) AS size_bytes,
       has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
         AND has_table_privilege(c.oid, 'SELECT') AS may_write,
       has_database_privilege(current_database(), 'CREATE') AS may_create,
       (SELECT json_agg(json_build_array(n2.nspname, c2.relname, t.isleaf) ORDER BY t.level, n2.nspname, c2.relname)
          FROM pg_partition_tree(c.oid) AS t JOIN pg_class AS c2 ON c2.oid = t.relid
          JOIN pg_namespace AS n2 ON n2.oid = c2.relnamespace) AS tree,
       (SELECT json_agg(a.attname ORDER BY k.place)
          FROM pg_index AS i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place), pg_attribute AS a
         WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.number) AS key,
       (SELECT json_agg(json_build_array(n3.nspname, o.oprname) ORDER BY k.place)
          FROM pg_index AS i, unnest(i.indclass::oid[]) WITH ORDINALITY AS k (class, place), pg_opclass AS oc, pg_amop AS ao,
               pg_operator AS o, pg_namespace AS n3
         WHERE i.indrelid = c.oid AND i.indisprimary AND oc.oid = k.class AND ao.amopfamily = oc.opcfamily
           AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 3
           AND o.oid = ao.amopopr AND n3.oid = o.oprnamespace) AS equals,
       (SELECT json_agg(json_build_array(a.attname, a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attidentity)
                        ORDER BY a.attnum)
          FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname = {schema} AND c.relname = {name}
"""
TREE = "SELECT relid FROM pg_partition_tree({oid}::regclass) UNION SELECT {oid}::regclass"
TRIGGERS = """
SELECT n.nspname AS schema, c.relname AS name, t.tgname AS trigger, t.tgenabled AS enabled
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_partition_tree({oid}::regclass) AS tree ON tree.relid = c.oid
 WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND c.oid IN ({tree})
 ORDER BY tree.level, 1, 2, 3
"""
RULES = """
SELECT n.nspname AS schema, c.relname AS name, r.rulename AS rule, r.ev_enabled AS enabled
  FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE r.ev_type IN ('2', '3', '4') AND r.ev_enabled IN ('O', 'A') AND c.oid IN ({tree}) ORDER BY 1, 2, 3
"""
FOREIGN_KEYS = """
SELECT con.conname AS name, con.confdeltype AS on_delete, con.confupdtype AS on_update,
       con.conrelid IN ({tree}) AS is_outgoing, con.confrelid IN ({tree}) AS is_incoming,
       n1.nspname AS from_schema, c1.relname AS from_name, c1.relkind AS from_kind,
       n2.nspname AS to_schema, c2.relname AS to_name, c2.relkind AS to_kind,
       (SELECT json_agg(json_build_array(a1.attname, a2.attname, n3.nspname, o.oprname) ORDER BY u.place)
          FROM unnest(con.conkey, con.confkey, con.conpfeqop) WITH ORDINALITY AS u (one, two, operator, place)
          JOIN pg_attribute AS a1 ON a1.attrelid = con.conrelid AND a1.attnum = u.one
          JOIN pg_attribute AS a2 ON a2.attrelid = con.confrelid AND a2.attnum = u.two
          JOIN pg_operator AS o ON o.oid = u.operator JOIN pg_namespace AS n3 ON n3.oid = o.oprnamespace) AS columns
  FROM pg_constraint AS con
  JOIN pg_class AS c1 ON c1.oid = con.conrelid JOIN pg_namespace AS n1 ON n1.oid = c1.relnamespace
  JOIN pg_class AS c2 ON c2.oid = con.confrelid JOIN pg_namespace AS n2 ON n2.oid = c2.relnamespace
 WHERE con.contype = 'f' AND con.conparentid = 0 AND (con.conrelid IN ({tree}) OR con.confrelid IN ({tree}))
 ORDER BY con.conname
"""
SEQUENCES = """
SELECT DISTINCT n.nspname AS schema, s.relname AS name, a.attname AS "column",
       q.seqincrement > 0 AS goes_up, q.seqmin AS least, q.seqmax AS most
  FROM pg_class AS s JOIN pg_namespace AS n ON n.oid = s.relnamespace JOIN pg_sequence AS q ON q.seqrelid = s.oid
  JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
  JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE d.objid = s.oid AND d.deptype IN ('a', 'i') AND d.refobjid IN ({tree}) AND d.refobjsubid > 0
UNION
SELECT DISTINCT n.nspname, s.relname, a.attname, q.seqincrement > 0, q.seqmin, q.seqmax
  FROM pg_attrdef AS def JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = def.oid
  JOIN pg_class AS s ON d.refclassid = 'pg_class'::regclass AND s.oid = d.refobjid AND s.relkind = 'S'
  JOIN pg_namespace AS n ON n.oid = s.relnamespace JOIN pg_sequence AS q ON q.seqrelid = s.oid
  JOIN pg_attribute AS a ON a.attrelid = def.adrelid AND a.attnum = def.adnum
 WHERE def.adrelid IN ({tree})
"""


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key from or to the table. `columns`: (of the one that refers, of the one referred to, the operator)."""

    name: str
    source: str
    target: str
    is_outgoing: bool
    is_incoming: bool
    acts: bool  # changes rows of the one that refers, when those referred to go
    columns: tuple[tuple[str, str, str], ...]

    @property
    def is_own(self) -> bool:
        """Whether the table refers to itself."""
        return self.is_outgoing and self.is_incoming


@dataclass(frozen=True)
class Detail:
    """A live table, with everything that acts on a change of its rows. `equals`: the key's operators; `always`: columns
    that are GENERATED ALWAYS AS IDENTITY; `disable`/`enable`: statements that put triggers and rules to rest, and back."""

    live: LiveTable
    oid: int
    relations: tuple[Relation, ...]  # those that hold rows: itself, or its partitions
    model: Relation  # as if it were one table
    equals: tuple[str, ...]
    always: tuple[str, ...]
    keys: tuple[ForeignKey, ...]
    disable: tuple[str, ...]
    enable: tuple[str, ...]
    has_rules: bool

    @property
    def full_name(self) -> str:
        """As SQL writes it."""
        return qualified(self.live.schema, self.live.name)

    @property
    def only(self) -> str:
        """The same without tables that inherit from it, which are tables of their own; partitions are the table's."""
        return self.full_name if self.live.is_partitioned else f"ONLY {self.full_name}"


def read_detail(session: Session, table: Name) -> Detail | None:
    """The table, or None when there is none."""
    found = session.rows(TABLE.format(schema=literal(table[0]), name=literal(table[1])))
    if not found:
        return None
    row = found[0]
    relations = {(one.schema, one.name): one for one in read_relations(session)}
    leaves = [(schema, name) for schema, name, is_leaf in row["tree"] or () if is_leaf] or [table]
    where = {"oid": row["oid"], "tree": TREE.format(oid=row["oid"])}
    model = relations.get(table)
    keys = tuple(_foreign_key(one) for one in session.rows(FOREIGN_KEYS.format(**where)))
    triggers, rules = session.rows(TRIGGERS.format(**where)), session.rows(RULES.format(**where))
    columns = tuple(column.name for column in model.columns) if model else ()
    attributes = row["attributes"] or ()
    always = tuple(name for name, _, identity in attributes if identity == "a")
    live = LiveTable(
        schema=table[0],
        name=table[1],
        columns=columns,
        key=tuple(row["key"] or ()),
        partitions=tuple(leaf for leaf in leaves if leaf != table),
        is_partitioned=row["kind"] == "p",
        unfillable=tuple(name for name, is_needed, _ in attributes if is_needed and name in columns),
        referenced_by=tuple(f"{key.name} of {key.source}" for key in keys if key.is_incoming),
        lacking=_lacking(row, bool(triggers or rules or always)),
        is_partial=model is None or bool(model.condition),
        size_bytes=row["size_bytes"],
    )
    return Detail(
        live=live,
        oid=row["oid"],
        relations=tuple(relations[leaf] for leaf in leaves if leaf in relations and relations[leaf].kind == "r"),
        model=model or Relation(row["oid"], *table, "r", False, "", ()),
        equals=tuple(f"OPERATOR({identifier(schema)}.{name})" for schema, name in row["equals"] or ()),
        always=always,
        keys=keys,
        disable=tuple(_switch(one, "DISABLE") for one in (*triggers, *rules)),
        enable=tuple(_switch(one, "ENABLE ALWAYS" if one["enabled"] == "A" else "ENABLE") for one in (*triggers, *rules)),
        has_rules=bool(rules),
    )


def _lacking(row: dict[str, Any], is_altered: bool) -> tuple[str, ...]:
    wanted = (
        (row["may_write"], "SELECT, INSERT, UPDATE, DELETE on the table"),
        (row["may_create"], "CREATE on the database"),
        (row["is_owner"] or not is_altered, "ownership of the table (its triggers must rest meanwhile)"),
    )
    return tuple(right for has, right in wanted if not has)


def _switch(one: dict[str, Any], how: str) -> str:
    kind, name = ("TRIGGER", one["trigger"]) if "trigger" in one else ("RULE", one["rule"])
    return f"ALTER TABLE ONLY {qualified(one['schema'], one['name'])} {how} {kind} {identifier(name)}"


def _foreign_key(row: dict[str, Any]) -> ForeignKey:
    return ForeignKey(
        name=row["name"],
        source=_only(row, "from"),
        target=_only(row, "to"),
        is_outgoing=row["is_outgoing"],
        is_incoming=row["is_incoming"],
        acts=row["on_delete"] in OTHERS or row["on_update"] in OTHERS,
        columns=tuple((one, two, f"OPERATOR({identifier(schema)}.{op})") for one, two, schema, op in row["columns"]),
    )


def _only(row: dict[str, Any], side: str) -> str:
    return qualified(row[f"{side}_schema"], row[f"{side}_name"])


def sequences_of(session: Session, detail: Detail) -> list[dict[str, Any]]:
    """Sequences that the table's columns draw from: owned, of an identity, or named in a default."""
    return session.rows(SEQUENCES.format(tree=TREE.format(oid=detail.oid)))
