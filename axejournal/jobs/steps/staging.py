"""Folders of the staging area that are whole or not there: made beside their place with a manifest, renamed into it.

So a complete dump can be told from a cut one after a crash, and a new machine without a journal can compare too.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from axejournal.domain.events import Fact

Made = TypeVar("Made", bound=Fact)
MANIFEST = "axej-dump.json"
MEMORY_FOLDER = "axej"  # below the staging folder: what a new machine starts from
PARTIAL, PHYSICAL = ".partial", ".physical"  # what comes after a source's folder: half a dump, a copy of its server
NOT_PLAIN = str.maketrans({"/": "%2F", "%": "%25", "\0": "%00"})


def folder_of(staging: Path, source: str) -> Path:
    """Where a source's dump lies: the same path every night, so that restic finds its parent. Never a folder of another's:
    a source may be called `axej`, or `frame.partial` beside `frame`."""
    plain = source.translate(NOT_PLAIN)
    is_ours = plain == MEMORY_FOLDER or plain.endswith((PARTIAL, PHYSICAL))
    return staging / (f"{plain}%" if is_ours else plain)


def physical_folder(staging: Path, source: str) -> Path:
    """Where a source's physical copy lies."""
    dump = folder_of(staging, source)
    return dump.with_name(dump.name + PHYSICAL)


def staged(folder: Path, run: str) -> dict[str, Any] | None:
    """The manifest of a folder that this run made whole: `fact`, its fact's name, beside the fact's fields."""
    manifest = folder / MANIFEST
    content: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    return content if content.get("run") == run else None


def stage(folder: Path, run: str, make: Callable[[Path], Made]) -> Made:
    """Has a folder made, by `make`, which gets a new one beside its place; what was there before is removed."""
    partial = folder.with_name(folder.name + PARTIAL)
    for stale in (partial, folder):
        if stale.exists():
            shutil.rmtree(stale)
    partial.mkdir(parents=True, mode=0o700)
    try:
        fact = make(partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)  # on a full disk the journal needs the room
        raise
    fields: dict[str, Any] = dataclasses.asdict(fact)  # type: ignore[call-overload]  # every fact is a dataclass
    write_durably(partial / MANIFEST, {"run": run, "fact": type(fact).__name__, **fields})
    partial.rename(folder)
    sync_directory(folder.parent)
    return fact


def write_durably(path: Path, content: dict[str, Any]) -> None:
    """JSON, for its owner only, on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Makes a rename in it durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
