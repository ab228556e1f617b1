"""`axej report`: a quarter with a drill that failed and one that passed, as text, JSON and one page, in two languages."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import quarters
from tests.cli.conftest import Desk
from tests.world.home import at

NOW = at("2026-06-02T09:00+09:00")
MISSING = "contents: table public.journal_line has 999,999 rows, not 1,000,000"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Two tiers, a local one whose quarter is told by quarters.quarter, and a ring that only one drill was from."""
    folder = tmp_path_factory.mktemp("report")
    reach = {"kind": "postgres", "socket": "/nowhere", "user": "postgres"}
    tier = {"password": {"file": str(folder / "password")}}
    made = Desk(
        folder,
        {
            "customer": "axe",
            "host": "axe-macmini",
            "timezone": "Asia/Seoul",
            "state": str(folder / "state"),
            "sources": {
                **{name: {**reach, "database": name} for name in ("frame", "hive", "index")},
                "files": {"kind": "files", "path": str(folder)},
            },
            "tiers": {
                "local": {**tier, "repository": str(folder / "repository"), "schedule": "0 3 * * *"},
                "ring": {**tier, "repository": str(folder / "ring"), "schedule": "30 3 * * *"},
            },
            "drill": {"schedule": "0 3 15 1,4,7,10 *", "rto": "4h"},
        },
    )
    quarters.quarter(made.journal, 15)
    yield made
    made.journal.close()


def page(desk: Desk, *words: str) -> str:
    return str(desk.axej("report", "--html", "-", *words, env=NOW).stdout)


def report(desk: Desk, *words: str) -> Any:
    import json

    return json.loads(desk.axej("report", "--json", *words, env=NOW).stdout)


def test_json_holds_each_drill_with_its_numbers(desk: Desk):
    found = report(desk)
    assert (found["quarter"], found["customer"], found["journal"]["faults"]) == ("2026Q2", "axe", [])
    assert [(each["run"], each["outcome"]) for each in found["drills"]] == [
        ("260422-0910-again", "degraded"),
        ("260415-0300-dr1l", "failed"),
    ]
    failed = found["drills"][1]
    assert [(tier["tier"], tier["passed"], tier["failed"]) for tier in failed["tiers"]] == [
        ("local", ["hive", "index", "files"], ["frame"]),
        ("ring", ["frame"], []),
    ]
    frame = failed["sources"][0]
    assert (frame["reason"], frame["age_s"], frame["rpo_s"], frame["proof"]) == (MISSING, 86400.0, 93600.0, "suspect")
    assert [check["passed"] for check in frame["checks"]] == [True, False, True]
    assert (found["restore_s"], found["rto_s"]) == (38.0, 14400.0)
    assert len(found["nights"]["local"]) == 14


def test_gaps_name_what_is_not_proven(desk: Desk):
    texts = [gap["text"] for gap in report(desk)["gaps"]]
    assert "frame in local was older than allowed at times" in texts  # night 7 was missed
    assert "tier ring got no restore point in this quarter" in texts
    assert "only 3 of 13 parts of the repository of local were read" in texts
    assert any(text.startswith("overdue: local: no restore point of frame, hive, index, files") for text in texts)


def test_quarter_without_a_drill_reports_the_gap(desk: Desk):
    found = report(desk, "--quarter", "2026q1")
    assert found["drills"] == []
    assert found["gaps"][0]["text"] == "no drill ran in 2026Q1: nothing was shown to be restorable"
    assert "No drill in this quarter." in page(desk, "--quarter", "2026Q1")
    assert not [gap for gap in found["gaps"] if gap["kind"] == "overdue"]  # that is of today


def test_page_needs_nothing_else_and_runs_nothing(desk: Desk):
    text = page(desk)
    assert "<script" not in text
    assert not re.findall(r"""(?:href|src|url)\s*[=(]\s*["']?[^"')\s>]+""", text)
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert text.count("<svg") == 3
    assert "prefers-color-scheme:dark" in text and "@media print" in text and "size:A4" in text
    assert MISSING in text and "260415-0300-dr1l" in text
    assert page(desk) == text, "the same journal at the same time gives the same page"


def test_page_and_text_are_in_korean_where_asked_for(desk: Desk):
    """Throughout: besides names there is no English word on it."""
    text = page(desk, "--language", "ko")
    assert "내용: 테이블 public.journal_line의 행이 1,000,000개가 아니라 999,999개입니다" in text
    body = re.sub(r"<style.*?</style>|<[^>]*>|public\.journal_line|axej journal verify|AxeJ", " ", text, flags=re.DOTALL)
    names = {
        "axe",
        "check",
        "frame",
        "hive",
        "index",
        "files",
        "local",
        "ring",
        "ID",
        "RTO",
        "RPO",
        "MiB",
        "GiB",
        "KiB",
        "pgcrypto",
        "Q",
    }
    assert set(re.findall(r"(?<![\w.-])[A-Za-z]{2,}(?![\w.-])", body)) <= names
    assert '<html lang="ko">' in text and "복원 훈련 보고서" in text and "local 저장소의 13개 부분 중 3개만 읽었습니다" in text
    said = desk.axej("report", "--language", "ko", env=NOW).stdout
    assert "복원 훈련 보고서" in said and "실패" in said


@pytest.mark.parametrize("columns", [80, 200])
def test_text_tells_the_same_at_any_width(desk: Desk, columns: int):
    said = desk.axej("report", env=NOW, columns=columns).stdout
    for part in ("6 gaps: see below.", "260415-0300-dr1l", "measured RTO 38.0 s (allowed 4 h)", "Verified: sound", "not drilled"):
        assert part in said
    assert max(map(len, said.splitlines())) <= max(columns, 110)


def test_page_is_written_whole_or_not_at_all(desk: Desk, tmp_path: Path):
    said = desk.axej("report", "--html", str(tmp_path / "r.html"), env=NOW).stdout
    assert said.endswith("2 drills, 6 gaps\n")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    assert "can't be written" in desk.axej("report", "--html", "/nowhere/r.html", expect=2).stderr


@pytest.mark.parametrize("words", [["--quarter", "2026Q5"], ["--quarter", "spring"], ["--html", "-", "--json"]])
def test_what_makes_no_sense_is_refused(desk: Desk, words: list[str]):
    assert "HINT:" in desk.axej("report", *words, expect=2).stderr


def test_changed_journal_is_told_in_the_report(desk: Desk, tmp_path: Path):
    damaged = tmp_path / "state"
    damaged.mkdir()
    desk.journal.store.write_copy(damaged / "journal.sqlite")
    with sqlite3.connect(damaged / "journal.sqlite") as journal:
        journal.execute("DROP TRIGGER events_refuse_update")
        journal.execute("UPDATE events SET data = json_set(data, '$.reason', '') WHERE name = 'SourceDrilled'")
    before, desk.config["state"] = desk.config["state"], str(damaged)
    desk.write()
    try:
        found = report(desk)
        assert found["gaps"][0]["kind"] == "journal"
        assert "DAMAGED" in desk.axej("report", env=NOW).stdout
    finally:
        desk.config["state"] = before
        desk.write()


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        (
            "2 of 6 sources failed: frame from local: contents: table public.a has 1,999 rows, not 2,000; table public.b is "
            "missing and 3 more; files from ring: tier ring has no restore point of it",
            "소스 6개 중 2개가 실패했습니다: frame (local 티어): 내용: 테이블 public.a의 행이 2,000개가 아니라 1,999개입니다; "
            "테이블 public.b이(가) 없습니다 외 3건; files (ring 티어): ring 티어에 이 소스의 복원 지점이 없습니다",
        ),
        (
            "damaged: table public.a, its table of contents, or a large object: the dump of frame is not as it was dumped",
            "손상됨: 테이블 public.a, 목차 또는 대형 객체: frame 덤프가 만들 때와 다릅니다",
        ),
        (
            'load: pg_restore of frame at /tmp/x, port 5432: role "clerk" does not exist',
            '적재: /tmp/x, port 5432의 frame에 대한 pg_restore: role "clerk" does not exist',
        ),
        (
            "scratch: Docker does not answer: Cannot connect; and program initdb of PostgreSQL 15 is not on this machine",
            "임시 서버: Docker가 대답하지 않습니다: Cannot connect; PostgreSQL 15의 initdb 프로그램이 이 머신에 없습니다",
        ),
        ("check 1: sleep did not end within 1 s; it was ended", "검사 1: sleep: 1초 안에 끝나지 않아서 끝냈습니다"),
        (
            "frame, tier local: of 2 tables only the rows could be counted",
            "frame, local 티어: 테이블 2개는 행의 수만 셀 수 있었습니다",
        ),
        (
            "local: no restore point of frame, hive is younger than 26h",
            "local: frame, hive의 복원 지점이 모두 26시간보다 오래되었습니다",
        ),
        ("what a source's own check said last", "what a source's own check said last"),
    ],
)
def test_recorded_sentence_is_turned_into_korean(english: str, korean: str):
    from axejournal.cli.report_words import Words

    assert Words("ko").said(english) == korean
    assert Words("en").said(english) == english
