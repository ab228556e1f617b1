"""Tables at every width, and times as typed, without a process around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axejournal.cli.moments import span
from axejournal.cli.tables import Column, print_table, width
from axejournal.domain.errors import UsageFault

RUN = "260520-0300-k3f9"
COLUMNS = ["run", Column("source", spare=1), Column("size", spare=3, right=True), Column("error", spare=2, least=10)]
ROWS = [(RUN, "한국어 데이터", "429 MiB", "server does not answer: connection refused"), (RUN, "frame", None, "")]
NOW = datetime(2026, 5, 20, 3, tzinfo=UTC)


@pytest.mark.parametrize("columns", [*range(1, 90, 4), 200])
def test_table_fits_and_keeps_ids_whole_at_any_width(columns: int, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    left_out = print_table(COLUMNS, ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(width, lines)) <= max(columns, len(RUN))
    assert sum(RUN in line for line in lines) == 2
    assert ("source" in left_out) == (columns < len(RUN) + 2 + 13)
    assert ("size" in left_out) == ("429 MiB" not in "\n".join(lines))


def test_table_in_a_pipe_lines_up_korean_and_numbers(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert print_table(COLUMNS, ROWS) == ()
    head, rule, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "source", "size", "error"]
    assert width(first[: first.index("429 MiB")]) == len(head[: head.index("size") + 4]) - len("429 MiB")
    assert second == f"{RUN}  frame"
    assert width(rule) == width(first)


def test_table_leaves_out_a_column_without_content(capsys):
    print_table(["a", Column("b", spare=1)], [("x", ""), ("y", None)])
    assert "b" not in capsys.readouterr().out


def test_cell_is_text_never_markup_and_one_line(capsys):
    print_table(["a"], [("[red]x[/red]\nsecond \x1b[31m line",)])
    assert "[red]x[/red] second \ufffd[31m line" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "begin", "end"),
    [
        ("2026-05-20", "2026-05-20T00:00+09:00", "2026-05-21T00:00+09:00"),
        ("2026-05-20T03:00", "2026-05-20T03:00+09:00", "2026-05-20T03:01+09:00"),
        ("2026-05-20 03:00:05", "2026-05-20T03:00:05+09:00", "2026-05-20T03:00:06+09:00"),
        ("2026-05-20T03:00-04:00", "2026-05-20T03:00-04:00", "2026-05-20T03:01-04:00"),
        ("2026-05-20T03:00Z", "2026-05-20T03:00+00:00", "2026-05-20T03:01+00:00"),
    ],
)
def test_span_covers_what_was_typed(typed: str, begin: str, end: str):
    found = span("--at", typed, "Asia/Seoul", lambda: NOW)
    assert found == (datetime.fromisoformat(begin), datetime.fromisoformat(end))


@pytest.mark.parametrize(
    ("typed", "age"),
    [("90min", timedelta(minutes=90)), ("12h", timedelta(hours=12)), ("7d", timedelta(7)), ("2w", timedelta(14))],
)
def test_span_of_an_age_is_that_instant(typed: str, age: timedelta):
    assert span("--since", typed, "Asia/Seoul", lambda: NOW) == (NOW - age, NOW - age)


def test_span_of_a_day_with_a_clock_change_has_its_own_length():
    found = span("--since", "2026-03-08", "America/New_York", lambda: NOW)
    assert found.end - found.begin == timedelta(hours=23)


@pytest.mark.parametrize(
    "typed", ["", "x", "2026", "2026-05", "2026-02-30", "2026-05-20T24:30", "20260520", "99999999999w", "0001-01-01", "-1d"]
)
def test_span_of_nonsense_is_refused(typed: str):
    with pytest.raises(UsageFault) as refused:
        span("--since", typed, "Asia/Seoul", lambda: NOW)
    assert refused.value.hint


@pytest.mark.parametrize("typed", ["2026-11-01T01:30", "2026-03-08T02:30"])
def test_span_of_a_wall_time_that_is_twice_or_never_shows_both_readings(typed: str):
    with pytest.raises(UsageFault) as refused:
        span("--since", typed, "America/New_York", lambda: NOW)
    assert f"{typed}-04:00" in refused.value.hint
    assert f"{typed}-05:00" in refused.value.hint
