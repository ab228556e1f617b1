"""axej.yaml and customers.yaml: what is read, and every fault with its file, its line and what to write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from axejournal.config import tree
from axejournal.config.load import find, load
from axejournal.domain.errors import ConfigurationFault
from tests.config.conftest import SMALL, Desk


def test_load_fills_in_customer_zone_and_paths(desk: Desk):
    config = desk.load()
    local = config.tiers.local
    assert local.repository == desk.folder / "backups/axe"
    assert (local.schedule.cron, local.schedule.timezone) == ("0 3 * * *", "Asia/Seoul")
    assert local.password.reference == {"file": str(desk.folder / "password")}
    assert config.state == desk.folder / "state"
    assert config.folders["files"].path == desk.folder / "files"
    assert config.customers_path is None


def test_load_of_a_schedule_with_its_own_zone_keeps_it(desk: Desk):
    desk.change(lambda c: c["tiers"]["local"].update(schedule={"cron": "30 2 * * *", "timezone": "Europe/Berlin"}))
    assert desk.load().tiers.local.schedule.timezone == "Europe/Berlin"


def test_load_expands_home_in_paths(desk: Desk):
    desk.change(lambda c: (c.pop("state"), c["sources"]["files"].update(path="~/files")))
    config = desk.load()
    home = Path(os.environ["HOME"])
    assert config.state == home / ".axe/axej"
    assert config.folders["files"].path == home / "files"


@pytest.mark.parametrize("name", ["my db", '"x"', "it's", "데이터", "-rf", "no", "a: b", "# x", "😀"])
def test_load_takes_database_names_as_the_server_has_them(desk: Desk, name: str):
    desk.change(lambda c: c["sources"]["frame"].update(database=name))
    assert desk.load().databases["frame"].database == name


def test_load_takes_keys_as_they_are_written_even_if_yaml_means_more_by_them(desk: Desk):
    desk.write(SMALL.replace("  frame:\n", "  no:\n").replace("  files:\n", "  2026-05-20:\n"))
    assert list(desk.load().sources) == ["no", "2026-05-20"]


def test_load_names_all_faults_of_both_files_at_once(desk: Desk):
    desk.write(
        SMALL.replace("timezone: Asia/Seoul", "timezone: Asia/Soul")
        .replace("    database: frame\n", "    databse: frame\n    host: 127.0.0.1\n    port: '5432'\n")
        .replace('"0 3 * * *"', '"0 3 * *"\n    rpo: 26')
        + "customers: customers.yaml\nsurprise: 1\n"
    )
    desk.write("realchoice:\n  ring_backup:\n    ssh_user: 7\n    receive_dir_at_self: /x\n", "customers.yaml")
    assert desk.faults() == [
        "axej.yaml:3: timezone: 'Asia/Soul' is no time zone; write: Asia/Seoul",
        "axej.yaml:6: sources.frame.database: is missing; write: database: frame",
        "axej.yaml:9: sources.frame.databse: unknown key (did you mean database?); write: database: frame",
        "axej.yaml:10: sources.frame.host: two ways to one server: container and host; "
        "write: only one of them, such as container",
        "axej.yaml:11: sources.frame.port: '5432' where a whole number belongs; write: port: 5432",
        "axej.yaml:20: tiers.local.schedule: '0 3 * *' is no schedule: it has 4 fields, not 5; "
        "write: five fields, minute hour day month weekday: 0 3 * * *",
        "axej.yaml:21: tiers.local.rpo: 26 has no unit; write: 26m, 26h or 26d",
        "axej.yaml:23: surprise: unknown key; write: one of check, customer, customers, docker, drill, heartbeat, host, "
        "language, limits, notify, restic, restore, schedules, sources, state, tiers, timezone",
        'customers.yaml:2: realchoice.ring_backup: has no address; write: ssh_fqdn: "NAME.DOMAIN" or ssh_ip: "ADDRESS"',
        "customers.yaml:2: realchoice.ring_backup.receive_dir_at_peer: is missing; "
        "write: receive_dir_at_peer: /Users/realchoice/peer-backups/axe/",
        'customers.yaml:3: realchoice.ring_backup.ssh_user: the number 7 where a text belongs; write: "7", in quotes',
    ]


FAULTS = [  # what is replaced, by what, what is said
    (
        "tiers:\n",
        "tiers:\n  ring: {repository: /copies, credentials: login, schedule: 0 3 * * *, password: {env: A}}\n",
        "tiers.ring.credentials: only an s3: or rest: place has a login of its own; write: repository: s3:… or rest:…",
    ),
    ("host: axe-macmini", "host: axe macmini", "axej.yaml:2: host: 'axe macmini' can't stand here; write: host: axe-macmini"),
    ("host: axe-macmini", "hst: axe", "axej.yaml:2: hst: unknown key (did you mean host?); write: host: axe-macmini"),
    ("host: axe-macmini\n", "", "axej.yaml:1: host: is missing; write: host: axe-macmini"),
    ("state: state", "language: fr", "axej.yaml:4: language: 'fr' is not known here; write: en or ko"),
    ("state: state", "limits:", "axej.yaml:4: limits: is empty; write: keys below it, or nothing at all"),
    ("state: state", "limits: {databases_at_once: 0}", "the number 0 is too small; write: a number of 1 or more"),
    ("state: state", 'restic: {minimum: "0.17.3"}', 'axej needs restic 0.18.1 or newer, 0.17.3 is older; write: "0.18.1"'),
    ("state: state", "state: ~nobody-of-that-name/x", "there is no such home folder"),
    ("kind: postgres", "kind: postgre", "axej.yaml:7: sources.frame.kind: 'postgre' is no kind of source; write: kind: postgres"),
    ("    kind: postgres\n", "", "axej.yaml:6: sources.frame.kind: is missing; write: kind: postgres, or kind: files"),
    ("    container: frame-postgres\n", "", "axej.yaml:6: sources.frame: says no way to the server; write: one of container"),
    ("container: frame-postgres", "host: /var/run", "sources.frame.host: '/var/run' can't stand here; write: host: 127.0.0.1"),
    ("user: frame", "user: 5", 'axej.yaml:10: sources.frame.user: the number 5 where a text belongs; write: "5", in quotes'),
    (
        "user: frame",
        "user: no",
        "sources.frame.user: false (yes, no, on, off count as that) where a text belongs; write: the word in quotes",
    ),
    ("user: frame", "user: frame\n    only_copy: 'yes'", "'yes' where true or false belongs; write: true or false"),
    ("user: frame", "user: frame\n    port: 70000", "the number 70000 is too big; write: a number of 65535 or less"),
    ("user: frame", f"user: {'가' * 22}", "sources.frame.user: is longer than PostgreSQL's 63 bytes"),
    ("  frame:\n", "  fra me:\n", "axej.yaml:6: sources.fra me: 'fra me' can't be a name; write: letters, digits, _, . and -"),
    ("path: files", "path: files\n    require: [/abs]", "/abs is not below the source's folder"),
    ("  local:\n", "  locl:\n", "axej.yaml:15: tiers.locl: unknown tier (did you mean local?); write: local:"),
    ("backups/{customer}", "backups/{custmer}", "{custmer} stands for nothing; write: a path, in which {customer}"),
    ('"0 3 * * *"', '"0 0 30 2 *"', "'0 0 30 2 *' is no schedule"),
    ('"0 3 * * *"', "{cron: 0 3 * * *, timezone: Mars}", "tiers.local.schedule.timezone: 'Mars' is no time zone"),
    ("{file: password}", "{}", "axej.yaml:17: tiers.local.password: names no place where the secret is kept"),
    ("{file: password}", "{fil: password}", "tiers.local.password.fil: unknown key (did you mean file?)"),
    ("{file: password}", "{file: a, env: B}", "two places for one secret: file and env"),
    ("{file: password}", "{env: A B}", "tiers.local.password.env: this can't stand here; write: env: AXEJ_PASSWORD"),
    ("{file: password}", "{command: 'a \"b'}", "tiers.local.password.command: a command with an open quote"),
    ("state: state", "<<: {state: x}", "axej.yaml:4: <<: merge keys are not read; write: the keys themselves"),
    (
        "state: state",
        "state: !!python/name:os.system x",
        "axej.yaml:4: state: a tag (!) is not read; write: the value without it",
    ),
    ("state: state", "[a]: b", "axej.yaml:4: a key that is a list or a mapping"),
    ("state: state", "state: state\nhost: other", "axej.yaml:5: host: is there twice, first in line 2; write: one of the two"),
    ("state: state", "customers: nowhere.yaml", "axej.yaml:4: customers: nowhere.yaml is not there"),
    ("state: state", "customers: {realchoice: {}}", "axej.yaml:4: customers: wants the path of a file; write: customers.yaml"),
    ("state: state", "drill: {schedule: 5}", "drill.schedule: the number 5 where a mapping of keys belongs"),
]


MORE = {"hst: axe", "  locl:\n"}
"""These lack something else, too."""


@pytest.mark.parametrize(
    ("old", "new", "said"), FAULTS, ids=[new.strip().splitlines()[-1] if new.strip() else f"no {old}" for old, new, _ in FAULTS]
)
def test_load_of_one_wrong_thing_says_where_it_is_and_what_to_write(desk: Desk, old: str, new: str, said: str):
    assert old in SMALL
    desk.write(SMALL.replace(old, new, 1))
    faults = desk.faults()
    assert any(said in fault for fault in faults), faults
    assert len(faults) == 1 or new in MORE, faults


SECRET = "hunter2"
LEAKS = [
    ("password: {file: password}", f"password: {SECRET}", "tiers.local.password: a plain secret has no place in this file"),
    ("password: {file: password}", f"password: *{SECRET}", "not valid YAML"),
    ("password: {file: password}", f"password: !{SECRET} x", "a tag (!) is not read"),
    ("password: {file: password}", f'password: "{SECRET}', "not valid YAML"),
    ("password: {file: password}", f"password: {{keychain: [{SECRET}]}}", "a list where a text belongs"),
    (
        "user: frame",
        f"user: frame\n    password: {SECRET}",
        "a plain password has no place in this file; write: passfile: ~/.pgpass",
    ),
    ("state: state", f"heartbeat: https://example.org/{SECRET}", "heartbeat: a plain secret has no place in this file"),
    ("state: state", f"notify: {{slack: https://hooks.slack.com/{SECRET}}}", "notify.slack: a plain secret"),
    ("tiers:\n", f"tiers:\n  cold: {{mount: /Volumes/x, first_quarter: 2026Q1, password: {SECRET}}}\n", "on paper only"),
    (
        "tiers:\n",
        f"tiers:\n  ring: {{repository: 'rest:http://u:{SECRET}@h/', schedule: 0 3 * * *, password: {{env: A}}}}\n",
        "tiers.ring.repository: a password in the repository's address",
    ),
    (
        "user: frame",
        f"user: frame\n    after_restore: {{check: [psql --password={SECRET}, 'env PGPASSWORD={SECRET} psql']}}",
        "a secret on a command line",
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), LEAKS, ids=[said for _, _, said in LEAKS])
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_load_refuses_a_plain_secret_without_repeating_it(
    desk: Desk, old: str, new: str, said: str, loader: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tree, "Loader", getattr(yaml, loader, yaml.SafeLoader))
    desk.write(SMALL.replace(old, new, 1))
    faults = "\n".join(desk.faults())
    assert said in faults
    assert SECRET not in faults


def test_load_names_every_line_with_a_tab_in_its_indentation(desk: Desk):
    desk.write(SMALL.replace("    database: frame\n    user", "\tdatabase: frame\n  \tuser"))
    assert desk.faults() == [
        "axej.yaml:9: a tab in the indentation; write: spaces instead of the tab",
        "axej.yaml:10: a tab in the indentation; write: spaces instead of the tab",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "axej.yaml:1: is empty"),
        (b"# nothing\n", "axej.yaml:1: is empty"),
        (b"- a\n- b\n", "axej.yaml:1: is no mapping of keys"),
        (b"customer: axe\nhost: \xff\n", "axej.yaml:2: is not UTF-8"),
        (b"customer: axe\nhost: a\x01b\n", "axej.yaml:2: a character that YAML does not allow"),
        (b"customer: axe\nhost: a: b\n", "axej.yaml:2: not valid YAML"),
        (b"customer: [axe\nhost: x\n", "not valid YAML"),
        (b"customer: axe\n---\nhost: x\n", "write: one document, without a second ---"),
        (
            b"a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
            + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % ((n, n) + (n - 1,) * 9) for n in range(99, 108)),
            "aliases",
        ),
        (b"a: &a [*a]\n", "levels within levels without end"),
        (b"[" * 5000, "axej.yaml:1: "),
        (b"a: " + b"[" * 500 + b"]" * 500, "levels within levels without end"),
    ],
)
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_load_of_a_file_that_is_no_configuration_says_why(
    desk: Desk, content: bytes, said: str, loader: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tree, "Loader", getattr(yaml, loader, yaml.SafeLoader))
    desk.path.write_bytes(content)
    faults = desk.faults()
    assert any(said in fault for fault in faults), faults


def test_load_without_a_file_names_init(desk: Desk):
    desk.path.unlink()
    with pytest.raises(ConfigurationFault) as caught:
        desk.load()
    assert str(desk.path) in caught.value.message
    assert "axej init" in caught.value.hint


def test_load_of_a_folder_says_that_it_cant_be_read(desk: Desk):
    with pytest.raises(ConfigurationFault, match=r"can't be read: Is a directory"):
        load(desk.folder)


CUSTOMERS = """\
realchoice:
  plan: gold
  ring_backup:
    ssh_user: "realchoice"
    ssh_fqdn: "realchoice-macmini.tail090015.ts.net"
    ssh_ip: "100.114.161.51"
    receive_dir_at_peer: "/Users/realchoice/peer-backups/axe/"
    receive_dir_at_self: "/Users/axe/.axe/backups/peer/realchoice/"
    restic_version: "0.18.1"
    disk_available_gib: 43
    bidirectional_ssh: true
nobody:
"""


@pytest.mark.parametrize("wrapped", [False, True])
def test_customers_file_beside_the_configuration_is_read_with_what_else_operators_keep_in_it(desk: Desk, wrapped: bool):
    text = "customers:\n" + "".join(f"  {line}\n" for line in CUSTOMERS.splitlines()) if wrapped else CUSTOMERS
    path = desk.write(text, "customers.yaml")
    config = desk.load()
    assert config.customers_path == path
    assert list(config.customers.known) == ["realchoice", "nobody"]
    ring = config.customers.known["realchoice"].ring_backup
    assert ring is not None
    assert ring.addresses == ("realchoice-macmini.tail090015.ts.net", "100.114.161.51")
    assert ring.repository(ring.addresses[1]) == "sftp:realchoice@100.114.161.51:/Users/realchoice/peer-backups/axe/"
    assert (ring.disk_available_gib, ring.bidirectional_ssh, ring.restic_version) == (43, True, "0.18.1")


@pytest.mark.parametrize("wrapped", [False, True])
def test_customers_file_with_a_misspelt_key_is_refused_at_its_line(desk: Desk, wrapped: bool):
    text = CUSTOMERS.replace("ring_backup", "ring_bakup")
    desk.write("customers:\n" + "".join(f"  {line}\n" for line in text.splitlines()) if wrapped else text, "customers.yaml")
    assert desk.faults() == [f"customers.yaml:{3 + wrapped}: realchoice.ring_bakup: unknown key; write: ring_backup"]


def test_faults_of_customers_are_named_even_if_the_configuration_itself_is_no_yaml(desk: Desk):
    desk.write("a: b: c\n")
    desk.write("x:\n\ty: 1\n", "customers.yaml")
    assert [fault.split(":")[0] for fault in desk.faults()] == ["axej.yaml", "customers.yaml"]


def test_find_takes_the_option_then_the_variable_then_the_default(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(desk.folder)
    monkeypatch.delenv("AXEJ_CONFIG", raising=False)
    assert find(None) == Path(os.environ["HOME"]) / ".axe/axej.yaml"
    monkeypatch.setenv("AXEJ_CONFIG", "~/other.yaml")
    assert find(None) == Path(os.environ["HOME"]) / "other.yaml"
    assert find("axej.yaml") == desk.path
