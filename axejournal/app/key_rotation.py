"""Another password for a repository: which way it goes depends on where the password is kept. Here: in a file."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.domain.errors import UsageFault, WrongPassword
from axejournal.programs.disk import sync_folder, write_durable
from axejournal.programs.process_hidden import Hidden
from axejournal.programs.restic.disk import add_key, full_key, key_ids, remove_key
from axejournal.programs.secrets.source import PasswordSource

if TYPE_CHECKING:
    from axejournal.app.parts import Parts
    from axejournal.app.typed_rotation import TypedRotation
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

    def stage(self, run: str) -> tuple[str, tuple[str, ...]]:
        """See Rotation."""
        old = self._by(self.path)
        found = full_key(old), key_ids(old)
        if not self.beside.exists():
            words = ("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(6))
            write_durable(self.beside, ("-".join(words) + "\n").encode())
        return found

    def add(self, run: str, old: str) -> str:
        """See Rotation."""
        try:
            return full_key(self._by(self.beside))
        except WrongPassword:
            return add_key(self._by(self.path), Hidden(self.beside.read_text(encoding="utf-8").strip()))

    def switch(self, run: str, new: str) -> None:
        """See Rotation."""
        if self.beside.exists():
            self.beside.replace(self.path)
            sync_folder(self.path.parent)

    def remove(self, run: str, old: str, new: str, before: tuple[str, ...]) -> tuple[str, ...]:
        """See Rotation. Nothing else can have been added: the new password was known to each attempt."""
        repository = self._by(self.path)
        if old in key_ids(repository) and full_key(repository) != old:
            remove_key(repository, old)
        return key_ids(repository)

    def identity(self) -> str:
        """See Rotation."""
        return self._by(self.path).identity()

    def _by(self, path: Path) -> ResticRepository:
        from dataclasses import replace

        return replace(self.parts.repository(self.tier), password=PasswordSource("file", str(path)), answered={})


def rotation_of(parts: Parts, options: Mapping[str, Any]) -> FileRotation | TypedRotation:
    """Of a tier, or of one disk of a cold tier. Raises UsageFault."""
    tier, disk = str(options["tier"]), str(options.get("disk") or "")
    settings = dict(parts.config.tiers.items()).get(tier)
    if settings is None:
        raise UsageFault(
            f"no tier is called {tier}", f"Write one of {', '.join(name for name, _ in parts.config.tiers.items())}."
        )
    if settings.kind != "cold":
        source = PasswordSource.of(settings.password.reference)
        if source.kind == "file" and isinstance(source.value, str):
            return FileRotation(parts, tier, Path(source.value).expanduser())
    from axejournal.app.typed_rotation import Paper, Stored, TypedRotation

    if settings.kind == "cold":
        return TypedRotation(parts, Paper(parts, tier, disk))
    return TypedRotation(parts, Stored(parts, tier, source))
