"""Channels against a real server on the loopback device: what counts as taken, how long it may take, what is never said."""

from __future__ import annotations

import json
import logging
import socket
import sys
import time

import pytest

from axejournal.domain.errors import WrongPassword
from axejournal.domain.message import Message
from axejournal.programs.notify import CommandChannel, PingChannel, SlackChannel, slack_text, with_path
from axejournal.programs.secrets.reading import read
from axejournal.programs.secrets.source import PasswordSource
from tests.world import web as answers
from tests.world.web import Web

BAD = Message("alarm", False, "axe: backup.local FAILED", ("wrong password",), "Store it.", "runbooks/wrong-password.md")
GOOD = Message("quiet", True, "axe: backup.local succeeded")
REFUSALS = [
    (answers.REFUSED, "it answered 429: too many messages", 7200.0),
    (answers.BROKEN, "it answered 500", None),
    (answers.GONE, "it answered 404 (no_service): nothing is at the address", None),
    (answers.PORTAL, "what answered is not Slack: it did not say ok", None),
    (answers.GARBAGE, "what answered does not speak HTTP", None),
    (answers.STRANGE, "the answer can't be read (LookupError)", None),
    (answers.HANGS, "in time", None),
    (answers.DRIPS, "no answer within 0.4 s", None),
]


def slack(web: Web, timeout_s: float = 5.0) -> SlackChannel:
    return SlackChannel(web.url, timeout_s)


def test_slack_takes_a_short_message(web: Web):
    assert slack(web).send(BAD).sent
    ((method, path, _),) = web.asked
    assert (method, path) == ("POST", "/services/T0/B0/a-secret-token")
    assert web.texts == [
        ":rotating_light: *axe: backup.local FAILED*\n• wrong password\n*Next:* Store it.\nRead: `runbooks/wrong-password.md`"
    ]


@pytest.mark.parametrize(("answer", "why", "wait_s"), REFUSALS, ids=lambda value: value[:30] if isinstance(value, str) else "")
def test_slack_that_does_not_take_it_is_told_in_words_without_the_address(web: Web, answer, why, wait_s, caplog, capfd):
    web.answer = answer
    with caplog.at_level(logging.DEBUG):
        begin = time.monotonic()
        came = slack(web, 0.4).send(BAD)
    assert time.monotonic() - begin < 2
    assert not came.sent
    assert why in came.why or (why == "in time" and came.why.startswith("no answer"))
    assert came.retry_after_s == wait_s
    said = came.why + caplog.text + "".join(capfd.readouterr())
    assert "a-secret-token" not in said
    assert "127.0.0.1" not in said


def test_nothing_listens_and_no_such_host_are_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert SlackChannel(lambda: f"http://127.0.0.1:{port}/secret").send(BAD).why == "it can't be reached: Connection refused"
    nowhere = SlackChannel(lambda: "https://no-such-host.invalid/secret")
    assert "secret" not in nowhere.send(BAD).why


@pytest.mark.parametrize("url", ["ftp://host/secret", "secret", "http://host/a b", ""])
def test_what_is_no_address_is_not_repeated(url):
    came = SlackChannel(lambda: url).send(BAD)
    assert (came.sent, came.why) == (False, "its address is no http address")


def test_address_that_can_not_be_read_names_its_place():
    def locked() -> str:
        raise WrongPassword("keychain axe.slack yields nothing: exit code 36")

    assert SlackChannel(locked).send(BAD).why == "its address can't be read: keychain axe.slack yields nothing: exit code 36"


@pytest.mark.parametrize(("message", "path"), [(GOOD, "/ping/uuid"), (BAD, "/ping/uuid/fail")])
def test_ping_tells_a_success_and_a_failure_by_its_path(web: Web, message, path):
    assert PingChannel(lambda: web.url("/ping/uuid")).send(message).sent
    assert [asked[:2] for asked in web.asked] == [("GET", path)]


@pytest.mark.parametrize("answer", [answers.BROKEN, answers.GARBAGE, answers.HANGS, answers.DRIPS])
def test_ping_that_is_not_taken_waits(web: Web, answer):
    web.answer = answer
    begin = time.monotonic()
    assert not PingChannel(web.url, 0.4).send(GOOD).sent
    assert time.monotonic() - begin < 2


def test_path_goes_before_the_query():
    assert with_path("https://a/b/?rid=1", "fail") == "https://a/b/fail?rid=1"
    assert with_path("https://a/b", "") == "https://a/b"


def test_slack_marks_in_foreign_text_are_only_text():
    assert "&lt;!channel&gt; &amp;" in slack_text(Message("alarm", False, "<!channel> &"))


def test_command_gets_the_message_on_its_stdin(tmp_path):
    into = tmp_path / "heard.json"
    argv = (sys.executable, "-c", f"import sys; open({str(into)!r}, 'w').write(sys.stdin.read())")
    assert CommandChannel(argv).send(BAD).sent
    assert json.loads(into.read_text())["title"] == "axe: backup.local FAILED"


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("/bin/false",), "/bin/false ended with exit 1"),
        (("/no/such/program",), "can't be started"),
        (("/bin/sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"), "did not end within 0.3 s"),
    ],
)
def test_command_that_does_not_work_is_ended_and_told(argv, why):
    begin = time.monotonic()
    came = CommandChannel(argv, timeout_s=0.3).send(BAD)
    assert time.monotonic() - begin < 4
    assert not came.sent and why in came.why


def test_secret_is_read_without_its_line_end(tmp_path, monkeypatch):
    (tmp_path / "url").write_text("https://x/y\n")
    monkeypatch.setenv("SECRET_URL", " https://z ")
    assert read(PasswordSource("file", str(tmp_path / "url")), 5) == "https://x/y"
    assert read(PasswordSource("env", "SECRET_URL"), 5) == "https://z"
    for kind, value in (("file", "/nowhere"), ("command", "printf ' '"), ("command", "false")):
        with pytest.raises(WrongPassword):
            read(PasswordSource(kind, value), 5)
