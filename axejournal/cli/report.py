"""`axej report`: the evidence of a quarter, for whoever asks whether the backups can be restored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.cli.report_words import Words
    from axejournal.domain.report import Report


@click.command(cls=Command, short_help="Print the evidence of a quarter: drills, gaps, trends.")
@click.option("--quarter", metavar="QUARTER", help="Such as 2026Q2 (else the present one).")
@click.option("--html", "html", metavar="FILE", help="As one HTML page, with curves; - for stdout.")
@click.option("--language", type=click.Choice(["en", "ko"]), help="Else that of the configuration.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def report(quarter: str | None, html: str | None, language: str | None, as_json: bool) -> None:
    """Print the evidence of a quarter: drills, gaps, trends.

    \b
    Example:
      axej report
      axej report --quarter 2026Q2 --html report.html

    For each drill: what was restored from where, the verdict of every check with its numbers, how old the restore point
    was and how long the restore took, against what is allowed. Then what is missing: sources and tiers without a drill,
    data that was never read. The journal is verified whole, and its head hash is printed.
    """
    if html is not None and as_json:
        raise UsageFault("--html and --json don't go together", "Write one of them.")
    from axejournal.app.evidence import gather
    from axejournal.cli.report_words import Words

    here = context()
    found = gather(here.light, here.journal_path, here.config_path, _quarter(here, quarter), here.now())
    words = Words(language or here.light["language"])
    if as_json:
        from axejournal.cli.output import print_json

        print_json(_as_json(found))
    elif html is not None:
        _write(found, words, here.zone, html)
    else:
        from axejournal.cli.report_text import print_report

        print_report(found, words, here.zone)


def _quarter(here: Context, text: str | None) -> Any:
    from zoneinfo import ZoneInfo

    from axejournal.domain.rotation import Quarter

    if text is None:
        return Quarter.of(here.now().astimezone(ZoneInfo(here.zone)).date())
    try:
        return Quarter.read(text.upper())
    except ValueError:
        raise UsageFault(f"{text!r} is no quarter", 'Write it as "2026Q2".') from None


def _write(found: Report, words: Words, zone: str, html: str) -> None:
    """Whole or not at all: a page that is half written looks like evidence."""
    import os

    from axejournal.cli.report_page import page

    text = page(found, words, zone)
    if html == "-":
        click.echo(text, nl=False)
        return
    target = Path(html)
    made = target.with_name(f".{target.name}.part")
    try:
        made.write_text(text, encoding="utf-8")
        os.replace(made, target)  # noqa: PTH105 (the same in fewer words)
    except OSError as fault:
        made.unlink(missing_ok=True)
        raise UsageFault(f"{target} can't be written: {fault.strerror}", "Name a file in a folder that you may write.") from None
    click.echo(f"{target}: {len(text) // 1024} KiB, {len(found.drills)} drills, {len(found.gaps)} gaps")


def _as_json(found: Report) -> dict[str, Any]:
    """Later versions add keys and change none."""
    from dataclasses import asdict

    from axejournal.cli.report_words import Words

    plain = asdict(found)
    english = Words("en")
    plain["gaps"] = [{"kind": gap.kind, **gap.values, "text": english.gap(gap)} for gap in found.gaps]
    plain["restore_s"] = found.restore_s
    return plain
