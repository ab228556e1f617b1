"""The README says what the program does: its diagrams are the program's own, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from axejournal.cli.main import COMMANDS
from axejournal.jobs import JOBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", re.findall(r"<!-- graph: (\S+) -->", README))
def test_readme_diagram_is_what_axej_jobs_graph_draws(name):
    shown = README.split(f"<!-- graph: {name} -->\n```mermaid\n")[1].split("```")[0]
    assert shown == JOBS[name].machine.mermaid(), f'put in what "axej jobs graph {name}" prints'


def test_readme_names_only_commands_that_exist():
    named = set(re.findall(r"^\s*(?:\$ )?axej? ([a-z]+)", README, re.MULTILINE))
    assert named
    assert named <= set(COMMANDS)


def test_readme_links_lead_to_files():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
