"""The recovery card of a cold disk: what somebody needs who has the disk and the paper, and neither axej nor this machine."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.app import App


@dataclass(frozen=True)
class Card:
    """What stands on it; no password. `commands`: what each is for, and what to type."""

    customer: str
    disk: str
    repository: str
    volume: str
    filesystem: str
    restic: str
    made_at: str
    commands: tuple[tuple[str, str], ...]


def card_of(app: App, run: Run) -> Card:
    """The card of the disk that a run prepared."""
    from axejournal.domain.facts.cold import DiskRecorded

    made = run.find(DiskRecorded)
    assert made is not None
    place = made.place
    commands = (
        ("Get restic (Mac; Debian)", "brew install restic; apt install restic"),
        ("See what is on the disk", f"restic -r {place} snapshots --tag customer={app.config.customer} --compact"),
        ("Bring everything of one snapshot back", f"restic -r {place} restore SNAPSHOT --target ~/restored"),
        ("Find the databases in it", "find ~/restored -name axej-dump.json -o -name RESTORE.txt"),
        ("Load one into an empty PostgreSQL", "pg_restore --create --exit-on-error -d postgres FOLDER/dump"),
        ("Or, with axej: everything, in order", f"axej recover --from cold --repository {place}"),
    )
    version = app.restic_version()
    return Card(app.config.customer, made.disk, made.repository, made.volume, made.filesystem, version, app.now_text(), commands)


def as_text(card: Card) -> str:
    """For the terminal."""
    lines = [
        "",
        f"RECOVERY CARD: cold disk {card.disk} of {card.customer}",
        f"  repository  {card.repository}",
        f"  volume      {card.volume} ({card.filesystem})",
        f"  restic      {card.restic} or newer",
        f"  made        {card.made_at}",
        "",
        "  The password is not here. It is on paper, and nowhere else: write it in block letters, groups of four,",
        "  on two sheets, in two places, neither with the disk. Try it once a quarter: axej keys verify --paper",
        "",
    ]
    for what, command in card.commands:
        lines += [f"  {what}:", f"    {command}"]
    lines += ["", "  The disk may appear at another place than written here: put that place into the commands.", ""]
    return "\n".join(lines)


def as_page(card: Card) -> str:
    """A page to print, whole in itself."""
    rows = (
        ("Repository", card.repository),
        ("Volume", f"{card.volume} ({card.filesystem})"),
        ("restic", f"{card.restic} or newer"),
        ("Made", card.made_at),
    )
    table = "".join(f"<tr><th>{name}</th><td><code>{html.escape(value)}</code></td></tr>" for name, value in rows)
    steps = "".join(f"<li>{html.escape(what)}<pre>{html.escape(command)}</pre></li>" for what, command in card.commands)
    boxes = '<span class="box"></span>' * 8
    title = html.escape(f"Cold disk {card.disk} of {card.customer}")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4; margin: 18mm }}
body {{ font: 11pt/1.5 system-ui, sans-serif; max-width: 42em; margin: 2em auto; color: #111 }}
h1 {{ font-size: 20pt; border-bottom: 2pt solid #111 }}
th {{ text-align: left; padding-right: 1.5em; font-weight: 600 }}
code, pre {{ font: 10pt/1.4 ui-monospace, Menlo, monospace; word-break: break-all; white-space: pre-wrap }}
pre {{ background: #f2f2f2; padding: .4em .7em; margin: .2em 0 .8em }}
.box {{ display: inline-block; width: 9.5em; height: 2.2em; border-bottom: 1pt solid #111; margin: 0 .8em .8em 0 }}
</style></head><body>
<h1>{title}</h1>
<p>What is needed to bring the data back from this disk alone, without axej and without the old machine.</p>
<table>{table}</table>
<h2>Password</h2>
<p>By hand, in block letters, four characters a field. It is stored nowhere: without it the disk is worth nothing.
Keep this sheet away from the disk.</p>
<p>{boxes}</p>
<h2>Commands</h2>
<ol>{steps}</ol>
<p>The disk may appear at another place than written here: put that place into the commands.</p>
</body></html>
"""
