"""The curves of the report, as SVG that takes its colours from the page: light, dark and print. The only user of pygal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from axejournal.cli.output import size

COLOURS = 4
Points = Sequence[tuple[datetime, float | None]]


def curve(
    name: str, series: Mapping[str, Points], zone: ZoneInfo, shown: Callable[[float], str], limit: tuple[str, float] | None = None
) -> str:
    """A legend where one is needed, and one SVG element with a line for each series over time, from zero; "" when there are
    fewer than two points. `limit`: a horizontal line, and its name, where it is not far above."""
    import pygal
    from pygal.style import Style

    moments = sorted({moment for points in series.values() for moment, value in points if value is not None})
    if len(moments) < 2:
        return ""
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--faint)",
        opacity="1",
        colors=tuple(f"var(--line-{number})" for number in range(COLOURS)),
        value_colors=("var(--ink)",) * COLOURS,
        font_family="inherit",
        label_font_size=12,
        major_label_font_size=12,
    )
    chart = pygal.DateTimeLine(
        style=style,
        js=(),
        disable_xml_declaration=True,
        width=720,
        height=230,
        margin=8,
        dots_size=2 if len(moments) < 60 else 1,
        stroke_style={"width": 2},
        show_y_guides=True,
        show_x_guides=False,
        show_legend=False,
        x_value_formatter=lambda moment: moment.strftime("%m-%d"),
        y_labels_major_count=5,
        allow_interruptions=False,
        value_formatter=shown,
    )
    values = [value for points in series.values() for _, value in points if value is not None]
    top = _round_up(max([*values, limit[1] if limit and limit[1] < 3 * max(values) else 0.0]), shown)
    chart.range = (0, top)
    chart.y_labels = [top * step / 4 for step in range(5)]
    chart.x_labels = _days(moments, zone)
    for title, points in series.items():
        known = [(moment.astimezone(zone).replace(tzinfo=None), value) for moment, value in points if value is not None]
        chart.add(title, known)
    names = list(series)
    if limit is not None and limit[1] <= top:
        names.append(limit[0])
        ends = [(moment.astimezone(zone).replace(tzinfo=None), limit[1]) for moment in (moments[0], moments[-1])]
        chart.add(limit[0], ends, stroke_style={"width": 1, "dasharray": "6, 4"}, show_dots=False)
    return _legend(names) + _bare(chart.render(is_unicode=True), name)


def _legend(names: Sequence[str]) -> str:
    if len(names) < 2:
        return ""
    keys = (
        f'<span><i style="background:var(--line-{place % COLOURS})"></i>{escape(name)}</span>' for place, name in enumerate(names)
    )
    return f'<div class="legend">{"".join(keys)}</div>'


def size_text(value: float) -> str:
    """For an axis of bytes."""
    return size(int(value))


def _days(moments: Sequence[datetime], zone: ZoneInfo) -> list[datetime]:
    """At most seven marks, evenly, at points that there are."""
    local = [moment.astimezone(zone).replace(tzinfo=None) for moment in moments]
    begin, span = local[0], local[-1] - local[0]
    count = min(7, max(2, span.days + 1), len(local))
    return [begin + span * number / (count - 1) for number in range(count)]


def _round_up(value: float, shown: Callable[[float], str]) -> float:
    """A top whose quarters are easy to read: 1, 2, 4 or 8 of a unit of 1024 bytes, or of seconds and minutes."""
    if value <= 0:
        return 4.0
    units = (1.0, 1024.0, 1024.0**2, 1024.0**3, 1024.0**4) if shown is size_text else (1.0, 60.0, 3600.0, 86400.0)
    unit = max(one for one in units if one <= max(value, 1.0))
    for step in (1, 2, 4, 8, 12, 20, 40, 60, 80, 120, 200, 400, 800, 1200):
        if value <= step * unit:
            return step * unit
    return value


def _bare(svg: str, name: str) -> str:
    """Without scripts, comments and the random name, so that the same report is the same text."""
    plain = re.sub(r"<script.*?</script>|<!--.*?-->|<title>Pygal</title>", "", svg, flags=re.DOTALL)
    return re.sub(r"chart-[0-9a-f-]{36}", f"plot-{name}", plain).strip()
