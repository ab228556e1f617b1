"""The report for a terminal."""

from __future__ import annotations

import click

from axejournal.cli.output import Styled, local, plain, say, size
from axejournal.cli.report_words import Words
from axejournal.cli.tables import Column, print_table
from axejournal.domain.report import Drill, Report

STYLES = {True: "green", False: "bold red"}


def print_report(report: Report, words: Words, zone: str) -> None:
    """Prints everything but the curves."""
    say(f"{report.customer} {report.quarter}: {words('title')}, {local(report.made_at, zone)}")
    count = len(report.gaps)
    verdict = words("all_good") if not count else words("one_gap") if count == 1 else words("with_gaps", count=count)
    say(Styled(verdict, STYLES[not count]))
    for gap in report.gaps:
        say("  - ", plain(words.gap(gap)))
    _section(words("matrix"))
    print_table([words("source"), *report.tiers], [_row(report, source, words) for source in report.sources])
    for drill in report.drills:
        _print_drill(drill, words, zone)
    _section(words("rpo_table"))
    print_table(
        [
            words("tier"),
            Column(words("worst"), right=True),
            Column(words("allowed"), right=True),
            words("source"),
            words("points"),
        ],
        [(one.tier, words.time(one.worst_s), words.time(one.allowed_s), one.source, one.points) for one in report.ages],
    )
    _section(words("reading"))
    print_table(
        [words("tier"), words("parts"), words("last_read"), words("all_since")],
        [(one.tier, f"{one.good} / {one.of}", local(one.last, zone), local(one.since, zone)) for one in report.reads],
    )
    _print_journal(report, words)


def _row(report: Report, source: str, words: Words) -> tuple[str | Styled, ...]:
    cells: list[str | Styled] = [source]
    for tier in report.tiers:
        verdict = report.verdict(source, tier)
        if verdict is None:
            cells.append(words("never"))
        else:
            cells.append(Styled(words("passed" if verdict.passed else "failed"), STYLES[verdict.passed]))
    return tuple(cells)


def _print_drill(drill: Drill, words: Words, zone: str) -> None:
    _section(f"{words('drills')}: {local(drill.at, zone)}, {words(drill.outcome)} ({drill.run})")
    for line in drill.message.splitlines():
        say("  ", plain(words.said(line)))
    for tier in drill.tiers:
        allowed = f"{words('allowed')} {words.time(tier.rto_s)}" if tier.rto_s is not None else words("no_limit")
        say(f"{tier.tier}: {words('measured_rto')} {words.time(tier.restore_s)} ({allowed})")
        if tier.unusable:
            say(f"  {words('not_usable')}: {plain(words.said(tier.unusable))}")
    print_table(
        [
            words("source"),
            words("tier"),
            words("verdict"),
            Column(words("point"), spare=1),
            Column(words("age"), spare=3, right=True),
            Column(words("size"), spare=2, right=True),
            Column(words("proof"), spare=4),
        ],
        [
            (
                each.source,
                each.tier,
                Styled(words("passed" if each.passed else "failed"), STYLES[each.passed]),
                each.time.replace("T", " ", 1),
                f"{words.time(each.age_s)} ({words.time(each.rpo_s)})" if each.age_s is not None else "",
                size(each.size_bytes),
                words.said(each.proof or each.proof_before),
            )
            for each in drill.sources
        ],
    )
    checks = [(each.source, each.tier, check) for each in drill.sources for check in each.checks]
    if checks:
        click.echo()
        print_table(
            [words("source"), words("tier"), words("check"), "", Column(words("numbers"), least=24)],
            [
                (
                    source,
                    tier,
                    words.said(check.name),
                    Styled("✓" if check.passed else "✗", STYLES[check.passed]),
                    words.said(check.detail),
                )
                for source, tier, check in checks
            ],
        )


def _print_journal(report: Report, words: Words) -> None:
    _section(words("journal"))
    sound = not report.journal.faults
    state = Styled(words("sound" if sound else "damaged"), STYLES[sound])
    say(f"{words('verified')}: ", state, f", {report.journal.events} {words('events')}")
    for fault in report.journal.faults:
        say(f"  - {plain(words.said(fault))}")
    say(f"{words('head')}: {report.journal.head}")


def _section(title: str) -> None:
    click.echo()
    say(Styled(title, "bold"))
