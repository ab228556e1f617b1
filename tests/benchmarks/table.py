"""How the figures look on a terminal."""

from __future__ import annotations

import statistics

from rich.console import Console
from rich.table import Table

from tests.benchmarks.ratios import Row


def print_rows(rows: list[Row]) -> None:
    """Goal, median, least and most of each, and whether the goal was met."""
    table = Table(title="speed: medians of ratios of neighbours (least .. most)")
    for name in ("what", "goal", "measured", "least .. most", "seconds (medians)", ""):
        table.add_column(name, justify="left" if name in ("what", "seconds (medians)", "") else "right")
    for row in rows:
        sign = "<" if row.below else "<="
        table.add_row(
            row.name,
            f"{sign} {row.goal:g} {row.unit}",
            f"{row.median:.2f} {row.unit}",
            f"{min(row.values):.2f} .. {max(row.values):.2f}",
            " · ".join(
                [*(f"{name} {_time(statistics.median(each))}" for name, each in row.seconds.items()), *filter(None, [row.note])]
            ),
            "met" if row.is_met else "[bold]MISSED[/bold]",
        )
    _console().print(table)


def print_parts(parts: dict[str, list[dict[str, float]]]) -> None:
    """What axej's nights were made of: medians, in seconds."""
    if not parts:
        return
    table = Table(title="what a night of axej is made of (medians, s)")
    table.add_column("night")
    names = list(next(iter(parts.values()))[0])
    for name in names:
        table.add_column(name, justify="right")
    for night, each in parts.items():
        medians = [statistics.median(one[name] for one in each) for name in names]
        table.add_row(
            night,
            *(
                f"{value:.2f}" if name not in ("events", "appends", "reused") else f"{value:.0f}"
                for name, value in zip(names, medians, strict=True)
            ),
        )
    _console().print(table)


def line(row: Row) -> str:
    """For who waits."""
    return f"{'met   ' if row.is_met else 'MISSED'} {row.median:8.2f} {row.unit:<2} (goal {row.goal:g})  {row.name}  {row.note}"


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=170)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
