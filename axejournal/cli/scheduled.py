"""What a scheduled call has to do: nothing, most of the time. Answered from the configuration's cache and one indexed
read of the journal, without pydantic, yaml, click or SQLAlchemy."""

from __future__ import annotations

import os
from pathlib import Path


def nothing_due(words: list[str]) -> bool:
    """Whether a call such as `axej backup --local --scheduled` has nothing to resume and nothing to run.

    False whenever that can't be told cheaply (no cache, other words): then the whole program looks.
    """
    tier = _tier(words)
    config_path = _config_path(words)
    if tier is None or config_path is None:
        return False
    from axejournal.config import cache

    effective = cache.read(config_path)
    if effective is None:
        return False
    from axejournal import due
    from axejournal.domain.errors import AxejError
    from axejournal.programs.clock import SystemClock

    journal = Path(effective["state"]) / "journal.sqlite"
    try:
        return not due.anything_open(journal) and due.due_slot(tier, effective, journal, config_path, SystemClock().now()) is None
    except AxejError:
        return False


def _tier(words: list[str]) -> str | None:
    rest = [word for word in words if word != "--scheduled"]
    if "--config" in rest:
        at = rest.index("--config")
        rest = rest[:at] + rest[at + 2 :]
    return "local" if rest == ["backup", "--local"] else None


def _config_path(words: list[str]) -> Path | None:
    """`--config FILE` before the command, else AXEJ_CONFIG, else the default place."""
    given = words[words.index("--config") + 1] if "--config" in words[:-1] else os.environ.get("AXEJ_CONFIG")
    path = Path(given) if given else Path.home() / ".axe" / "axej.yaml"
    return path.absolute() if path.is_file() else None
