from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from axejournal.domain.errors import AxejError, ConfigurationFault, WrongPassword
from axejournal.programs.process_hidden import Hidden
from axejournal.programs.restic.repository import ResticRepository
from axejournal.programs.secrets.source import PasswordSource, command_of, probe, quote
from axejournal.programs.secrets.storing import how_to_store, store
from tests.contract.restics import Fresh

SECRET = "the password of first"
HOSTILE = (
    "a b",
    "it's",
    'say "x"',
    "both ' and \"",
    "back\\slash",
    "\\'",
    "end\\",
    "",
    "tab\t",
    "new\nline",
    "한국어",
    "$HOME `id`",
    "-w",
    "%s",
)


def _teller(folder: Path) -> Path:
    """A password command: writes down its words, prints the password."""
    folder.mkdir()
    path = folder / "tell me"
    path.write_text(
        f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open(__file__ + '.json', 'w'))\nprint({SECRET!r})\n"
    )
    path.chmod(0o755)
    return path


def _with(repository: ResticRepository, source: PasswordSource) -> ResticRepository:
    return ResticRepository(repository.program, repository.place, source)


@pytest.mark.parametrize("folder", ["plain folder", 'it\'s a "folder"'])
@pytest.mark.parametrize("words", [*((word,) for word in HOSTILE), HOSTILE], ids=repr)
def test_quote_with_hostile_words_restic_runs_exactly_these(
    fresh: Fresh, tmp_path: Path, words: tuple[str, ...], folder: str
) -> None:
    teller = _teller(tmp_path / folder)
    repository = _with(fresh(), PasswordSource("command", (str(teller), *words)))
    assert len(repository.identity()) == 64
    assert json.loads(teller.with_name("tell me.json").read_text()) == list(words)


def test_quote_of_plain_words_adds_nothing() -> None:
    assert quote(("pass", "show", "backup/axe")) == "pass show backup/axe"


def test_command_as_text_is_split_as_a_shell_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/axe")
    source = PasswordSource("command", "~/bin/tell 'my safe' ~/x \"a b\"")
    assert command_of(source) == ("/home/axe/bin/tell", "my safe", "~/x", "a b")


def test_keychain_asks_security_for_the_service(fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "security"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$*" = "find-generic-password -w -s axe backup" ] && echo "{SECRET}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    source = PasswordSource.of({"keychain": "axe backup"})
    probe(source)
    assert _with(fresh(), source).identity()
    with pytest.raises(WrongPassword, match="exit code 1") as caught:
        probe(PasswordSource("keychain", "another"))
    assert "security add-generic-password -s another" in caught.value.hint


@pytest.mark.parametrize("name", ["SAFE_WORD", "RESTIC_PASSWORD", "AXEJ_SAFE"])
def test_env_reaches_restic_whatever_the_variable_is_called(fresh: Fresh, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SECRET)
    source = PasswordSource.of({"env": name})
    probe(source)
    assert _with(fresh(), source).identity()
    assert SECRET not in source.environment()["RESTIC_PASSWORD_COMMAND"]


def test_systemd_credential_is_a_file_in_the_units_folder(fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = PasswordSource.of({"systemd-credential": "axe"})
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(WrongPassword, match="no credentials") as caught:
        probe(source)
    assert "LoadCredential=axe:" in caught.value.hint
    (tmp_path / "axe").write_text(SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    probe(source)
    assert _with(fresh(), source).identity()


def test_secret_tool_takes_attributes() -> None:
    expected = ("secret-tool", "lookup", "service", "axe backup", "user", "axe")
    assert command_of(PasswordSource.of({"secret-tool": {"service": "axe backup", "user": "axe"}})) == expected
    assert command_of(PasswordSource.of({"secret-tool": "service 'axe backup' user axe"})) == expected


def test_source_prefix_names_the_other_repository_of_a_copy() -> None:
    assert PasswordSource("file", "/a/b").environment("RESTIC_FROM_") == {"RESTIC_FROM_PASSWORD_FILE": "/a/b"}
    assert set(PasswordSource("command", "tell").environment("RESTIC_FROM_")) == {"RESTIC_FROM_PASSWORD_COMMAND"}


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ({}, "give one of"),
        ({"file": "/a", "env": "A"}, "not 2"),
        ({"plain": "hunter2"}, "'plain' is none of"),
        ({"keychain": ""}, "names nothing"),
        ({"env": "NOT A NAME"}, "no name of a variable"),
        ({"command": "tell 'open"}, "No closing quotation"),
        ({"command": "  "}, "empty"),
        ({"keychain": 7}, "neither a text nor a list"),
    ],
)
def test_reference_that_is_wrong_is_a_configuration_fault(reference: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationFault, match=says) as caught:
        PasswordSource.of(reference)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("/bin/sh", "-c", "echo hunter2 >&2; exit 3"), "exit code 3"),
        (("/bin/sh", "-c", "echo; echo '  '"), "printed nothing"),
        (("/no/such/program",), "can't be started"),
        (("/bin/sh", "-c", "echo hunter2; sleep 60"), "nothing came within 0.5 s"),
    ],
)
def test_probe_of_a_command_that_yields_nothing_says_why_without_its_output(command: tuple[str, ...], says: str) -> None:
    with pytest.raises(WrongPassword, match=says) as caught:
        probe(PasswordSource("command", command), timeout_s=0.5)
    assert caught.value.exit_code == 12 and caught.value.hint.endswith(".")
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_probe_of_a_file_looks_into_it(tmp_path: Path) -> None:
    path = tmp_path / "password"
    for content, says in ((None, "No such file"), (" \n", "is empty")):
        if content is not None:
            path.write_text(content)
        with pytest.raises(WrongPassword, match=says):
            probe(PasswordSource("file", str(path)))
    path.write_text(SECRET)
    probe(PasswordSource("file", str(path)))


def test_probe_of_an_unset_variable_is_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    with pytest.raises(WrongPassword, match="env NOT_SET_HERE yields nothing"):
        probe(PasswordSource("env", "NOT_SET_HERE"))


@pytest.mark.parametrize("kind", ["file", "command"])
def test_restic_with_a_source_that_yields_nothing_says_that_and_not_that_it_is_wrong(fresh: Fresh, kind: str) -> None:
    with pytest.raises(AxejError, match=r"password source of repository .* yields nothing") as caught:
        _with(fresh(), PasswordSource(kind, "/no/such")).identity()
    assert isinstance(caught.value, WrongPassword)


@pytest.mark.parametrize("exit_code", [0, 1])
def test_secret_service_gets_a_password_by_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exit_code: int) -> None:
    """A small program stands for secret-tool: writes down its words and what comes through the pipe."""
    tool = tmp_path / "secret-tool"
    tool.write_text(f'#!/bin/sh\necho "$*" > "$0.words"\ncat > "$0.item"\nexit {exit_code}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    source = PasswordSource("secret-tool", ("service", "axej"))
    assert store(source, lambda: Hidden(SECRET)) == (exit_code == 0)
    assert tool.with_name("secret-tool.words").read_text() == "store --label=axej service axej\n"
    assert tool.with_name("secret-tool.item").read_text() == SECRET
    assert not store(PasswordSource("keychain", "axej"), lambda: Hidden(SECRET))  # no security here
    assert "service axej" in how_to_store(source) and "variable X" in how_to_store(PasswordSource("env", "X"))
