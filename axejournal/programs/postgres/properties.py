"""What a dump says of its database itself: encoding, collation, owner, settings, rights, comment.

pg_restore brings these only together with the database's own name (--create, manual pg_restore), and a restore goes into a
database of another name; so the statements are taken from its script and the name in them is replaced. Seen with 12 to 18.
"""

from __future__ import annotations

import re

KINDS = "DATABASE|DATABASE PROPERTIES|COMMENT - DATABASE|ACL - DATABASE|SECURITY LABEL - DATABASE"
LIST_SCRIPT = f"""
list=$("$0" --create --list "$1") || exit
printf '%s\\n' "$list" | grep -E '^[0-9]+; [0-9]+ [0-9]+ ({KINDS}) ' | "$0" --create --use-list=/dev/stdin --file=- "$1"
"""
"""Prints the statements about the database. $0: pg_restore, $1: the directory."""

BEGIN = (
    r"^((?:CREATE|ALTER|COMMENT ON|SECURITY LABEL ON) DATABASE |(?:GRANT|REVOKE) [A-Z, ]+ ON DATABASE "
    r"|ALTER ROLE .+ IN DATABASE )"
)


def renamed(script: str, source: str, database: str) -> str:
    """The statements, about `database` instead of `source`. psql's own commands are left out, and the statement that
    would make the database a template."""
    quoted = '"' + source.replace('"', '""') + '"'
    name = f"(?:{re.escape(quoted)}|{re.escape(source)})"
    new = '"' + database.replace('"', '""') + '"'
    script = re.sub(r"^\\(?:connect|restrict|unrestrict)\b.*$", "", script, flags=re.MULTILINE)
    script = re.sub(r"^UPDATE pg_catalog\.pg_database SET datistemplate = .*$", "", script, flags=re.MULTILINE)
    return re.sub(BEGIN + name + r"(?=[\s;])", lambda found: found[1] + new, script, flags=re.MULTILINE)
