"""A world whose drill is quick."""

from __future__ import annotations

import pytest

from tests.world.home import World


@pytest.fixture
def world(make_world) -> World:
    """One database and files, backed up once."""
    made = make_world(databases=("frame",))
    made.config["sources"]["files"]["require"] = [{"pattern": "ledger/**/*.csv", "at_least": 12}]
    check = {"run": "psql -XAtc 'SELECT count(*) FROM journal_line'", "expect": "^2000$"}
    made.config["sources"]["frame"]["drill"] = {"checks": [check]}
    made.write()
    made.axej("backup", "--local", expect=0)
    return made
