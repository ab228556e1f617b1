"""The peer's restic is an older one than axej needs, really: what is said of it at both ends, and what still works."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from axejournal.domain.letter import restic_doubt
from axejournal.programs.install import restic_version
from tests.ring.conftest import Ring
from tests.ring.test_verify import two as two  # the fixture


def test_an_older_restic_at_the_peer_is_told_at_both_ends_and_no_copy_suffers(two, older_restic: Path):
    ours, theirs = two
    version = ".".join(map(str, restic_version(older_restic)))
    program = theirs.world.home / ".axe" / "bin" / "restic"
    program.unlink()
    program.symlink_to(older_restic)
    theirs.world.axej("ring", "consent", "--as", "A", "--as", "B", expect=0)
    theirs.world.axej("ring", "verify", expect=3)  # it can still say which one it has
    refused = theirs.world.axej("ring", "push", expect=40)
    assert f"is {version}; 0.18.1 or newer is needed" in refused.stderr

    doubt = (
        f"realchoice has restic {version}, and axej needs 0.18.1: it pushes nothing here; our copies stay whole, and can be read"
    )
    assert doubt in ours.world.axej("ring", "verify", expect=3).stderr
    assert doubt in " ".join(ours.world.axej("ring", "status", env={"COLUMNS": "300"}, expect=0).stdout.split())
    found = next(one for one in json.loads(ours.world.axej("doctor", "--json").stdout) if one["check"] == "peer's restic")
    assert (found["level"], doubt in found["text"], "axej doctor --install" in found["hint"]) == ("WARN", True, True)

    ours.world.axej("backup", "--local", expect=0)
    ours.world.axej("ring", "consent", "--as", "A", "--as", "B", expect=0)
    ours.world.axej("ring", "init", expect=0)
    ours.world.axej("ring", "push", expect=0)
    there, password = ours.there, ours.copies.password_file
    old_restic(older_restic, f"{there}", password, "restore", "latest", "--target", str(theirs.world.folder / "read"))
    (read,) = (theirs.world.folder / "read").rglob("photo.bin")
    assert read.read_bytes() == (ours.world.files / "photo.bin").read_bytes()

    way = ("-o", f"sftp.command=ssh {ssh_words(theirs, ours)} -s sftp")
    place, words = f"sftp:peer:{theirs.there}", (theirs.copies.password_file, *way)
    old_restic(older_restic, place, *words, "init")
    old_restic(older_restic, place, *words, "backup", str(theirs.world.files))
    assert "1 snapshot here" in ours.world.axej("ring", "watch-peer", expect=0).stderr


def test_a_restic_that_reads_no_format_2_is_told_so():
    assert "can't be read there (repository format 2)" in restic_doubt("realchoice", "0.13.1", "0.18.1")
    assert restic_doubt("realchoice", "0.18.1", "0.18.1") == "" == restic_doubt("realchoice", "", "0.18.1")


def ssh_words(who: Ring, to: Ring) -> str:
    """Whose key, to whose sshd."""
    options = "-F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    return f"{options} -i {who.key} -p {to.sshd.port} {to.sshd.user}@127.0.0.1"


def old_restic(program: Path, place: str, password: Path, *words: str) -> None:
    """restic by hand, as a peer without axej would."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RESTIC_")}
    subprocess.run([str(program), "-r", place, "-p", str(password), "--no-cache", *words], env=kept, check=True, timeout=60)
