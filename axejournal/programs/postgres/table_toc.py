"""What a dump's table of contents says of a table, as pg_restore prints it.

`toc.dat` holds each data file's COPY statement, which alone tells the order of its columns. pg_restore prints it before the
data, so that it is asked with empty data files beside a copy of `toc.dat`: nothing else of the dump has to be there. Its
output is read with SQL's own quoting, whatever is in the names.
"""

from __future__ import annotations

import codecs
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from axejournal.domain.errors import ProgramFailed
from axejournal.domain.ports.tables import Contents, Name
from axejournal.programs import process
from axejournal.programs.postgres.faults import fault_of_program
from axejournal.programs.postgres.reach import Way
from axejournal.programs.process import Completed

TOC = "toc.dat"
BARE = "toc"  # the folder with the copy of toc.dat and empty data files
IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
QUALIFIED = rf"({IDENTIFIER})\.({IDENTIFIER})"
COPY = re.compile(rf"^COPY {QUALIFIED} (?:\(({IDENTIFIER}(?:, {IDENTIFIER})*)\) )? ?FROM stdin;$", re.MULTILINE)
ATTACH = re.compile(rf"^ALTER TABLE ONLY {QUALIFIED} ATTACH PARTITION {QUALIFIED} ", re.MULTILINE)
CREATE = re.compile(rf"^CREATE (?:UNLOGGED )?TABLE {QUALIFIED} \((.*?)^\)", re.MULTILINE | re.DOTALL)
DECLARED = re.compile(rf"^    ({IDENTIFIER}) (.*?),?$", re.MULTILINE)
LISTED = re.compile(r"^(\d+); \d+ \d+ (TABLE|TABLE ATTACH) (?!DATA )", re.MULTILINE)
ENCODINGS = {"UTF8": "utf-8", "UHC": "cp949", "SQL_ASCII": "utf-8", "SJIS": "shift_jis"}  # others Python knows by their name


def read_contents(way: Way, major: int, folder: Path, encoding: str, dump_ids: tuple[int, ...]) -> Contents:
    """See TableServer. Raises ProgramFailed when pg_restore can't read it, or when it lacks one of the files."""
    bare = folder / BARE
    shutil.rmtree(bare, ignore_errors=True)
    bare.mkdir(mode=0o700)
    shutil.copyfile(folder / TOC, bare / TOC)
    for dump_id in dump_ids:
        (bare / f"{dump_id}.dat").touch()
    listed = _pg_restore(way, major, b"", "--list", str(bare)).text
    entries = [int(found[1]) for found in LISTED.finditer(listed)]
    text = _statements(way, major, bare, (*entries, *dump_ids)).decode(_codec(encoding), "surrogateescape")
    shutil.rmtree(bare)
    columns = {_name(one[1], one[2]): _list(one[3] or "") for one in COPY.finditer(text)}
    if len(columns) != len(dump_ids):
        raise ProgramFailed(f"{folder / TOC} names {len(columns)} of {len(dump_ids)} data files", "Take another restore point.")
    return Contents(
        columns,
        {_name(one[1], one[2]): _declared(one[3]) for one in CREATE.finditer(text)},
        {_name(one[3], one[4]): _name(one[1], one[2]) for one in ATTACH.finditer(text)},
    )


def unquoted(text: str) -> str:
    """An identifier without SQL's quotes."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _statements(way: Way, major: int, bare: Path, entries: tuple[int, ...]) -> bytes:
    if not entries:
        return b""
    chosen = "".join(f"{entry};\n" for entry in entries).encode()
    return _pg_restore(way, major, chosen, "--use-list=/dev/stdin", "--file=-", str(bare)).stdout


def _pg_restore(way: Way, major: int, stdin: bytes, *words: str) -> Completed:
    command = way.command("pg_restore", major, *words)
    done = process.run(process.Command(command.argv, env=command.env, stdin=stdin))
    if done.exit_code != 0:
        what, killed_by = "pg_restore of the table of contents", way.killed_by(done)
        raise fault_of_program(way.place, way.user, what, done.stderr, killed_by, done.exit_code)
    return done


def _codec(encoding: str) -> str:
    try:
        return codecs.lookup(ENCODINGS.get(encoding, encoding)).name
    except LookupError:
        return "utf-8"


def _name(schema: str, name: str) -> Name:
    return unquoted(schema), unquoted(name)


def _list(text: str) -> tuple[str, ...]:
    return tuple(unquoted(one) for one in re.findall(IDENTIFIER, text))


def _declared(body: str) -> Mapping[str, str]:
    """Columns as CREATE TABLE declares them: for words to a person only."""
    return {unquoted(one[1]): one[2] for one in DECLARED.finditer(body) if one[1] != "CONSTRAINT"}
