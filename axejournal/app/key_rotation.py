"""Another password for a repository whose password is in a file."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.domain.errors import UsageFault, WrongPassword
from axejournal.programs.disk import sync_folder, write_durable
from axejournal.programs.process_hidden import Hidden
from axejournal.programs.restic.disk import add_key, key_ids, own_key, remove_key
from axejournal.programs.secrets.source import PasswordSource

if TYPE_CHECKING:
    from axejournal.app.parts import Parts
    from axejournal.programs.restic.repository import ResticRepository

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are read wrongly from paper


@dataclass(frozen=True)
class FileRotation:
    """See jobs/rotating_keys.Rotation. The new password lies beside the old one, under its name and `.new`."""

    parts: Parts
    tier: str
    path: Path

    @property
    def beside(self) -> Path:
        return self.path.with_name(f"{self.path.name}.new")

    def stage(self) -> str:
        """See Rotation."""
        old = _full_id(self._by(self.path))
        if not self.beside.exists():
            words = ("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(6))
            write_durable(self.beside, ("-".join(words) + "\n").encode())
        return old

    def add(self) -> str:
        """See Rotation."""
        try:
            return _full_id(self._by(self.beside))
        except WrongPassword:
            return add_key(self._by(self.path), Hidden(self.beside.read_text(encoding="utf-8").strip()))

    def switch(self) -> None:
        """See Rotation."""
        if self.beside.exists():
            self.beside.replace(self.path)
            sync_folder(self.path.parent)

    def remove(self, old: str) -> tuple[str, ...]:
        """See Rotation."""
        repository = self._by(self.path)
        if old in key_ids(repository) and _full_id(repository) != old:
            remove_key(repository, old)
        return key_ids(repository)

    def identity(self) -> str:
        """See Rotation."""
        return self._by(self.path).identity()

    def _by(self, path: Path) -> ResticRepository:
        from dataclasses import replace

        return replace(self.parts.repository(self.tier), password=PasswordSource("file", str(path)), answered={})


def file_rotation(parts: Parts, tier: str) -> FileRotation:
    """Of a tier whose password is in a file. Raises UsageFault, with what to type, for one that is kept elsewhere."""
    settings = dict(parts.config.tiers.items()).get(tier)
    if settings is None:
        raise UsageFault(
            f"no tier is called {tier}", f"Write one of {', '.join(name for name, _ in parts.config.tiers.items())}."
        )
    if settings.kind == "cold":
        hint = 'Write a new password on paper, then, with the disk connected: "restic -r PLACE key passwd", and "axej cold sync".'
        raise UsageFault(f"the password of tier {tier} is on paper: only a person can change it", hint)
    source = PasswordSource.of(settings.password.reference)
    if source.kind != "file" or not isinstance(source.value, str):
        hint = (
            f'Add a key by hand: "restic -r {parts.repository(tier).place} key add"; store the new password at {source}; '
            '"axej keys verify"; then "restic key remove" the old one.'
        )
        raise UsageFault(f"tier {tier}: axej can't write {source}", hint)
    return FileRotation(parts, tier, Path(source.value).expanduser())


def _full_id(repository: ResticRepository) -> str:
    own = own_key(repository)
    return next(key for key in key_ids(repository) if key.startswith(own))
