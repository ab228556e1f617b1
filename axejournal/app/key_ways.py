"""Where each password is kept, and what backs that up: what domain/key_loops follows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.domain.key_loops import PAPER

if TYPE_CHECKING:
    from axejournal.config.models import Config

KEPT_BELOW = {"keychain": "~/Library/Keychains", "secret-tool": "~/.local/share/keyrings"}
"""Where the system keeps what these name."""


def key_ways(config: Config, on_paper: set[str], held: set[tuple[str, str]]) -> dict[str, list[str]]:
    """What gives back what, for key_loops: each tier by the place of its password, each place by the tiers that back it up.
    `held`: which tier holds which source. A tier that paper opens rescues only what it holds already; of the others it does
    not matter."""
    from axejournal.programs.secrets.source import PasswordSource

    ways: dict[str, list[str]] = {}
    tiers = [name for name, _ in config.tiers.items()]
    for name, tier in config.tiers.items():
        if tier.kind == "cold":
            ways[name] = [PAPER]
            continue
        source = PasswordSource.of(tier.password.reference)
        ways[name] = [str(source), *([PAPER] if name in on_paper else [])]
        text = source.value if isinstance(source.value, str) else " ".join(source.value)
        place = Path(KEPT_BELOW.get(source.kind, text if source.kind == "file" else "/nowhere")).expanduser()
        inside = [source_name for source_name, folder in config.folders.items() if place.is_relative_to(folder.path)]
        by_paper = {each for each, settings in config.tiers.items() if settings.kind == "cold"} | on_paper
        holding = {each for each in tiers if each not in by_paper or any((each, one) in held for one in inside)}
        ways[str(source)] = [each for each in tiers if each in holding] if inside else []
    return ways
