"""launchd and systemd, as far as a machine without them can show: small programs that answer as theirs do, recorded
output, and systemd's own judges of what we write."""

from __future__ import annotations

import plistlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from axejournal.domain.errors import AxejError, ProgramFailed, ProgramMissing
from axejournal.programs import awake, clock
from axejournal.programs.scheduler import tasks
from axejournal.programs.scheduler.launchd import Launchd, parse_print
from axejournal.programs.scheduler.systemd import Systemd, parse_show
from axejournal.programs.scheduler.tasks import Task
from tests.world.needs import need

RECORDED = Path(__file__).parent / "recorded"
LAUNCHCTL = """#!/bin/sh
# keeps a copy of what was bootstrapped, and prints its arguments as launchctl does
echo "$*" >> "$0.log"
[ -e "$0.broken" ] && { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; }
name="${2##*/}"
case "$1" in
    bootstrap) name="$(basename "$3" .plist)"; cp "$3" "$0.loaded.$name" ;;
    bootout) [ -e "$0.loaded.$name" ] || exit 113; rm "$0.loaded.$name" ;;
    print) [ -e "$0.loaded.$name" ] || { echo "Could not find service" >&2; exit 113; }
        printf 'gui/501/%s = {\\n\\tstate = not running\\n\\n\\targuments = {\\n' "$name"
        sed -n '/<array>/,/<\\/array>/s/^\\t*<string>\\(.*\\)<\\/string>/\\t\\t\\1/p' "$0.loaded.$name" | sed '/<dict>/q'
        printf '\\t}\\n\\tlast exit code = 3\\n}\\n' ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
[ "$1" = --user ] && shift
echo "$*" >> "$0.log"
[ -e "$0.broken" ] && { cat "$0.broken" >&2; exit 1; }
case "$1" in
    restart) touch "$0.on.$2" ;;
    disable) rm -f "$0.on.$3" ;;
    show) for unit in "$2" "$3"; do
            state=inactive; [ -e "$0.on.$unit" ] && state=active
            load=not-found; [ -e "$(dirname "$0")/home/.config/systemd/user/$unit" ] && load=loaded
            printf 'Id=%s\\nLoadState=%s\\nActiveState=%s\\nSubState=dead\\nMainPID=0\\nExecMainStatus=3\\n' "$unit" $load $state
            printf 'ExecMainExitTimestampMonotonic=77\\nNeedDaemonReload=%s\\n\\n' "$(cat "$0.stale" 2>/dev/null || echo no)"
          done ;;
esac
"""


@pytest.fixture
def nightly(tmp_path) -> Task:
    argv = ("/opt/axe/bin/axej", "--config", "/etc/a b/100%.yaml", "backup", "--local", "--scheduled")
    moments = {"intervals": ({"Hour": 3, "Minute": 0}, {"Minute": 17}), "calendar": ("*-*-* 03:00:00 Asia/Seoul",)}
    return Task(
        "com.axe.backup.local", "nightly backup", argv, tmp_path / "logs" / "a.log", user="root", home=tmp_path, **moments
    )


@pytest.fixture(params=["launchd", "systemd"])
def system(request, tmp_path) -> tasks.Scheduler:
    name, text = {"launchd": ("launchctl", LAUNCHCTL), "systemd": ("systemctl", SYSTEMCTL)}[request.param]
    program = tmp_path / name
    program.write_text(text)
    program.chmod(0o755)
    if request.param == "launchd":
        return Launchd("user", tmp_path / "home", 501, program=str(program))
    return Systemd("user", tmp_path / "home", program=str(program))


def calls(system) -> list[str]:
    return Path(f"{system.program}.log").read_text().splitlines()


def test_install_twice_is_once_and_remove_leaves_nothing(system, nightly):
    assert tasks.install(system, nightly) == "installed"
    state = tasks.look(system, nightly)
    assert (state.installed, state.current, state.loaded, state.stale, state.last_exit) == (True, True, True, False, 3)
    before = len([call for call in calls(system) if not call.startswith(("print", "show"))])
    assert tasks.install(system, nightly) == "unchanged"
    assert len([call for call in calls(system) if not call.startswith(("print", "show"))]) == before
    assert system.labels("com.axe") == (nightly.label,)
    assert tasks.remove(system, nightly.label) is True
    assert tasks.remove(system, nightly.label) is False
    assert [path for path in (nightly.home / "home").rglob("*") if path.is_file()] == []
    assert not tasks.look(system, nightly).loaded


def test_a_configuration_that_moved_is_seen_and_replaced(system, nightly):
    tasks.install(system, nightly)
    moved = replace(nightly, argv=("/opt/axe/bin/axej", "--config", "/elsewhere.yaml", "backup", "--local", "--scheduled"))
    assert not tasks.look(system, moved).current
    assert tasks.install(system, moved) == "replaced"
    assert tasks.look(system, moved).current


def test_an_old_copy_that_is_loaded_is_seen(system, nightly):
    tasks.install(system, nightly)
    if system.kind == "launchd":
        loaded = Path(f"{system.program}.loaded.{nightly.label}")
        loaded.write_text(loaded.read_text().replace("--local", "--elsewhere"))
    else:
        Path(f"{system.program}.stale").write_text("yes")
    assert tasks.look(system, nightly).stale
    Path(f"{system.program}.stale").unlink(missing_ok=True)
    tasks.install(system, nightly)
    assert not tasks.look(system, nightly).stale


def test_a_scheduler_that_fails_is_one_message_and_no_file(system, nightly):
    Path(f"{system.program}.broken").write_text("System has not been booted with systemd as init system (PID 1).")
    with pytest.raises(ProgramFailed) as failure:
        tasks.install(system, nightly)
    assert failure.value.hint
    assert "\n" not in failure.value.message
    assert not any(path.exists() for path in system.paths(nightly.label))
    assert tasks.look(system, nightly).trouble


def test_a_scheduler_that_is_missing_ends_with_40(tmp_path, nightly):
    with pytest.raises(ProgramMissing):
        tasks.install(Systemd("user", tmp_path, program="/nowhere/systemctl"), nightly)


def test_recorded_answers_of_launchctl_are_read():
    idle = parse_print("com.axe.backup.local", (RECORDED / "launchctl-print-idle.txt").read_text())
    assert (idle.state, idle.pid, idle.last_exit, idle.argv) == (
        "not running", None, 78, ("/Users/axe/.axe/bin/axej", "backup", "--local", "--scheduled"),
    )  # fmt: skip
    running = parse_print("com.axe.cold.watch", (RECORDED / "launchctl-print-running.txt").read_text())
    assert (running.state, running.pid, running.last_exit) == ("running", 913, None)
    killed = parse_print("a", "gui/501/a = {\n\tstate = not running\n\tlast terminating signal = Killed: 9\n}\n")
    assert (killed.loaded, killed.last_exit) == (True, -9)


def test_what_was_never_started_has_no_exit_code():
    blocks = [f"Id=a.{kind}\nLoadState=loaded\nActiveState=active\nSubState=waiting" for kind in ("service", "timer")]
    assert parse_show("a", "\n\n".join(blocks)).last_exit is None


@pytest.mark.parametrize("scope", ["user", "system"])
def test_systemd_itself_finds_no_fault_in_the_units(tmp_path, nightly, scope):
    need("systemd-analyze")
    watch = Task("com.axe.cold.watch", "watch", ("/bin/true",), tmp_path / "w.log", user="root", home=tmp_path)
    units = {**Systemd(scope, tmp_path).files(replace(nightly, argv=("/bin/true", *nightly.argv[1:])))}
    units |= Systemd(scope, tmp_path).files(watch)
    for path, content in units.items():
        (tmp_path / path.name).write_bytes(content)
    names = [str(tmp_path / path.name) for path in units]
    verify = ["systemd-analyze", f"--{scope}", "verify", *names]
    said = subprocess.run(verify, capture_output=True, text=True, env={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)})
    assert "com.axe" not in said.stderr, said.stderr
    assert said.returncode == 0, said.stderr


def test_a_daemon_says_whom_it_works_for(nightly):
    content = plistlib.loads(next(iter(Launchd("system", Path("/"), 0).files(nightly).values())))
    assert (content["UserName"], content["EnvironmentVariables"]["HOME"]) == ("root", str(nightly.home))


def test_a_run_that_is_at_work_is_not_ended_by_loading_it_anew(tmp_path, nightly):
    program = tmp_path / "launchctl"
    program.write_text("#!/bin/sh\nprintf 'a = {\\n\\tstate = running\\n\\tpid = 77\\n}\\n'\n")
    program.chmod(0o755)
    with pytest.raises(AxejError, match="at work"):
        tasks.install(Launchd("user", tmp_path, 501, program=str(program)), nightly)


def test_machine_s_zone_is_read_from_the_link(tmp_path):
    for folder in ("usr/share/zoneinfo/Asia", "var/db/timezone/zoneinfo/Asia"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "Seoul").touch()
        link = tmp_path / folder.split("/")[0]
        (link / "localtime").symlink_to(tmp_path / folder / "Seoul")
        assert clock.machine_zone(link / "localtime") == "Asia/Seoul"
    assert clock.machine_zone(tmp_path / "nothing") == "UTC"


def test_the_machine_is_held_awake_until_the_process_ends_however_it_ends():
    assert awake.command("darwin", 77) == ("/usr/bin/caffeinate", "-i", "-s", "-w", "77")
    with awake.awake():
        pass


ONCE = """#!{python}
import plistlib, subprocess, sys
from pathlib import Path
verb, *words = sys.argv[1:]
ended = Path(sys.argv[0] + ".ended")
if verb == "bootstrap":
    job = plistlib.loads(Path(words[1]).read_bytes())
    with open(job["StandardOutPath"], "ab") as out:
        done = subprocess.run(job["ProgramArguments"], stdout=out, env=job["EnvironmentVariables"])
    ended.write_text(str(done.returncode))
elif verb == "bootout":
    ended.unlink(missing_ok=True)
elif not ended.exists():
    sys.exit(113)
else:
    print("gui/501/com.axe.once = {", "\\tstate = not running", "\\tlast exit code = " + ended.read_text(), "}", sep="\\n")
"""


def test_launchd_runs_a_command_once_in_its_own_session_and_forgets_it(tmp_path):
    program = tmp_path / "launchctl"
    program.write_text(ONCE.replace("{python}", sys.executable))
    program.chmod(0o755)
    launchd = Launchd("user", tmp_path, 501, program=str(program))
    assert launchd.run_once(("/bin/sh", "-c", "echo $PATH; exit 3"), tmp_path, 10).startswith("/opt/homebrew/bin:")
    assert not launchd.ask("com.axe.once").loaded
    assert not list(tmp_path.glob("*.plist"))
    program.write_text("#!/bin/sh\n[ $1 = print ] && printf 'a = {\\n\\tstate = running\\n\\tpid = 7\\n}\\n'; exit 0\n")
    with pytest.raises(ProgramFailed, match="did not end within 1 s"):
        launchd.run_once(("/bin/true",), tmp_path, 1)
