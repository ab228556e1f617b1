"""What is in the demo's five databases: the operator's schemas with believable Korean and English data, the same every time.

frame (accounting: 200,000 journal lines, balanced), blueprint (workspaces, documents), hive (a schema a tenant: employees,
leave, payroll), mysrt (users, jobs, push subscriptions), index (evidence blobs, 57 MB that don't compress). The server
makes the rows; each database's SQL is in sql/.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

from axejournal.demo.server import DemoServer

DATABASES = ("frame", "blueprint", "hive", "mysrt", "index")
ENTITIES = ("axec", "axev")  # frame's; hive's tenants too
_BY_WORK = ("index", "frame", "blueprint", "hive", "mysrt")  # two at once, the longest first


def load(server: DemoServer, say: Callable[[str], None] = lambda _: None) -> None:
    """Makes and fills the five databases; says each name when it is done. The server must not have them yet."""
    with ThreadPoolExecutor(2) as pool:
        for name in pool.map(lambda name: _make(server, name), _BY_WORK):
            say(name)


def pass_a_day(server: DemoServer, day: int = 1) -> None:
    """A working day: 400 journal entries, some documents, leaves and jobs, 60 blobs of evidence (6 MB); 2 % of jobs move on.

    Days are numbered from 1, each once, in order.
    """
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda name: server.sql(name, f"\\set day {int(day)}\n{_script('common')}{_script(f'{name}-day')}"), _BY_WORK
            )
        )


def row_counts(server: DemoServer, database: str) -> dict[str, int]:
    """Rows of every table, by `schema.table`."""
    tables = server.sql(
        database, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
    )
    counted = "; ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables.split())
    rows = (line.split("\t") for line in server.sql(database, counted).splitlines())
    return {table: int(count) for table, count in rows}


def integrity_problems(server: DemoServer, entity: str) -> tuple[str, ...]:
    """What does not hold in an entity's ledger; nothing when all is well."""
    if entity not in ENTITIES:
        raise ValueError(f"no such entity: {entity}")
    found = server.sql("frame", f"SELECT found, problem FROM integrity_check('{entity}') WHERE found <> 0")
    return tuple(line.replace("\t", " ") for line in found.splitlines())


def damage_ledger(server: DemoServer) -> None:
    """A migration gone wrong: some debits are ten times what they were, some lines are gone."""
    server.sql(
        "frame",
        "UPDATE journal_line SET debit = debit * 10 WHERE entry % 1000 = 7 AND debit > 0;"
        "DELETE FROM journal_line WHERE entry BETWEEN 500 AND 510;",
    )


def _make(server: DemoServer, name: str) -> str:
    server.sql("postgres", f"CREATE DATABASE {name} TEMPLATE template0")
    server.sql(name, f"BEGIN;\n{_script('common')}{_script(name)}COMMIT;\nANALYZE;")
    return name


def _script(name: str) -> str:
    return (files("axejournal.demo") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
