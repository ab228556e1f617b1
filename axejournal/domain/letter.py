"""The letter that each side leaves beside its repository at the other's: a small JSON file, in the clear, without a secret.

It carries the head of the writer's journal (a history that was rewritten later does not hold it), the writer's versions, a
challenge, and the answer to the challenge of the other side's letter. Whoever finds its own challenge answered in the folder
that it keeps for the peer knows that the peer's key could write there, since then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 80


@dataclass(frozen=True)
class Letter:
    """`at`: ISO 8601, by the writer's clock; `answer`: the reader's challenge that the writer saw last."""

    customer: str
    at: str
    head: str = ""
    position: int = 0
    challenge: str = ""
    answer: str = ""
    axej: str = ""
    restic: str = ""

    def write(self) -> bytes:
        """As it lies on the disk."""
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode()


def read(content: bytes | None) -> Letter | None:
    """None for no letter and for one that can't be read: what lies there may be anybody's."""
    try:
        found = json.loads(content or b"null")
    except ValueError:
        return None
    if not isinstance(found, Mapping):
        return None
    return Letter(
        customer=_text(found, "customer"),
        at=_text(found, "at"),
        head=_text(found, "head"),
        position=found["position"] if type(found.get("position")) is int else 0,
        challenge=_text(found, "challenge"),
        answer=_text(found, "answer"),
        axej=_text(found, "axej"),
        restic=_text(found, "restic"),
    )


READS_FORMAT_2 = (0, 14)
"""restic repositories that compress are of format 2; restic 0.14 is the first that reads one (release notes of 0.14.0)."""


def restic_doubt(peer: str, theirs: str, needed: str) -> str:
    """What it means that the peer's restic is older than axej needs, as one clause; "" when it is not, or nobody knows."""
    if not theirs or _numbers(theirs) >= _numbers(needed):
        return ""
    reads = "can be read there" if _numbers(theirs) >= READS_FORMAT_2 else "can't be read there (repository format 2)"
    return f"{peer} has restic {theirs}, and axej needs {needed}: it pushes nothing here; our copies stay whole, and {reads}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return "".join(each for each in value if each.isprintable())[:KEPT] if isinstance(value, str) else ""
