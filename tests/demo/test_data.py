"""The demo's data: as much as promised, true to its own rules, the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from axejournal.demo import data, files, server
from axejournal.domain.errors import ProgramFailed
from axejournal.domain.patterns import compiled

ROWS = {
    "frame": {
        "public.entities": 2,
        "public.accounts": 32,
        "public.partners": 400,
        "public.journal_entry": 80_000,
        "public.journal_line": 200_000,
    },
    "blueprint": {"public.workspaces": 6, "public.documents": 4_000, "public.revisions": 10_000},
    "hive": {
        "axec.employees": 64,
        "axec.leave": 768,
        "axec.payroll": 1_536,
        "axev.employees": 27,
        "axev.leave": 324,
        "axev.payroll": 648,
    },
    "mysrt": {"public.users": 600, "public.jobs": 20_000, "public.push_subscriptions": 420},
    "index": {"public.deals": 60, "public.entries": 1_500, "public.evidence_blob": 560},
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.DemoServer]:
    """A server with the five databases; tests roll back what they do."""
    directory = tmp_path_factory.mktemp("demo")
    started = server.start(directory)
    try:
        data.load(started)
        yield started
    finally:
        server.stop(directory)


def fingerprint(demo: server.DemoServer, database: str) -> str:
    """One number for all rows of a database."""
    tables = sorted(data.row_counts(demo, database))
    return demo.sql(database, ";".join(f"SELECT sum(hashtextextended(t::text, 0)) FROM {table} AS t" for table in tables))


def test_databases_hold_the_promised_rows(loaded: server.DemoServer) -> None:
    assert {name: data.row_counts(loaded, name) for name in data.DATABASES} == ROWS


def test_ledger_is_balanced_in_all_and_entry_by_entry(loaded: server.DemoServer) -> None:
    assert loaded.sql("frame", "SELECT sum(debit) = sum(credit), sum(debit) > 0 FROM trial_balance") == "t\tt\n"
    assert {entity: data.integrity_problems(loaded, entity) for entity in data.ENTITIES} == {"axec": (), "axev": ()}


def test_integrity_check_of_a_changed_line_finds_it(loaded: server.DemoServer) -> None:
    change = "BEGIN; UPDATE journal_line SET debit = debit + 1 WHERE entry = 1 AND line = 1;"
    found = loaded.sql("frame", f"{change} SELECT found, problem FROM integrity_check('axec') WHERE found <> 0; ROLLBACK")
    assert found == "1\tentries whose debits and credits differ\n"


def test_evidence_that_does_not_match_its_digest_is_refused(loaded: server.DemoServer) -> None:
    with pytest.raises(ProgramFailed, match="check constraint"):
        loaded.sql("index", "UPDATE evidence_blob SET body = 'x' WHERE id = 1")
    size = int(loaded.sql("index", "SELECT sum(length(body)) FROM evidence_blob"))
    assert 30e6 < size < 60e6


def test_working_day_adds_to_each_database_and_keeps_the_ledger_balanced(tmp_path: Path, loaded: server.DemoServer) -> None:
    try:
        other = server.start(tmp_path)
        data.load(other)
        before = {name: fingerprint(other, name) for name in data.DATABASES}
        assert before == {name: fingerprint(loaded, name) for name in data.DATABASES}
        for day in (1, 2):
            data.pass_a_day(other, day)
            after = {name: fingerprint(other, name) for name in data.DATABASES}
            assert all(after[name] != before[name] for name in data.DATABASES)
            before = after
        assert data.row_counts(other, "frame")["public.journal_line"] == 200_000 + 2 * 800
        assert {entity: data.integrity_problems(other, entity) for entity in data.ENTITIES} == {"axec": (), "axev": ()}
    finally:
        server.stop(tmp_path)


def test_files_are_the_same_each_time_and_meet_their_own_patterns(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "other"):
        folder = files.write_files(tmp_path / name)
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        digests.append([(str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in found])
    assert digests[0] == digests[1]
    for pattern, at_least in files.REQUIRED.items():
        assert sum(bool(compiled(pattern).fullmatch(name)) for name, _ in digests[0]) >= at_least


def test_working_day_of_files_adds_and_changes(tmp_path: Path) -> None:
    folder = files.write_files(tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files.change_files(tmp_path, 1)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(after.keys() - before.keys()) == 6
    assert sum(after[path] != before[path] for path in before) == 1
