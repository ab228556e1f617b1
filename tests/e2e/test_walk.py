"""The README's steps, typed as they stand there: from nothing to a scheduled, checked, drilled set-up in three tiers, with a
real PostgreSQL, a partner behind a real sshd, a disk on a loop device, and systemd where one can run.

What must be other than in the README is in know_each_other; what a person answers, in the test.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from axejournal.domain.rotation import Quarter
from tests.world.disks import PAPER, Disk
from tests.world.disks import run as outside
from tests.world.home import SMALL_SQL
from tests.world.needs import need
from tests.world.postgres import Server
from tests.world.quick_key import make_quick, restic_program
from tests.world.sshd import Sshd
from tests.world.systemd import NoManager, user_manager

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "## Your own machine", "A tier may be left out"
LONGEST_S = 90
Block = tuple[str, str]


def blocks() -> list[Block]:
    """The README's blocks of that part, in their order: (sh or yaml, text)."""
    part = README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    return re.findall(r"^```(\w+)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


@dataclass
class Machine:
    """One operator's machine. `substitutes`: what stands in the README -> what it is here. `answers`: (question, answer), each
    given once."""

    home: Path
    sshd: Sshd
    substitutes: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, str]] = field(default_factory=list)
    screen: str = ""

    def here(self, text: str) -> str:
        """As it is on this machine."""
        for readme, mine in self.substitutes.items():
            text = text.replace(readme, mine)
        return text

    def do(self, block: Block) -> None:
        """YAML goes into the file that its first line names (`# FILE…`, `# at the end of FILE…`), lines of a shell are typed."""
        kind, text = block
        if kind == "sh":
            for line in lines_of(text):
                self.type(line)
            return
        path = self.home / ".axe" / re.findall(r"~/\.axe/([\w.]+)", text)[0]
        before = path.read_text() if text.startswith("# at the end of") else ""
        path.write_text(before + self.here(text))

    def type(self, line: str, fine: tuple[int, ...] = (0,)) -> None:
        """A line of a shell, at a terminal, with somebody who answers."""
        code, said = self._at_terminal(self.here(line))
        self.note(line, code, said, fine)

    def note(self, line: str, code: int, said: str, fine: tuple[int, ...] = (0,)) -> None:
        """What stood on the screen, which must be fine."""
        self.screen += f"$ {line}\n{said}\n"
        assert code in fine and "Traceback" not in said, f"$ {line}\nexit {code}\n{said}"

    def _at_terminal(self, line: str) -> tuple[int, str]:
        master, slave = pty.openpty()
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        leader = {"start_new_session": True, "preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)}
        process = subprocess.Popen(["sh", "-c", line], cwd=self.home, env=self.environment(), **streams, **leader)
        os.close(slave)
        said, seen = "", 0
        while select.select([master], [], [], LONGEST_S)[0]:
            try:
                said += os.read(master, 65536).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                break
            if said.endswith(": ") and (answer := self._answer(said[seen:])) is not None:
                seen = len(said)
                os.write(master, f"{answer}\n".encode())
        os.close(master)
        return process.wait(timeout=10), said

    def _answer(self, asked: str) -> str | None:
        for pair in self.answers:
            if re.search(pair[0], asked.splitlines()[-1]):
                self.answers.remove(pair)
                return (self.home / pair[1][1:]).read_text().strip() if pair[1].startswith("<") else pair[1]
        if "commas between" in asked:
            return "none"  # other servers that run here
        return "" if asked.endswith(("]: ", "no more): ")) else None

    def environment(self) -> dict[str, str]:
        """Of its processes."""
        foreign = ("AXEJ_", "XDG_", "RESTIC_", "DOCKER_", "PG", "COLUMNS", "LINES")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        nowhere = {"DOCKER_HOST": f"unix://{self.home}/no-docker"}
        return {**kept, **nowhere, "HOME": str(self.home), "PATH": path, "TERM": "dumb", "NO_COLOR": "1", "TZ": "Asia/Seoul"}


def lines_of(text: str) -> list[str]:
    """What is typed, without what is said of it."""
    return [line for each in text.splitlines() if (line := re.sub(r"\s+#.*$", "", each).strip())]


@pytest.fixture
def make_machine(tmp_path: Path, restic: Path, make_sshd: Callable[..., Sshd]) -> Callable[[str], Machine]:
    """Makes a machine with restic and a folder of files, whose sshd lets in whom its operator lets in."""

    def make(name: str) -> Machine:
        home = tmp_path / name
        (home / ".axe" / "bin").mkdir(parents=True)
        restic_program(restic, home / ".axe" / "bin" / "restic")
        (home / "files").mkdir()
        (home / "files" / "contract.txt").write_text("between two parties\n" * 100)
        (home / ".ssh").mkdir(mode=0o700)
        sshd = make_sshd()
        sshd.keys.unlink()
        sshd.keys.symlink_to(home / ".ssh" / "authorized_keys")
        return Machine(home, sshd)

    return make


@pytest.fixture
def found_server(make_server: Callable[..., Server]) -> Iterator[Server]:
    """A PostgreSQL whose socket is where `axej init` looks for one."""
    server = make_server()
    server.create_database("frame")
    server.sql("frame", SMALL_SQL)
    socket = Path(f"/tmp/.s.PGSQL.{server.port}")
    socket.symlink_to(server.socket_dir / socket.name)
    yield server
    socket.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A new disk, connected at the place of number 1."""
    image = tmp_path / "disk.image"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    outside("mkfs.ext4", "-q", "-F", str(image))
    made = Disk(image, tmp_path / "Volumes" / "axe-cold-1").connect()
    yield made
    made.pull()


def know_each_other(mine: Machine, theirs: Machine, me: str, partner: str) -> None:
    """What is other here than in the README, and what is answered."""
    mine.substitutes = {
        "ssh_user: realchoice": f"ssh_user: {theirs.sshd.user}",
        "ssh_fqdn: realchoice-macmini.tail090015.ts.net": f"ssh_port: {theirs.sshd.port}",
        "100.114.161.51": "127.0.0.1",
        "/Users/realchoice/peer-backups/axe/": f"{theirs.home}/peer-backups/{me}/",
        "/Users/axe/.axe/backups/peer/realchoice/": f"{mine.home}/peer-backups/{partner}/",
        "realchoice:": f"{partner}:",
        "peer: realchoice": f"peer: {partner}",
        "authorize realchoice": f"authorize {partner}",
        "THEIR.pub": f"{theirs.home}/.ssh/id_ed25519.pub",
        "/Volumes/": f"{mine.home.parent}/Volumes/",
        "2026Q1": str(Quarter.of(datetime.now(UTC).date())),
    }


def test_readme_leads_from_nothing_to_a_scheduled_checked_and_drilled_set_up(
    make_machine: Callable[[str], Machine], found_server: Server, disk: Disk, tmp_path: Path
):
    need("root", "postgres", "sshd", "loop")
    ours, theirs = make_machine("axe"), make_machine("realchoice")
    know_each_other(ours, theirs, "axe", "realchoice")
    know_each_other(theirs, ours, "realchoice", "axe")
    ours.answers = [
        ("whose data", "axe"),
        (f"port {found_server.port} has frame", "all"),
        ("folder of files", str(ours.home / "files")),
        ("tier local", "<.axe/restic-password"),
        ("tier ring", "<.axe/ring-password"),
        *[("disk|the same again", PAPER)] * 4,  # init asks twice, sync and drill once
    ]
    theirs.answers = [("whose data", "realchoice"), ("folder of files", str(theirs.home / "files"))]
    night, keys, customers, ring_tier, ring, cold_tier, cold, drill, proof = blocks()
    for machine, first in ((theirs, ("sh", "axej init")), (ours, night)):
        for block in (first, keys, customers, ring_tier):
            machine.do(block)
    theirs.do(("sh", ring[1].split("axej ring verify")[0]))
    *all_but_last, last = lines_of(ring[1])
    for line in all_but_last:
        ours.type(line, (3,) if line == "axej ring verify" else (0,))
        if line == "axej ring init":
            make_quick(theirs.home / "peer-backups" / "axe", (ours.home / ".axe" / "ring-password").read_text().strip())
    theirs.type("axej ring verify", (0, 3))
    ours.type(last)
    for block in (cold_tier, cold, drill):
        ours.do(block)
    prove(ours, lines_of(proof[1]), tmp_path)
    done = subprocess.run(["axej", "status", "--json"], env=ours.environment(), capture_output=True, check=True)
    status = json.loads(done.stdout)
    assert {tier["tier"]: tier["health"] for tier in status["tiers"]} == {"local": "ok", "ring": "ok", "cold": "ok"}
    assert (status["state"], status["drill"]["outcome"]) == ("ok", "succeeded")
    assert {source["proof"] for tier in status["tiers"] for source in tier["sources"]} == {"verified"}
    assert not re.search("^FAIL", ours.screen, re.MULTILINE), ours.screen
    assert "<html" in (ours.home / "report.html").read_text()
    assert not ours.answers, "not asked"


def prove(machine: Machine, lines: list[str], folder: Path) -> None:
    """The last block, with its schedules in a systemd where one can run, else as lines for cron."""
    drill, *rest = lines
    machine.type(drill)
    machine.type("axej schedule show --crontab > crontab")  # what the README says where neither of the two runs
    nightly, *others = (machine.home / "crontab").read_text().splitlines()
    assert len(others) == 4
    shutil.rmtree(machine.home / ".axe" / "axej" / "logs")  # as on the day of the install
    machine.type(f"env -i HOME=$HOME PATH=/usr/bin:/bin sh -c {shlex.quote(nightly.split(maxsplit=5)[5])}")
    assert list((machine.home / ".axe" / "axej" / "logs").iterdir())
    try:
        with user_manager(machine.environment(), machine.home, folder) as inside:
            for line in rest:
                done = inside("sh", "-c", line)
                machine.note(line, done.returncode, done.stdout + done.stderr)
    except NoManager:
        for line in rest:
            if "schedule" not in line:
                machine.type(line)
