from __future__ import annotations

import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from axejournal.domain.errors import AxejError, DiskFull
from axejournal.programs.disk import SystemDisk, write_durable
from tests.world.needs import need


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    need("root", "loop")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_free_bytes_of_a_path_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    free = SystemDisk().free_bytes(tmp_path / "not" / "yet")
    assert abs(free - shutil.disk_usage(tmp_path).free) < 200_000_000


def test_free_bytes_is_of_the_disk_that_is_mounted_there(small_disk: Path) -> None:
    (small_disk / "half").write_bytes(b"x" * 500_000)
    assert 400_000 < SystemDisk().free_bytes(small_disk / "new") < 600_000


def test_write_durable_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "axej.yaml"
    path.write_text("before")
    for _ in range(2):
        write_durable(path, b"after", mode=0o640)
    assert path.read_bytes() == b"after" and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert _names(tmp_path) == ["axej.yaml"]


def test_write_durable_is_for_this_user_only_unless_told_otherwise(tmp_path: Path) -> None:
    write_durable(tmp_path / "secret", b"x")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_write_durable_on_a_full_disk_keeps_what_was_there(small_disk: Path) -> None:
    path = small_disk / "kept"
    write_durable(path, b"before")
    with pytest.raises(DiskFull, match=r"2,000,000 bytes") as caught:
        write_durable(path, b"x" * 2_000_000)
    assert str(path) in caught.value.message
    assert path.read_bytes() == b"before" and _names(small_disk) == ["kept"]


def test_write_durable_into_a_missing_folder_says_which(tmp_path: Path) -> None:
    with pytest.raises(AxejError, match="gone/file can't be written: No such file"):
        write_durable(tmp_path / "gone" / "file", b"x")


def test_write_durable_flushes_before_and_after_the_rename(tmp_path: Path) -> None:
    need("strace")
    if platform.system() != "Linux":
        pytest.skip("strace is Linux's")
    trace = tmp_path / "trace"
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from axejournal.programs.disk import write_durable\n"
        f"write_durable(Path({str(tmp_path / 'file')!r}), b'x')\n"
    )
    watched = ("strace", "-f", "-e", "trace=fsync,rename,renameat,renameat2", "-o", trace)
    subprocess.run([*watched, sys.executable, script], check=True)
    calls = [line.split("(")[0].split()[-1].rstrip("at2") for line in trace.read_text().splitlines() if "(" in line]
    assert [call for call in calls if call in ("fsync", "rename")] == ["fsync", "rename", "fsync"]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
