"""The roles of a `pg_dumpall --globals-only` file, one statement a line (seen with PostgreSQL 12 to 18)."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = r'(?:"(?:[^"]|"")*"|[^\s";,]+)'
CREATE = re.compile(rf"^CREATE ROLE ({NAME});$", re.MULTILINE)
OF_ROLE = re.compile(rf"^ALTER ROLE ({NAME}) (?:WITH|SET) .*;$", re.MULTILINE)
MEMBER = re.compile(rf"^GRANT {NAME} TO ({NAME})(?: WITH .*| GRANTED BY .*)?;$", re.MULTILINE)
COMMENT = re.compile(rf"^COMMENT ON ROLE ({NAME}) IS E?'(?:[^']|'')*';$", re.MULTILINE)
PARAMETER = re.compile(rf"^GRANT [A-Z ,]+ ON PARAMETER .+ TO ({NAME})(?: WITH GRANT OPTION)?;$", re.MULTILINE)
KINDS = (CREATE, OF_ROLE, MEMBER, COMMENT, PARAMETER)


@dataclass(frozen=True)
class Roles:
    """`names` in the file's order; `statements`: (role that it is about, statement), in the file's order."""

    names: tuple[str, ...]
    statements: tuple[tuple[str, str], ...]

    def script_for(self, wanted: frozenset[str]) -> str:
        """The statements that make these roles, their settings and their memberships, and touch no other."""
        return "".join(f"{statement}\n" for role, statement in self.statements if role in wanted)


def parse(text: str) -> Roles:
    """The roles, their settings, memberships, comments, rights on the server's settings. Tablespaces and settings of
    roles in single databases are passed over (the latter belong to the database and come with its dump)."""
    found = [(match.start(), raw(match[1]), match[0]) for kind in KINDS for match in kind.finditer(text)]
    statements = tuple((role, statement) for _, role, statement in sorted(found))
    return Roles(tuple(raw(match[1]) for match in CREATE.finditer(text)), statements)


def raw(name: str) -> str:
    """A name as it is, out of SQL's writing of it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
