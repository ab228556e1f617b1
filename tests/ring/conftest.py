"""Two companies: `axe`, which pushes, and `realchoice` behind a real sshd, which keeps axe's copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.world.home import PASSWORD, World
from tests.world.repositories import Repository
from tests.world.sshd import Sshd, make_key, ring_of


@dataclass
class Ring:
    """`there`: our folder at the peer's; `here`: the peer's at ours; `copies`: the repository there, seen from its disk."""

    world: World
    sshd: Sshd
    key: Path
    there: Path
    here: Path
    copies: Repository

    def configure(self, **more: object) -> None:
        """Writes axej.yaml and customers.yaml; `more` goes into ring_backup."""
        known = ring_of(self.sshd, "realchoice", self.there, self.here, **more)
        (self.world.config_path.parent / "customers.yaml").write_text(yaml.safe_dump(dict(known)))
        self.world.write()

    def authorize(self, confined: bool = True) -> None:
        """What the peer's operator does: our key is let in."""
        public = self.key.with_suffix(".pub").read_text()
        python = self.world.axej_words
        command = f'restrict,command="{" ".join(python)} ring serve {self.there}" ' if confined else ""
        self.sshd.keys.write_text(f"{command}{public}")

    def set_up(self) -> None:
        """Consent, host key, repository."""
        self.world.axej("ring", "consent", "--as", "Kim, axe", "--as", "Lee, realchoice", expect=0)
        self.world.axej("ring", "verify", expect=3)
        self.world.axej("ring", "init", expect=0)
        self.copies.quicken()


@pytest.fixture
def make_ring(make_world: Callable[..., World], make_sshd: Callable[..., Sshd], tmp_path: Path) -> Callable[..., Ring]:
    """Makes rings: `make_ring(databases=())`. Nothing is set up in them yet."""

    def make(name: str = "axe", databases: tuple[str, ...] = (), confined: bool = True, **sshd_more: Any) -> Ring:
        world = make_world(name, databases=databases)
        sshd = make_sshd(**sshd_more)
        there, here = tmp_path / f"peer of {name}" / "backups", world.folder / "peer" / "realchoice"
        if " " in str(there) and confined:
            there = tmp_path / f"peer-of-{name}"
        there.mkdir(parents=True)
        key = make_key(world.home / ".ssh")
        password = world.folder / "ring-password"
        password.write_text(f"{PASSWORD} at the peer's\n")
        copies = Repository(there, password, world.repository.restic, world.folder / "peer-cache")
        world.config["customers"] = "customers.yaml"
        world.config["tiers"]["ring"] = {
            "peer": "realchoice",
            "password": {"file": str(password)},
            "identity": str(key),
            "schedule": "30 3 * * *",
        }
        ring = Ring(world, sshd, key, there, here, copies)
        ring.configure()
        ring.authorize(confined)
        return ring

    return make


@pytest.fixture
def ring(make_ring: Callable[..., Ring]) -> Ring:
    """axe's files only: a snapshot takes a second."""
    return make_ring()
