"""The words of restic's commands, without the program, the repository and its password. Reads take no lock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from axejournal.domain.errors import UsageFault
from axejournal.domain.ports import BackupOrder


def backup(order: BackupOrder) -> tuple[str, ...]:
    """Raises UsageFault for a relative path and for a tag that restic would split."""
    relative = [path for path in order.paths if not path.is_absolute()]
    if relative:
        raise UsageFault(f"path {relative[0]} is relative: the snapshot would not say where it was")
    tags = (word for tag in order.tags for word in ("--tag", _tag(tag)))
    excludes = (word for path in order.exclude_files for word in ("--exclude-file", str(path)))
    parent = ("--parent", order.parent) if order.parent else ()
    return ("backup", "--host", order.host, *tags, *excludes, *parent, "--", *map(str, order.paths))


def snapshots(tags: Sequence[str]) -> tuple[str, ...]:
    """Those that carry all these tags: a comma is an and."""
    return ("snapshots", "--no-lock", *(("--tag", ",".join(map(_tag, tags))) if tags else ()))


def listing(snapshot: str, folder: str) -> tuple[str, ...]:
    """All below a folder, which is taken literally; the folder itself comes first."""
    if folder.strip("/"):
        return ("ls", "--no-lock", "--recursive", "--", snapshot, folder)
    return ("ls", "--no-lock", "--", snapshot)


def entry(snapshot: str, path: str) -> tuple[str, ...]:
    """One entry, if it is there (and what a folder holds directly)."""
    return ("ls", "--no-lock", "--", snapshot, path)


def restore(snapshot: str, paths: Sequence[str], target: Path) -> tuple[str, ...]:
    """These paths below `target`; all when none is named. An absolute pattern is as fast as `snapshot:folder` (measured:
    restic walks only what can match) and keeps the folders above with their owners and modes."""
    chosen = () if "/" in paths else tuple(f"--include={literal(path)}" for path in paths)
    return ("restore", "--no-lock", "--target", str(target), *chosen, "--", snapshot)


def check(part: int | None, of: int | None) -> tuple[str, ...]:
    """With the data of part `part` of `of`."""
    return ("check", *((f"--read-data-subset={part}/{of}",) if part and of else ()))


def literal(path: str) -> str:
    """A path as a pattern that matches only itself (Go's filepath.Match: a backslash takes the meaning away)."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", path)


def below(target: Path, path: str) -> Path:
    """Where an absolute path of a snapshot is restored to."""
    return target / path.lstrip("/")


def _tag(tag: str) -> str:
    if "," in tag or not tag:
        raise UsageFault(f"tag {tag!r} is empty or has a comma in it, which restic takes for the end of the tag")
    return tag
