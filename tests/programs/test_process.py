"""The one place that runs programs: what children get, how they end, what is found of them after a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import psutil
import pytest

from axejournal.domain.errors import ProgramMissing, ProgramStalled
from axejournal.domain.ports import Child
from axejournal.programs import process
from axejournal.programs.left_behind import end_left_behind
from axejournal.programs.process import Command, Owner, boot_id, identify, owned, run


def sh(script, **options):
    return Command(("/bin/sh", "-c", script), **options)


def python(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], stdout=subprocess.PIPE, text=True, **options
    )


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_run_gives_exit_code_output_and_errors():
    completed = run(sh("echo out; echo err >&2; exit 7"))
    assert (completed.exit_code, completed.text, completed.stderr) == (7, "out\n", "err\n")


def test_run_of_a_missing_program_names_it_and_says_how_to_get_it():
    with pytest.raises(ProgramMissing, match=r"/nowhere/restic can't be started") as caught:
        run(Command(("/nowhere/restic",)))
    assert "doctor --install" in caught.value.hint


def test_run_past_its_timeout_is_ended_with_its_grandchildren(tmp_path):
    begin = time.monotonic()
    with pytest.raises(ProgramStalled, match=r"sh did not end within 0\.5 s"):
        run(sh(f"sleep 300 & echo $! > {tmp_path}/pid; wait", timeout_s=0.5))
    assert time.monotonic() - begin < 15
    grandchild = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: not psutil.pid_exists(grandchild))


def test_run_that_is_silent_too_long_is_ended_but_a_talking_one_is_not():
    with pytest.raises(ProgramStalled, match="silent"):
        run(sh("echo hello; sleep 60", silence_s=0.6))
    assert run(sh("for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done", silence_s=0.9)).exit_code == 0


def test_run_with_on_line_streams_and_keeps_nothing():
    lines = []
    completed = run(sh("seq 1 50000"), on_line=lines.append)
    assert len(lines) == 50000
    assert completed.stdout == b""


def test_run_keeps_the_end_of_a_long_stderr():
    completed = run(sh("seq 1 100000 >&2; echo the cause >&2"))
    assert len(completed.stderr) <= process.KEPT_BYTES
    assert completed.stderr.endswith("the cause\n")


def test_run_feeds_stdin_even_to_a_child_that_does_not_read_it():
    assert run(sh("cat", stdin=b"x" * 100_000)).stdout == b"x" * 100_000
    assert run(sh("exit 3", stdin=b"x" * 1_000_000)).exit_code == 3


def test_child_inherits_no_setting_that_would_change_it(monkeypatch):
    for name in ("RESTIC_PASSWORD", "RESTIC_REPOSITORY", "PGPASSWORD", "PGHOST", "AXEJ_CONFIG", "LC_ALL"):
        monkeypatch.setenv(name, "inherited")
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere")
    seen = run(Command(("/usr/bin/env",), env={"PGHOST": "given"})).text
    assert "inherited" not in seen
    assert "PGHOST=given\n" in seen
    assert "DOCKER_HOST=unix:///somewhere\n" in seen
    assert "LC_ALL=C\n" in seen


def test_child_inherits_no_open_file(tmp_path):
    with (tmp_path / "lease").open("w") as lease:
        os.set_inheritable(lease.fileno(), False)
        seen = run(sh("ls -l /proc/self/fd 2>/dev/null || true")).text
    assert "lease" not in seen


def test_owned_child_is_recorded_before_it_returns_and_carries_the_runs_mark():
    born = []
    with owned(Owner("r1", born.append)):
        seen = run(Command(("/usr/bin/env",))).text
    assert "AXEJ_RUN=r1\n" in seen
    assert [child.program for child in born] == ["env"]
    assert born[0].boot_id == boot_id()


def test_child_whose_record_fails_is_ended():
    def refuse(child):
        refused.append(child)
        raise OSError("disk full")

    refused = []
    with owned(Owner("r1", refuse)), pytest.raises(OSError, match="disk full"):
        run(sh("sleep 300"))
    assert wait_until(lambda: not psutil.pid_exists(refused[0].pid))


def test_ownership_is_of_the_thread():
    marks = {}

    def work(name):
        with owned(Owner(name, lambda child: None)):
            marks[name] = run(Command(("/usr/bin/env",))).text

    threads = [threading.Thread(target=work, args=(f"r{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"AXEJ_RUN={name}\n" in text for name, text in marks.items())


LEAVE_BEHIND = """
    import os, sys, signal
    from axejournal.programs.process import Command, Owner, owned, start
    from axejournal.programs import process
    def record(child):
        print(child.pid, child.started_at_s, flush=True)
        if sys.argv[2] == "unrecorded":
            os.kill(os.getpid(), signal.SIGKILL)
    with owned(Owner(sys.argv[1], record)):
        start(Command(("/bin/sh", "-c", "sleep 300 & sleep 300")))
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("recorded", ["recorded", "unrecorded"])
def test_what_a_killed_parent_left_is_ended_recorded_or_not(recorded):
    run_id = f"test-{os.getpid()}-{recorded}"
    parent = python(LEAVE_BEHIND, run_id, recorded)
    pid, started = parent.stdout.readline().split()
    parent.wait()
    assert psutil.pid_exists(int(pid))
    group = [p.pid for p in psutil.process_iter() if os.getpgid(p.pid) == int(pid)]
    children = (Child("sh", int(pid), float(started), boot_id()),) if recorded == "recorded" else ()
    ended = end_left_behind(run_id, children)
    assert int(pid) in {child.pid for child in ended}
    assert wait_until(lambda: not any(psutil.pid_exists(member) for member in group))
    assert end_left_behind(run_id, children) == ()


def test_a_reused_pid_is_left_alone():
    bystander = subprocess.Popen(["/bin/sleep", "300"], start_new_session=True)
    try:
        who = identify(bystander.pid, "sleep")
        stale = Child("sleep", bystander.pid, who.started_at_s - 60, who.boot_id)
        other_boot = Child("sleep", bystander.pid, who.started_at_s, "another boot")
        assert end_left_behind("no-such-run", (stale, other_boot)) == ()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


CANCEL = """
    import json, signal, sys, time
    from axejournal.domain.errors import Interrupted
    from axejournal.programs import process
    from axejournal.programs.process import Command, run
    signal.signal(signal.SIGTERM, lambda *_: process.end_all("SIGTERM"))
    print("ready", flush=True)
    begin = time.monotonic()
    try:
        run(Command(("/bin/sh", "-c", "sleep 300")))
    except Interrupted as error:
        again = ""
        try:
            run(Command(("/bin/true",)))
        except Interrupted:
            again = "refused"
        print(json.dumps([time.monotonic() - begin, error.message, process.cancelled(), again]))
"""


def test_end_all_ends_living_children_and_refuses_new_ones():
    child = python(CANCEL)
    child.stdout.readline()
    time.sleep(0.3)
    child.send_signal(signal.SIGTERM)
    took_s, message, why, again = json.loads(child.communicate(timeout=20)[0])
    assert took_s < 5
    assert "being cancelled" in message
    assert (why, again) == ("SIGTERM", "refused")


def test_what_a_killed_child_leaves_is_ended_too(tmp_path):
    done = run(sh(f"sleep 300 >/dev/null 2>&1 & echo $! > {tmp_path}/left; kill -9 $$"))
    assert done.exit_code == -signal.SIGKILL
    left = int((tmp_path / "left").read_text())
    assert wait_until(lambda: not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE)
