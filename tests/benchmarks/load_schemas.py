"""The reference load's five databases: tables, rows as SQL over a counter, keys, and what a *scatter* night changes.

`hashint8extended(i, :seed)` is the random number: it depends on the counter alone, whatever plan the server chooses.
psql fills in :seed, :night and :n_TABLE (the scaled number of rows). Blobs are SHA-512 of counters: incompressible.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rows:
    """A table's rows: how many at scale 1, and the select list over the counter `i`. A table that doesn't grow is
    master data: a *tail* night appends nothing to it."""

    table: str
    count: int
    select: str
    grows: bool = True


@dataclass(frozen=True)
class Schema:
    """One database. `keys` come after the rows, as a restore would do it; `scatter` updates one row in a hundred."""

    tables: str
    rows: tuple[Rows, ...]
    keys: str
    scatter: str


FRAME = Schema(
    tables="""
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, created_at timestamptz);
        CREATE TABLE settings (key text PRIMARY KEY, value jsonb NOT NULL);
        CREATE TABLE events (id bigint NOT NULL, user_id int NOT NULL, kind text NOT NULL, at timestamptz NOT NULL,
            payload jsonb);
    """,
    rows=(
        Rows(
            "users",
            2_000,
            """i, 'user' || i || '@axe.example', initcap(substr(md5(i::text), 1, 8)),
               timestamptz '2024-01-01+09' + i * interval '1 hour'""",
            grows=False,
        ),
        Rows(
            "settings",
            500,
            "'setting.' || i, jsonb_build_object('on', i % 2 = 0, 'limit', i * 10, 'note', md5(i::text))",
            grows=False,
        ),
        Rows(
            "events",
            1_000_000,
            """i, 1 + abs(hashint8extended(i, :seed) % :n_users), (array['login','post','edit','close','void'])[1 + i % 5],
               timestamptz '2025-01-01+09' + i * interval '17 seconds',
               jsonb_build_object('amount', abs(hashint8extended(i, :seed + 1) % 10000000),
                                  'ref', substr(md5((i # :seed)::text), 1, 12))""",
        ),
    ),
    keys="""
        ALTER TABLE events ADD PRIMARY KEY (id), ADD FOREIGN KEY (user_id) REFERENCES users;
        CREATE INDEX events_of_user ON events (user_id, at);
        CREATE INDEX events_by_time ON events (at);
    """,
    scatter="""
        UPDATE events SET payload = payload || jsonb_build_object('night', :night)
        WHERE hashint8extended(id, :night) % 100 = 0;
    """,
)

HIVE = Schema(
    tables="""
        CREATE TABLE readings (id bigint NOT NULL, sensor int NOT NULL, at timestamptz NOT NULL, value float8 NOT NULL,
            ok boolean NOT NULL);
    """,
    rows=(
        Rows(
            "readings",
            1_000_000,
            """i, i % 200, timestamptz '2026-01-01+09' + i * interval '5 seconds',
               (hashint8extended(i, :seed) % 1000000) / 1000.0, hashint8extended(i, :seed) % 50 <> 0""",
        ),
    ),
    keys="ALTER TABLE readings ADD PRIMARY KEY (id); CREATE INDEX readings_of_sensor ON readings (sensor, at);",
    scatter="UPDATE readings SET value = value + 1 WHERE hashint8extended(id, :night) % 100 = 0;",
)

BLUEPRINT = Schema(
    tables="""
        CREATE TABLE documents (id int NOT NULL, title text NOT NULL, body text NOT NULL, meta jsonb NOT NULL);
        CREATE TABLE tags (id int NOT NULL, document int NOT NULL, tag text NOT NULL);
    """,
    rows=(
        Rows(
            "documents",
            40_000,
            """i, 'Document ' || i,
               (SELECT string_agg(md5((i::bigint * 100 + k # :seed)::text), ' ') FROM generate_series(1, 30) AS k),
               jsonb_build_object('words', 30, 'language', (array['ko','en'])[1 + i % 2])""",
        ),
        Rows(
            "tags",
            100_000,
            """i, 1 + abs(hashint8extended(i, :seed) % :n_documents),
               'tag-' || abs(hashint8extended(i, :seed + 1) % 400)""",
        ),
    ),
    keys="""
        ALTER TABLE documents ADD PRIMARY KEY (id);
        ALTER TABLE tags ADD PRIMARY KEY (id), ADD FOREIGN KEY (document) REFERENCES documents;
        CREATE INDEX tags_by_name ON tags (tag);
    """,
    scatter="""
        UPDATE documents SET body = md5(body) || substr(body, 33) WHERE hashint8extended(id, :night) % 100 = 0;
        UPDATE tags SET tag = 'tag-' || :night WHERE hashint8extended(id, :night) % 100 = 0;
    """,
)

MYSRT = Schema(
    tables="""
        CREATE TABLE transactions (id bigint NOT NULL, account int NOT NULL, amount numeric(14, 2) NOT NULL,
            at timestamptz NOT NULL, memo text);
    """,
    rows=(
        Rows(
            "transactions",
            300_000,
            """i, abs(hashint8extended(i, :seed) % 5000), (hashint8extended(i, :seed + 1) % 100000000) / 100.0,
               timestamptz '2026-01-01+09' + i * interval '31 seconds',
               'SRT ' || 300 + i % 70 || ' ' || substr(md5((i # :seed)::text), 1, 16)""",
        ),
    ),
    keys="ALTER TABLE transactions ADD PRIMARY KEY (id); CREATE INDEX transactions_of ON transactions (account, at);",
    scatter="UPDATE transactions SET amount = amount + 1 WHERE hashint8extended(id, :night) % 100 = 0;",
)

INDEX = Schema(
    tables="""
        CREATE TABLE kinds (id int PRIMARY KEY, name text NOT NULL);
        CREATE TABLE evidence_blob (id int NOT NULL, body bytea NOT NULL,
            sha256 bytea GENERATED ALWAYS AS (sha256(body)) STORED);
        CREATE TABLE entries (id int NOT NULL, blob int NOT NULL, kind int NOT NULL, path text NOT NULL, meta jsonb NOT NULL);
    """,
    rows=(
        Rows("kinds", 200, "i, 'kind ' || i", grows=False),
        Rows(
            "evidence_blob",
            3_072,
            """i, (SELECT string_agg(sha512(int8send((:seed::bigint << 32) + i * 1600 + k)), ''::bytea)
                   FROM generate_series(0, 1599) AS k)""",
        ),
        Rows(
            "entries",
            50_000,
            """i, 1 + abs(hashint8extended(i, :seed) % :n_evidence_blob), 1 + i % :n_kinds,
               '/OneDrive/deals/' || i % 100 || '/' || md5(i::text) || '.pdf', jsonb_build_object('page', i % 40)""",
        ),
    ),
    keys="""
        ALTER TABLE evidence_blob ADD PRIMARY KEY (id);
        ALTER TABLE entries ADD PRIMARY KEY (id), ADD FOREIGN KEY (blob) REFERENCES evidence_blob,
            ADD FOREIGN KEY (kind) REFERENCES kinds;
        CREATE INDEX entries_by_path ON entries (path);
    """,
    scatter="""
        UPDATE evidence_blob SET body = sha512(int8send(:night)) || substr(body, 65) WHERE hashint8extended(id, :night) % 100 = 0;
        UPDATE entries SET meta = meta || jsonb_build_object('night', :night) WHERE hashint8extended(id, :night) % 100 = 0;
    """,
)

SCHEMAS = {"index": INDEX, "frame": FRAME, "hive": HIVE, "mysrt": MYSRT, "blueprint": BLUEPRINT}
"""By database name, the longest to load and to dump first: two are worked on at once."""
