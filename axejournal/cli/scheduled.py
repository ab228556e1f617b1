"""What a scheduled call has to do: nothing, most of the time. Answered from the configuration's cache and one indexed
read of the journal, without pydantic, yaml, click or SQLAlchemy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any


def nothing_due(words: list[str]) -> bool:
    """Whether a call such as `axej backup --local --scheduled` has nothing to resume and nothing to run.

    False whenever that can't be told cheaply (no cache, other words), once an hour (to see what is overdue), and while a
    message waits to be sent: then the whole program looks.
    """
    config_path = _config_path(words)
    if config_path is None:
        return False
    from axejournal.config import cache

    effective = cache.read(config_path)
    name = _schedule(words, effective["tiers"]) if effective else None
    if effective is None or name is None:
        return False
    from axejournal.app import due
    from axejournal.domain.errors import AxejError
    from axejournal.programs.clock import SystemClock

    state, now = Path(effective["state"]), SystemClock().now()
    journal = state / "journal.sqlite"
    try:
        quiet = not due.anything_open(journal) and due.due_slot(name, effective, journal, config_path, now) is None
        return quiet and due.looked_lately(state, now) and not _waiting(effective, journal, now)
    except AxejError:
        return False


def _waiting(effective: Mapping[str, Any], journal: Path, now: datetime) -> bool:
    """Whether a message is to be sent."""
    from axejournal.domain.channels import channel_names
    from axejournal.journal.outbox import waiting

    names = channel_names(effective["notify"], effective["heartbeat"])
    return bool(waiting(journal, effective["customer"], names, now))


def _schedule(words: list[str], tiers: Mapping[str, Any]) -> str | None:
    """The schedule that these words ask for; None for words that are none of a scheduler's."""
    rest = [word for word in words if word != "--scheduled"]
    if "--config" in rest:
        at = rest.index("--config")
        rest = rest[:at] + rest[at + 2 :]
    match rest:
        case ["backup", "--local"]:
            return "local"
        case ["ring", "push"]:
            return "ring"
        case ["ring", "push", name] if name in tiers:
            return name
        case ["drill" | "check" as name]:
            return name
    return None


def _config_path(words: list[str]) -> Path | None:
    """`--config FILE` before the command, else AXEJ_CONFIG, else the default place."""
    given = words[words.index("--config") + 1] if "--config" in words[:-1] else os.environ.get("AXEJ_CONFIG")
    path = Path(given) if given else Path.home() / ".axe" / "axej.yaml"
    return path.absolute() if path.is_file() else None
