"""Ready files: the operator's own, and those made from answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example as example_of
from hypothesis import given, settings
from hypothesis import strategies as st

from axejournal.config.checks import faults
from axejournal.config.effective import show
from axejournal.config.example import example, examples
from axejournal.config.load import load, read
from axejournal.config.template import Answers, FoundDatabase, scalar, template
from axejournal.domain.errors import UsageFault
from tests.config.conftest import Desk


def test_example_axe_is_the_operators_configuration(tmp_path: Path):
    assert set(example("axe")) == {"axej.yaml", "customers.yaml"}
    for name, text in example("axe").items():
        (tmp_path / name).write_text(text)
    config = load(tmp_path / "axej.yaml")
    assert list(config.databases) == ["frame", "blueprint", "hive", "mysrt", "index"]
    assert {source.container for source in config.databases.values()} == {f"{name}-postgres" for name in config.databases}
    assert [name for name, source in config.sources.items() if source.only_copy] == ["index"]
    assert config.folders["files"].path == Path("/Users/axe/.local/files")
    assert config.folders["files"].require
    local, ring, cold = config.tiers.local, config.tiers.ring, config.tiers.cold
    assert ring is not None
    assert cold is not None
    assert local.repository == Path("/Users/axe/.axe/backups/local")
    assert local.password.reference == {"keychain": "axe.backup.restic.local"}
    assert local.excludes == Path("/Users/axe/.axe/bin/restic-excludes")
    assert [tier.schedule.cron for tier in (local, ring)] == ["0 3 * * *", "30 3 * * *"]
    assert config.drill is not None
    assert config.drill.schedule.cron == "0 3 15 1,4,7,10 *"
    assert cold.mounts[2] == Path("/Volumes/axe-cold-3")
    peer = config.peer("ring")
    assert peer is not None
    assert (peer.ssh_user, str(peer.receive_dir_at_peer)) == ("realchoice", "/Users/realchoice/peer-backups/axe/")


def test_example_axe_names_the_commands_of_the_pages_scenarios(tmp_path: Path):
    for name, text in example("axe").items():
        (tmp_path / name).write_text(text)
    config = load(tmp_path / "axej.yaml")
    after = {name: source.after_restore for name, source in config.sources.items()}
    assert " ".join(after["frame"].restart[0].argv) == "docker compose restart frame-mcp-blue frame-mcp-green"
    assert after["frame"].check[0].argv[-3:] == ("integrity-check", "--entity", "axec")
    assert after["blueprint"].restart[0].argv[-3:] == ("app-green", "blueprint-mcp-blue", "blueprint-mcp-green")
    assert after["blueprint"].check[0].argv[3:5] == ("node", "-e")
    assert after["hive"].restart[0].argv[2:4] == ("-f", "/Users/axe/hive/docker-compose.yml")
    assert "UNION ALL SELECT 'axev'" in after["hive"].check[0].argv[-1]


def test_example_that_is_not_there_names_those_that_are():
    assert examples() == ("axe",)
    with pytest.raises(UsageFault, match="there is no example other; there is axe"):
        example("other")


def answers(
    desk: Desk, *databases: FoundDatabase, folders: tuple[Path, ...] = (), kind: str = "file", value: str = ""
) -> Answers:
    password = (kind, value or str(desk.folder / "password"))
    return Answers("axe", "axe-macmini", "Asia/Seoul", desk.folder / "repository", password, databases, folders)


def test_template_loads_and_passes_the_check(desk: Desk):
    found = FoundDatabase("frame", "postgres", container="frame-postgres", volume="frame-data")
    far = FoundDatabase("hive", "hive", host="127.0.0.1", port=5433)
    desk.write(
        template(answers(desk, found, far, FoundDatabase("srt", "me", socket=Path("/run/pg")), folders=(desk.folder / "files",)))
    )
    reading = read(desk.path)
    assert reading.config is not None
    assert faults(reading.config, reading.files) == ()
    assert [source.address for source in reading.config.databases.values()] == [
        "frame-postgres",
        "127.0.0.1:5433",
        "/run/pg:5432",
    ]
    assert reading.config.databases["frame"].volume == "frame-data"
    assert list(reading.config.sources) == ["frame", "hive", "srt", "files"]
    assert reading.config.tiers.local.retention.daily == 14


def test_template_with_its_commented_settings_switched_on_still_loads(desk: Desk):
    text = template(answers(desk, FoundDatabase("frame", "postgres", container="c"), folders=(desk.folder / "files",)))
    on = "\n".join(
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") and ":" in line and not line.startswith("# ") else line
        for line in text.splitlines()
    )
    assert on != text
    desk.write(on.replace("peer: NAME", "repository: /other"))
    config = desk.load()
    assert config.tiers.cold is not None
    assert config.folders["files"].require[0].at_least == 10
    assert config.databases["frame"].after_restore.check


def test_template_of_databases_with_one_name_tells_them_apart(desk: Desk):
    twice = (FoundDatabase("app", "u", container="a-postgres"), FoundDatabase("app", "u", container="b-postgres"))
    more = (FoundDatabase("app", "u", host="h"), FoundDatabase("//", "u", host="i"), FoundDatabase("??", "u", host="j"))
    desk.write(template(answers(desk, *twice, *more)))
    config = desk.load()
    assert list(config.databases) == ["app", "b-postgres", "app-2", "database", "database-2"]
    assert config.databases["b-postgres"].container == "b-postgres"


def test_template_without_anything_to_back_up_is_refused(desk: Desk):
    with pytest.raises(UsageFault, match="nothing to back up"):
        template(answers(desk))


hostile = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=15)


@settings(max_examples=100, deadline=None)
@example_of(["\x85", "\u2028", "¼"], "\u2029")
@given(st.lists(hostile, min_size=1, max_size=3), hostile)
def test_template_of_any_names_loads_them_unchanged(tmp_path_factory: pytest.TempPathFactory, names: list[str], command: str):
    folder = tmp_path_factory.mktemp("hostile")
    databases = tuple(FoundDatabase(name, name, host="h") for name in names)
    secret = ("command", f"echo '{command.replace(chr(39), '')}'")
    text = template(Answers("axe", "h", "UTC", folder / "r", secret, databases, (folder / "한 글: #",)))
    (folder / "axej.yaml").write_text(text, encoding="utf-8", newline="")
    config = load(folder / "axej.yaml")
    assert [source.database for source in config.databases.values()] == names
    assert config.tiers.local.password.reference == {"command": secret[1]}
    (folder / "shown.yaml").write_text(show(config), encoding="utf-8", newline="")
    assert load(folder / "shown.yaml") == config


@pytest.mark.parametrize("value", ["no", "1", "a: b", "# x", "{a}", "- x", "'", '"', "", " x ", "x\n"])
def test_scalar_in_a_block_and_in_braces_is_read_as_it_was(value: str):
    import yaml

    assert yaml.safe_load(f"key: {scalar(value)} # c") == {"key": value}
    assert yaml.safe_load(f"key: {{ a: {scalar(value, flow=True)} }} # c") == {"key": {"a": value}}
