"""Where a ring's copies can be, for tests."""

from __future__ import annotations

from pathlib import Path

from tests.world.home import PASSWORD, World
from tests.world.repositories import Repository


def peer_in_a_folder(world: World, folder: Path) -> Repository:
    """Adds a ring to a world whose peer is a folder: what is the same for every place that restic reaches. Its repository
    is not there yet."""
    password = folder / "peer-password"
    password.write_text(f"{PASSWORD} at the peer's\n")
    made = Repository(folder / "peer", password, world.repository.restic, folder / "peer-cache")
    world.config["tiers"]["ring"] = {
        "repository": str(made.path),
        "password": {"file": str(password)},
        "schedule": "30 3 * * *",
    }
    world.write()
    return made
