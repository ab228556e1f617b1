from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from axejournal.domain.errors import (
    AxejError,
    DiskFull,
    PeerUnreachable,
    ProgramFailed,
    ProgramKilled,
    RepositoryLocked,
    RepositoryMissing,
    RestorePointMissing,
    UsageFault,
    WrongPassword,
)
from axejournal.domain.ports import BackupOrder, Progress
from axejournal.programs.process import Completed
from axejournal.programs.restic import words
from axejournal.programs.restic.output import CopyProgress, explain, fault_of, node_from, parse, size_from, unread_lines

SFTP = "sftp:axe@peer:/backups"
LOCKED = (
    "unable to create lock in backend: repository is already locked exclusively by PID 4711 on mini by axe (UID 0, GID 0)\n"
    "lock was created at 2026-05-20 03:00:15 (3.6s ago)\nstorage ID ee98a5b3\nthe `unlock` command can be used"
)
CASES: tuple[tuple[int, str, str, str, type[AxejError], str], ...] = (
    (10, "Fatal: repository does not exist: …", "/r", "backup", RepositoryMissing, "no repository is at /r"),
    (
        11,
        LOCKED,
        "/r",
        "forget",
        RepositoryLocked,
        "/r is locked exclusively by process 4711 of axe on mini since 2026-05-20 03:00:15",
    ),
    (11, LOCKED.replace("exclusively ", ""), "/r", "forget", RepositoryLocked, "/r is locked by process 4711 of axe on mini"),
    (12, "Fatal: wrong password or no key found", "/r", "cat", WrongPassword, "wrong password for repository /r"),
    (130, "Fatal: unable to save snapshot: context canceled", "/r", "backup", ProgramKilled, "told to end by somebody else"),
    (-9, "", "/r", "backup", ProgramKilled, "ended by SIGKILL"),
    (
        1,
        "Fatal: Resolving password failed: exit status 1",
        "/r",
        "cat",
        WrongPassword,
        "yields nothing: Resolving password failed",
    ),
    (1, "Fatal: an empty password is not allowed by default. Pass", "/r", "cat", WrongPassword, "yields nothing"),
    (
        1,
        "Fatal: unable to save snapshot: write /r/x: no space left on device",
        "/r",
        "backup",
        DiskFull,
        "no space is left for restic",
    ),
    (
        1,
        'Fatal: failed to find snapshot: no matching ID found for prefix "ab"',
        "/r",
        "restore",
        RestorePointMissing,
        "no such snapshot",
    ),
    (1, "Fatal: Fatal: create repository at /r failed: config file already exists", "/r", "init", UsageFault, "is at /r already"),
    (
        1,
        f"Fatal: unable to open repository at {SFTP}: unexpected EOF",
        SFTP,
        "copy",
        PeerUnreachable,
        "can't be reached: unable to",
    ),
    (1, "Fatal: unable to open repository at /r: permission denied", "/r", "copy", ProgramFailed, "exit code 1: unable to open"),
    (
        1,
        "failed to load snapshot 0123abcd: open /r/x: no such file or directory",
        "/r",
        "ls",
        RestorePointMissing,
        "no such snap",
    ),
    (99, "Fatal: something new", "/r", "check", ProgramFailed, "failed with exit code 99: something new"),
)


def _exit(code: int, message: str) -> str:
    return json.dumps({"message_type": "exit_error", "code": code, "message": message}) + "\n"


@pytest.mark.parametrize(("code", "message", "place", "action", "kind", "says"), CASES)
@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_fault_of_each_exit_code_is_its_error_with_a_hint(
    code: int, message: str, place: str, action: str, kind: type[AxejError], says: str, as_json: bool
) -> None:
    fault = fault_of(Completed(code, b"", _exit(code, message) if as_json else message, 0.1), place, action)
    assert type(fault) is kind
    assert says in fault.message
    assert fault.hint.endswith(".") and "\n" not in fault.message


def test_fault_of_an_unreachable_peer_gives_the_words_of_ssh() -> None:
    stderr = "subprocess ssh: connect to host peer port 22: Connection refused\n" + _exit(
        1, f"Fatal: unable to open repository at {SFTP}: EOF"
    )
    assert fault_of(Completed(1, b"", stderr, 0.1), SFTP, "copy").message.endswith(
        "connect to host peer port 22: Connection refused"
    )


def test_what_may_pass_is_marked_and_what_will_not_is_not() -> None:
    passing = {
        kind
        for code, message, place, action, kind, _ in CASES
        if fault_of(Completed(code, b"", _exit(code, message), 0), place, action).passing
    }
    assert passing == {RepositoryLocked, ProgramKilled, PeerUnreachable}


def test_explain_of_a_go_panic_is_its_first_line() -> None:
    assert explain("panic: runtime error: slice bounds out of range [16:8]\n\ngoroutine 1 [running]:\nmain.main()\n") == (
        "panic: runtime error: slice bounds out of range [16:8]"
    )


def test_explain_leaves_out_stack_traces_and_passwords_in_addresses() -> None:
    said = explain(_exit(1, "Fatal: Head https://axe:hunter2@peer:8000/config: refused\nmain.run\n\t/go/main.go:7"))
    assert said == "Head https://axe:***@peer:8000/config: refused"


def test_explain_of_several_errors_gives_the_first() -> None:
    errors = [{"message_type": "error", "error": {"message": f"bad {n}"}, "during": "restore", "item": f"/f{n}"} for n in (1, 2)]
    stderr = "".join(json.dumps(one) + "\n" for one in errors) + _exit(1, "Fatal: There were 2 errors")
    assert explain(stderr) == "/f1: bad 1 (There were 2 errors)"


def test_explain_of_silence_says_so() -> None:
    assert explain("") == explain("\n \n") == "it said nothing"


def test_unread_lines_are_of_what_could_not_be_read_only() -> None:
    error = {"message_type": "error", "error": {"message": "read /a: input/output error"}, "during": "archival", "item": "/a"}
    stderr = f"the password command says hunter2\n/b does not exist, skipping\n{json.dumps(error)}\n{_exit(3, 'Warning: …')}"
    assert unread_lines(stderr) == ("/b does not exist, skipping", "read /a: input/output error")
    assert unread_lines("cut off}\n") == ("restic did not say what it could not read",)


def test_copy_progress_of_both_generations_of_restic() -> None:
    copy = CopyProgress()
    lines = ["", "snapshot fea31c18 of [/src] at 2026-11-25", "  copy 9 blobs with disk size 8.000 MiB in 2 packfiles"]
    assert [copy.read(line) for line in lines] == [None] * 3 and not copy.copied
    assert copy.read("[0:01] 50.00%  1 / 2 packs copied") == Progress(4 << 20, 8 << 20, "1 of 2 packs")
    copy.read("snapshot ce8030fa saved, copied from source snapshot fea31c18")  # 0.19
    assert copy.copied
    for line in ("snapshot ce8030fa saved", "skipping source snapshot fea31c18, was already copied to snapshot ce8030fa"):  # 0.18
        again = CopyProgress()
        again.read(line)
        assert again.copied


def test_copy_progress_without_a_known_size_has_no_total() -> None:
    assert CopyProgress().read("[0:01] 50.00%  1 / 2 packs copied") == Progress(0, None, "1 of 2 packs")


@pytest.mark.parametrize(
    ("text", "size"), [("0 B", 0), ("1.500 KiB", 1536), ("8.585 MiB", 9002025), ("much", None), ("1 XB", None)]
)
def test_size_from_restics_words(text: str, size: int | None) -> None:
    assert size_from(text) == size


def test_literal_takes_the_meaning_of_pattern_characters_away() -> None:
    assert words.literal("/a[b]*?\\c/!d") == "/a\\[b\\]\\*\\?\\\\c/!d"


def test_words_of_a_backup_put_paths_last_and_refuse_what_restic_would_read_wrongly() -> None:
    from pathlib import Path

    order = BackupOrder((Path("/-data"),), ("run=r 1",), "mini", (Path("/x"),), parent="abcd")
    assert words.backup(order) == (
        *("backup", "--host", "mini", "--tag", "run=r 1", "--exclude-file", "/x", "--parent", "abcd", "--", "/-data"),
    )
    for wrong in (BackupOrder((Path("data"),), (), "mini"), BackupOrder((Path("/d"),), ("a=1,2",), "mini")):
        with pytest.raises(UsageFault):
            words.backup(wrong)
    with pytest.raises(UsageFault, match="comma"):
        words.snapshots(["a,b"])


def test_node_keeps_nanoseconds_as_microseconds_and_bears_a_time_before_the_year_one() -> None:
    node = node_from({"path": "/a", "type": "file", "size": 3, "mtime": "2026-11-25T13:08:57.858466402Z"})
    assert node.modified_at == datetime(2026, 11, 25, 13, 8, 57, 858466, tzinfo=UTC)
    assert node_from({"path": "/a", "type": "dir", "mtime": "0000-12-31T00:00:00Z"}).modified_at is None


def test_parse_passes_over_what_is_no_object() -> None:
    assert [parse(line) for line in ("", "text", "{cut", "[1]", '{"a": 1}')] == [None, None, None, None, {"a": 1}]
