"""The demo's files folder: contracts, receipts, exports, as the operator's `.local/files` holds them; the same every time."""

from __future__ import annotations

import random
from pathlib import Path

FOLDER = Path(".local") / "files"
REQUIRED = {"contracts/**/*.pdf": 80, "receipts/**/*.jpg": 150, "exports/*.csv": 24}
"""Patterns below FOLDER, and how many files each matches at least: what a wrong exclude file would hide."""
CONTRACTS, RECEIPTS, MONTHS = 96, 180, 24
_PARTIES = (
    "한빛 물산",
    "가온테크",
    "Northwind Labs",
    "새봄 파트너스",
    "Cedar & Co.",
    "아라 로지스틱스",
    "Blue Harbor",
    "누리 솔루션",
)
_PAPERS = ("용역계약서", "비밀유지계약서", "임대차계약서", "Service agreement", "Amendment")


def write_files(directory: Path) -> Path:
    """Fills `directory`/.local/files (about 320 files, 14 MB) and returns that folder. May be called twice."""
    folder, chance = directory / FOLDER, random.Random(20_260_520)
    for number in range(CONTRACTS):
        party, paper = chance.choice(_PARTIES), chance.choice(_PAPERS)
        name = f"{paper} {number + 1:03d}.pdf"
        _write(
            folder / "contracts" / str(2022 + number % 5) / party / name,
            b"%PDF-1.7\n" + chance.randbytes(chance.randint(20_000, 120_000)),
        )
    for number in range(RECEIPTS):
        place = folder / "receipts" / f"2026-{1 + number % 5:02d}" / f"영수증_{number + 1:04d}.jpg"
        _write(place, b"\xff\xd8\xff\xe0" + chance.randbytes(chance.randint(8_000, 70_000)))
    for number in range(MONTHS):
        month = f"{2024 + number // 12}-{1 + number % 12:02d}"
        rows = (f"{month}-{day:02d},{chance.choice(_PARTIES)},{chance.randint(1, 900) * 1000}" for day in range(1, 29))
        _write(folder / "exports" / f"{month}.csv", "\n".join(("날짜,거래처,금액", *rows, "")).encode())
    _write(folder / "README.txt", "원본 폴더입니다. 지우지 마세요.\nOriginals. Do not delete.\n".encode())
    for number in range(20):
        _write(folder / "cache" / f"thumbnail-{number:02d}.tmp", chance.randbytes(4_000))
    return folder


def change_files(directory: Path, day: int = 1) -> None:
    """A working day: six new receipts and a grown export. Days are numbered from 1."""
    folder, chance = directory / FOLDER, random.Random(day)
    for number in range(6):
        _write(folder / "receipts" / "2026-06" / f"영수증_{day:03d}-{number}.jpg", b"\xff\xd8\xff\xe0" + chance.randbytes(40_000))
    with (folder / "exports" / "2025-12.csv").open("a", encoding="utf-8") as export:
        export.write(f"2025-12-31,{chance.choice(_PARTIES)},{day}\n")


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
