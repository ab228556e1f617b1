"""The report as one HTML page that needs nothing else: light, dark, and on A4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from zoneinfo import ZoneInfo

from axejournal.cli.output import local, size
from axejournal.cli.report_plots import curve, size_text
from axejournal.cli.report_style import STYLE
from axejournal.cli.report_words import Words
from axejournal.domain.facts.drill import SourceDrilled, TierDrilled
from axejournal.domain.report import Drill, Report


def page(report: Report, words: Words, zone: str) -> str:
    """The whole page."""
    title = f"{report.customer} {report.quarter}: {words('title')}"
    body = "\n".join(
        part
        for part in (
            _head(report, words, zone),
            _gaps(report, words),
            _matrix(report, words, zone),
            _drills(report, words, zone),
            _ages(report, words),
            _trends(report, words, zone),
            _reads(report, words, zone),
            _journal(report, words),
        )
        if part
    )
    return (
        f'<!doctype html>\n<html lang="{words.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _head(report: Report, words: Words, zone: str) -> str:
    count = len(report.gaps)
    verdict = words("all_good") if not count else words("one_gap") if count == 1 else words("with_gaps", count=count)
    facts = (
        ("customer", report.customer),
        ("host", report.host),
        ("quarter", report.quarter),
        ("period", f"{local(report.begin, zone)[:10]} – {local(report.until, zone)[:10]}"),
        ("made", local(report.made_at, zone)),
    )
    line = " · ".join(f"{escape(words(name))} <b>{escape(value)}</b>" for name, value in facts)
    tiles = "".join(
        f'<div class="tile"><b>{value}</b><span>{escape(label)}</span></div>' for value, label in _tiles(report, words)
    )
    return (
        f'<h1>{escape(words("title"))}</h1>\n<p class="facts">{line}</p>\n'
        f'<p class="verdict {"bad" if count else "good"}">{escape(verdict)}</p>\n<div class="tiles">{tiles}</div>'
    )


def _tiles(report: Report, words: Words) -> Iterator[tuple[str, str]]:
    done = [drill for drill in report.drills if drill.outcome in ("succeeded", "degraded")]
    yield f"{len(done)} / {len(report.drills)}", words("drills_passed")
    rto = words.time(report.rto_s) if report.rto_s else ""
    yield (
        words.time(report.restore_s) or "–",
        f"{words('measured_rto')} ({words('allowed')} {rto})" if rto else words("measured_rto"),
    )
    first = next((ages for ages in report.ages if ages.worst_s is not None), None)
    yield (
        (words.time(first.worst_s), f"{words('measured_rpo')} {first.tier} ({words('allowed')} {words.time(first.allowed_s)})")
        if first
        else ("–", words("measured_rpo"))
    )
    read, of = sum(one.good for one in report.reads), sum(one.of for one in report.reads)
    yield f"{100 * read // of if of else 0} %", words("data_read")
    sound = not report.journal.faults
    yield (
        f'<span class="{"good" if sound else "bad"}" style="font-size:1em">{words("sound" if sound else "damaged")}</span>',
        words("journal"),
    )


def _gaps(report: Report, words: Words) -> str:
    if not report.gaps:
        return ""
    items = "".join(f"<li>{escape(words.gap(gap))}</li>" for gap in report.gaps)
    return f"<h2>{escape(words('gaps'))}</h2>\n<ul>{items}</ul>"


def _matrix(report: Report, words: Words, zone: str) -> str:
    rows = [[source, *(_mark(report.verdict(source, tier), words, zone) for tier in report.tiers)] for source in report.sources]
    cells = [[escape(row[0]), *row[1:]] for row in rows]
    return f"<h2>{escape(words('matrix'))}</h2>\n" + table([words("source"), *report.tiers], cells)


def _mark(verdict: SourceDrilled | None, words: Words, zone: str) -> str:
    if verdict is None:
        return f'<span class="faint">– {escape(words("never"))}</span>'
    kind, sign = ("good", "✓") if verdict.passed else ("bad", "✗")
    time = verdict.time.replace("T", " ", 1)[:16]
    said = escape(words("passed" if verdict.passed else "failed"))
    return f'<span class="{kind}">{sign} {said}</span> <span class="faint">{escape(time)}</span>'


def _drills(report: Report, words: Words, zone: str) -> str:
    head = f"<h2>{escape(words('drills'))}</h2>\n"
    if not report.drills:
        return head + f"<p>{escape(words('no_drills'))}</p>"
    return head + "\n".join(_drill(drill, words, zone) for drill in report.drills)


def _drill(drill: Drill, words: Words, zone: str) -> str:
    kind = {"succeeded": "good", "degraded": "warn"}.get(drill.outcome, "bad")
    took = f", {words.time((drill.ended_at - drill.at).total_seconds())}" if drill.ended_at else ""
    title = (
        f'{local(drill.at, zone)} · <span class="{kind}">{escape(words(drill.outcome))}</span> · <code>{drill.run}</code>{took}'
    )
    said = "".join(f'<p class="{kind}">{escape(words.said(line))}</p>' for line in drill.message.splitlines() if line)
    tiers = "".join(_tier(tier, drill, words) for tier in drill.tiers)
    return f'<section class="drill">\n<h3>{title}</h3>\n{said}{tiers}</section>'


def _tier(tier: TierDrilled, drill: Drill, words: Words) -> str:
    rto = f"{words('allowed')} {words.time(tier.rto_s)}" if tier.rto_s is not None else words("no_limit")
    kind = "bad" if tier.rto_s is not None and tier.restore_s > tier.rto_s else ""
    took = f'<b class="{kind}">{words.time(tier.restore_s)}</b>'
    line = f"<p><b>{escape(tier.tier)}</b>: {escape(words('measured_rto'))} {took} ({escape(rto)})</p>"
    if tier.unusable:
        line += f'<p class="bad">{escape(words("not_usable"))}: {escape(words.said(tier.unusable))}</p>'
    sources = [source for source in drill.sources if source.tier == tier.tier]
    if not sources:
        return line
    heads = ["source", "verdict", "point", "age", "size", "restored_in", "proof"]
    rows = [_source(source, words) for source in sources]
    checks = [
        [
            escape(source.source),
            escape(words.said(check.name)),
            "✓" if check.passed else '<span class="bad">✗</span>',
            escape(words.said(check.detail)),
            words.time(check.seconds),
        ]
        for source in sources
        for check in source.checks
    ]
    found = "".join(
        f"<li>{escape(source.source)}: {escape(words.said(one))}</li>" for source in sources for one in source.findings
    )
    notes = f'<p class="warn">{escape(words("findings"))}</p><ul>{found}</ul>' if found else ""
    below = (
        table([words("source"), words("check"), "", words("numbers"), words("seconds")], checks, numbers=(4,)) if checks else ""
    )
    return line + table([words(head) for head in heads], rows, numbers=(3, 4, 5)) + notes + below


def _source(source: SourceDrilled, words: Words) -> list[str]:
    verdict = (
        f'<span class="{"good" if source.passed else "bad"}">{escape(words("passed" if source.passed else "failed"))}</span>'
    )
    reason = f"<br>{escape(words.said(source.reason))}" if source.reason else ""
    which = ((words("snapshot"), source.snapshot[:8]), (words("repository"), source.repository[:8]))
    place = ", ".join(f"{escape(name)} <code>{escape(value)}</code>" for name, value in which)
    proof = (
        f"{words.said(source.proof_before)} →\N{NO-BREAK SPACE}{words.said(source.proof)}"
        if source.proof and source.proof != source.proof_before
        else words.said(source.proof_before)
    )
    return [
        escape(source.source),
        verdict + reason,
        escape(source.time.replace("T", " ", 1)) + (f'<br><span class="faint w">{place}</span>' if source.snapshot else ""),
        f"{words.time(source.age_s)} ({words.time(source.rpo_s)})" if source.age_s is not None else "",
        size(source.size_bytes),
        words.time(sum(source.seconds.values())) if source.seconds else "",
        escape(proof),
    ]


def _ages(report: Report, words: Words) -> str:
    rows = [
        [
            escape(one.tier),
            f'<span class="{_over(one.worst_s, one.allowed_s)}">{words.time(one.worst_s) or "–"}</span>',
            words.time(one.allowed_s),
            escape(one.source),
            str(one.points),
        ]
        for one in report.ages
    ]
    heads = [words("tier"), words("worst"), words("allowed"), words("source"), words("points")]
    return f"<h2>{escape(words('rpo_table'))}</h2>\n" + table(heads, rows, numbers=(1, 2, 4))


def _over(value: float | None, limit: float | None) -> str:
    return "bad" if value is not None and limit is not None and value > limit else ""


def _trends(report: Report, words: Words, zone: str) -> str:
    there = ZoneInfo(zone)
    nights = {tier: runs for tier, runs in report.nights.items() if runs}
    sizes = {tier: [(run.at, run.size_bytes) for run in runs if run.size_bytes] for tier, runs in nights.items()}
    times = {tier: [(run.at, run.duration_s) for run in runs] for tier, runs in nights.items()}
    restores: dict[str, list[tuple[object, float]]] = {}
    for at, tier, seconds in report.earlier:
        restores.setdefault(tier, []).append((at, seconds))
    limit = (words("allowed"), report.rto_s) if report.rto_s else None
    plots = (
        ("sizes", curve("sizes", {name: points for name, points in sizes.items() if points}, there, size_text)),
        ("durations", curve("durations", times, there, words.axis)),
        ("restores", curve("restores", restores, there, words.axis, limit)),  # type: ignore[arg-type]
    )
    drawn = "\n".join(f"<figure><figcaption>{escape(words(name))}</figcaption>{svg}</figure>" for name, svg in plots if svg)
    return f"<h2>{escape(words('trends'))}</h2>\n" + (drawn or f'<p class="faint">{escape(words("nothing_to_plot"))}</p>')


def _reads(report: Report, words: Words, zone: str) -> str:
    rows = [
        [
            escape(one.tier),
            f"{one.good} / {one.of}" + (f' <span class="bad">({one.bad} ✗)</span>' if one.bad else ""),
            local(one.last, zone) or "–",
            local(one.since, zone) or "–",
        ]
        for one in report.reads
    ]
    heads = [words("tier"), words("parts"), words("last_read"), words("all_since")]
    return f"<h2>{escape(words('reading'))}</h2>\n" + table(heads, rows)


def _journal(report: Report, words: Words) -> str:
    journal = report.journal
    kind, word = ("bad", "damaged") if journal.faults else ("good", "sound")
    faults = "".join(f'<li class="bad">{escape(words.said(fault))}</li>' for fault in journal.faults)
    state = f'<b class="{kind}">{escape(words(word))}</b>, {journal.events} {escape(words("events"))}'
    return (
        f"<h2>{escape(words('journal'))}</h2>\n<p>{escape(words('verified'))}: {state}</p>"
        + (f"<ul>{faults}</ul>" if faults else "")
        + f'<p>{escape(words("head"))}: <span class="hash">{journal.head}</span></p>'
        + f'<p class="faint">{escape(words("verify_hint"))}</p>'
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table; the cells are HTML already. `numbers`: columns that stand at the right."""
    mark = [' class="n"' if place in numbers else "" for place in range(len(heads))]
    top = "".join(f"<th{mark[place]}>{escape(head)}</th>" for place, head in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{mark[place]}>{cell}</td>" for place, cell in enumerate(row)) + "</tr>\n" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table></div>'
