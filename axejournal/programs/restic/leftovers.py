"""What a killed restic leaves in a repository's folder: a pack that was half written.

restic writes a pack as `data/xx/NAME-tmp-NUMBER` and renames it (backend/local, 0.19); nothing of restic's ever removes
one that stayed. Up to 17 MB each, five at once.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

PATTERN = "[0-9a-f][0-9a-f]/*-tmp-*"


def half_written(folder: Path | None) -> tuple[Path, ...]:
    """The packs in a repository's folder that are being written, or were when their restic died. None: not on this machine."""
    return tuple((folder / "data").glob(PATTERN)) if folder and (folder / "config").is_file() else ()


def remove(files: tuple[Path, ...]) -> None:
    """Removes them; those that are gone are fine, those that can't be removed stay."""
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()
