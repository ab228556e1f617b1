"""The help pages: the one that the build keeps, the one-line summaries, and what every page must have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from axejournal.cli import main

KEPT = Path(main.__file__).parent / "help.txt"
MAKE = "COLUMNS=80 python -c 'from axejournal.cli.main import run; run([\"--help\"])' > axejournal/cli/help.txt"


def loaded(name: str) -> click.Command:
    found = main.axej.get_command(click.Context(main.axej), name)
    assert found is not None
    return found


def commands() -> dict[str, click.Command]:
    """Every command by its words: `journal verify`."""
    found: dict[str, click.Command] = {}
    for name in main.COMMANDS:
        found[name] = command = loaded(name)
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}": command.commands[inner] for inner in command.commands}
    return found


def page(command: click.Command, name: str) -> str:
    return command.get_help(click.Context(command, info_name=f"axej {name}", terminal_width=80))


def test_kept_help_equals_what_click_says_at_80_columns():
    code = 'from axejournal.cli.main import run; run(["--help"])'
    environment = {**os.environ, "COLUMNS": "80"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert KEPT.read_text(encoding="utf-8") == said.stdout, f"make it anew: {MAKE}"


@pytest.mark.parametrize("name", main.COMMANDS)
def test_summary_of_the_root_equals_the_commands_own(name):
    assert loaded(name).get_short_help_str(limit=200).rstrip(".") == main.SUMMARIES[name].rstrip(".")


@pytest.mark.parametrize(("name", "command"), commands().items(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_help_has_an_example_and_the_exit_codes(name, command):
    text = page(command, name)
    assert "Exit status:" in text
    assert "12 wrong password" in text
    assert "Example:" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_plain_help_needs_no_click(words):
    code = (
        "import sys; sys.argv = ['axej', *sys.argv[1:]]\n"
        "from axejournal.cli.door import main\n"
        "try: main()\n"
        "except SystemExit as ended: print('exit', ended.code)\n"
        "print('click' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True).stdout
    assert said == f"{KEPT.read_text(encoding='utf-8')}exit 0\nFalse\n"
