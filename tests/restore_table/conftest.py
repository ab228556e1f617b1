"""Worlds with one more database, backed up once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.restore_table.tables import Restores
from tests.world.home import World, reach


@pytest.fixture
def restores(make_world: Callable[..., World]) -> Callable[..., Restores]:
    """`restores(sql)`, `restores(file=PATH)`: a world whose database `frame` was made by these statements and is backed up."""

    def make(sql: str = "", file: Path | None = None, **settings: object) -> Restores:
        world = make_world(databases=())
        database = world.database("frame", sql=sql, file=file)
        world.add_source("frame", kind="postgres", **reach(world.server), database=database, **settings)
        world.axej("backup", "--local", expect=0)
        return Restores(world, database)

    return make
