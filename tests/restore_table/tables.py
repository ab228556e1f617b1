"""A backed up database whose tables are damaged and restored, and what must be true of it then."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.contract.database_servers import by_socket, contents
from tests.world.home import Done, World
from tests.world.postgres import Row, clean_environment

Mark = tuple[int, str]


@dataclass(frozen=True)
class Restores:
    """The world and its database `frame`."""

    world: World
    database: str

    def sql(self, statement: str) -> list[Row]:
        """In the database."""
        return self.world.server.sql(self.database, statement)

    def restore(self, table: str, *words: str, expect: int = 0, kill_at: str = "") -> Done:
        """`axej restore --table TABLE --yes`."""
        return self.world.axej("restore", "--table", table, *words, "--yes", expect=expect, kill_at=kill_at)

    def state(self) -> tuple[dict[tuple[str, str], Mark], str]:
        """Rows and fingerprints of all tables, and the schema as pg_dump writes it; without what restores keep."""
        tables = by_socket(self.world.server, self.world.folder).fingerprints(self.database)
        found = {name: mark for name, mark in contents(tables).items() if not name[0].startswith("axej_")}
        return found, self.schema()

    def schema(self) -> str:
        """The whole schema, as pg_dump writes it."""
        server = self.world.server
        environment = clean_environment() | {"PGHOST": str(server.socket_dir), "PGPORT": str(server.port), "PGUSER": server.user}
        words = [str(server.bin_dir / "pg_dump"), "--schema-only", "--exclude-schema=axej_*", self.database]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.MULTILINE)

    def schemas(self) -> list[str]:
        """Schemas of axej's in the database."""
        rows = self.sql(r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'axej\_%' ORDER BY 1")
        return [str(row[0]) for row in rows]

    def last_run(self) -> dict[str, Any]:
        """The newest run."""
        return self.world.json("history", "--limit", "1")[0]

    def fact(self, name: str) -> dict[str, Any]:
        """The newest run's newest fact of that name."""
        run = self.last_run()["run"]
        events = json.loads(self.world.axej("history", run, "--json", expect=0).stdout)["events"]
        return next(event["data"] for event in reversed(events) if event["name"] == name)
