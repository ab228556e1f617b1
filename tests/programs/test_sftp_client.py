"""What is asked over sftp: of OpenSSH's own server and of ours."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from axejournal.programs.ssh import sftp_client as sftp
from axejournal.programs.ssh.sftp_client import Gone, Refused, Session, Silent
from tests.world.needs import need

OPENSSH = ("/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server", "/usr/libexec/openssh/sftp-server")


@pytest.fixture(params=["OpenSSH's", "ours"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """A session with a server whose folder is tmp_path."""
    need("sshd")
    theirs = next((place for place in OPENSSH if Path(place).exists()), None)
    ours = [sys.executable, "-m", "axejournal", "ring", "serve", str(tmp_path)]
    if request.param != "ours" and theirs is None:
        pytest.skip("sftp-server is not where it usually is")
    argv = ours if request.param == "ours" else [str(theirs)]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path)
    assert child.stdin and child.stdout
    yield Session(child.stdin, child.stdout, 20)
    child.stdin.close()
    child.wait(10)
    child.stdout.close()


def test_folder_is_looked_at_and_written_in(session: Session, tmp_path: Path):
    """Several talks at once; a long listing and a long file take several answers; what is not there is None."""
    many = {f"{number:03}" for number in range(250)}
    (tmp_path / "many").mkdir()
    for name in many:
        (tmp_path / "many" / name).touch()
    content = bytes(range(256)) * 400
    session.together(sftp.store(f"{tmp_path}/letter", b"old"))
    session.together(sftp.store(f"{tmp_path}/letter", content))  # over what is there
    there, names, whole, begin, free, nothing, no_file = session.together(
        sftp.is_there(str(tmp_path)),
        sftp.names("many"),
        sftp.content("letter", 1 << 20),
        sftp.content("letter", 10),
        sftp.free_bytes(str(tmp_path)),
        sftp.names("nowhere"),
        sftp.content("nowhere", 10),
    )
    assert (there, set(names), nothing, no_file) == (True, many, None, None)
    assert (whole, begin) == (content, content[:10])
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
    session.together(sftp.remove("letter"), sftp.remove("letter.gone"))
    assert {path.name for path in tmp_path.iterdir()} == {"many"}


def test_what_can_not_be_done_is_refused_and_the_session_goes_on(session: Session, tmp_path: Path):
    with pytest.raises(Refused) as caught:
        session.together(sftp.store(f"{tmp_path}/nowhere/letter", b"x"))
    assert caught.value.is_right
    assert session.together(sftp.is_there("nowhere")) == [False]


@pytest.mark.parametrize(("script", "fault"), [("printf 'Welcome to this machine'", Gone), ("true", Gone), ("sleep 9", Silent)])
def test_other_side_that_speaks_no_sftp_is_given_up(script: str, fault: type[Exception]):
    begin = time.monotonic()
    child = subprocess.Popen(["sh", "-c", f"exec 2>&1; {script}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin and child.stdout
    with pytest.raises(fault):
        Session(child.stdin, child.stdout, 0.3)
    child.kill()
    with contextlib.suppress(BrokenPipeError):  # what it did not read
        child.stdin.close()
    child.wait(5)
    child.stdout.close()
    assert time.monotonic() - begin < 5
