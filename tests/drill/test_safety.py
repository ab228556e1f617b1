"""A drill never reaches a live server: not by mistake, not by a hostile configuration, not by what a check is handed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from axejournal.config.sources import PostgresSource
from axejournal.domain.errors import DrillUnsafe, ProgramStalled
from axejournal.domain.ports.scratch import Scratch
from axejournal.jobs.steps.drill_restore import refuse_live
from axejournal.programs.commands_scratch import KEPT_BYTES, BareCommands
from tests.drill.scenes import drilled, last_drill
from tests.world.home import SMALL_SQL, World, reach

LIVE = "7100000000000000001"
FINE = Scratch("local", "socket /tmp/x", Path("/tmp/axej-drill-x/1"), "postgres", "15.1", "7200000000000000002")


def kit(**source: Any) -> Any:
    """As much of a drill's kit as is asked: one source, whose last dump was of the server LIVE."""
    found = SimpleNamespace(container=None, volume=None, socket=None, **source) if not source else None
    merged = found or SimpleNamespace(**{"container": None, "volume": None, "socket": None, **source})
    memory = SimpleNamespace(last_dump=lambda name: SimpleNamespace(system_identifier=LIVE))
    return SimpleNamespace(config=SimpleNamespace(databases={"frame": merged}), memory=memory)


@pytest.mark.parametrize(
    ("source", "scratch", "what"),
    [
        ({}, {"system_identifier": LIVE}, "system identifier"),
        ({"container": "frame-postgres"}, {"container": "frame-postgres"}, "container frame-postgres"),
        ({"volume": "frame-data"}, {"volume": "frame-data"}, "volume frame-data"),
        ({"volume": "/srv/frame"}, {"data": Path("/srv/frame")}, "volume /srv/frame"),
        ({"socket": Path("/var/run/frame")}, {"socket": Path("/var/run/../run/frame")}, "socket /var/run/frame"),
    ],
)
def test_scratch_that_is_a_sources_own_is_refused(source: dict, scratch: dict, what: str):
    refuse_live(kit(**source), FINE)
    with pytest.raises(DrillUnsafe, match=what):
        refuse_live(kit(**source), replace(FINE, **scratch))


def test_source_has_all_that_is_compared():
    for name in ("container", "volume", "socket"):
        assert name in PostgresSource.model_fields


def test_check_that_asks_for_the_live_server_is_told_of_the_scratch_alone(world: World):
    """A hostile configuration: every way that a client finds a server by itself leads to the scratch, or nowhere."""
    live = world.config["sources"]["frame"]
    (world.home / ".pgpass").write_text("*:*:*:*:the live password\n")
    (world.home / ".pgpass").chmod(0o600)
    (world.home / ".pg_service.conf").write_text(f"[live]\nhost={live['socket']}\nport={live['port']}\nuser=postgres\n")
    drop = "DROP TABLE IF EXISTS journal_line CASCADE"
    world.config["sources"]["frame"]["drill"] = {
        "checks": [
            {"run": "env"},
            {"run": ["psql", "-Xqc", drop]},
            {"run": ["sh", "-c", f"psql -Xqc '{drop}' service=live; psql -Xqc '{drop}' -w -h 127.0.0.1 -p $LIVE_PORT; true"]},
            {"run": ["sh", "-c", "cat ~/.pgpass ~/.pg_service.conf $PGPASSFILE $PGSERVICEFILE; true"]},
        ]
    }
    world.write()
    secrets = {
        "PGPASSWORD": "the live password", "PGHOST": live["socket"], "PGPORT": str(live["port"]), "LIVE_PORT": str(live["port"]),
        "PGSERVICE": "live", "DATABASE_URL": f"postgres://postgres@localhost:{live['port']}/{live['database']}",
    }  # fmt: skip
    world.axej("drill", "--target", "frame", "--json", env=secrets)
    assert world.server.sql(live["database"], "SELECT count(*) FROM journal_line") == [("2000",)]
    log = next((world.state / "logs").rglob(f"*{last_drill(world)['run']}*")).read_text(errors="replace")
    said = log + str(drilled(world))
    assert "PGHOST=/tmp/axej-drill-" in said
    assert "the live password" not in said
    assert "DATABASE_URL" not in said and str(live["socket"]) not in said


def test_drill_that_is_killed_and_resumed_makes_no_connection_to_the_live_server(make_world, make_server):
    server = make_server(options=("-c", "log_connections=on"))
    world = make_world(databases=())
    database = server.create_database("frame")
    server.sql(database, SMALL_SQL)
    world.add_source("frame", kind="postgres", **reach(server), database=database)
    world.axej("backup", "--local", expect=0)
    before = server.log.read_text().count("connection received")
    assert before > 0
    assert world.axej("drill", "--target", "frame", kill_at="intent:compare:local:frame").returncode == -9
    world.axej("resume", expect=0)
    assert drilled(world)["frame"]["proof"] == "verified"
    assert server.log.read_text().count("connection received") == before


def test_long_output_is_cut_in_the_middle_and_memory_stays_flat():
    kept: list[str] = []
    commands = BareCommands(lambda program, code, said: kept.append(said))
    script = (
        "i=0; while [ $i -lt 400 ]; do head -c 131072 /dev/zero | tr '\\0' 'x' | fold -w 1000; i=$((i+1)); done; echo; echo last"
    )
    code, output, size = commands.run(("sh", "-c", f"echo first; {script}"), None, 60.0, {})
    assert code == 0
    assert size > 50_000_000
    assert len(output) < 3 * KEPT_BYTES
    assert output.startswith("first\n") and output.rstrip().endswith("last") and "bytes are left out" in output


def test_command_gets_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    _, output, _ = BareCommands(lambda *_: None).run(("env",), None, 10.0, {"PGHOST": "/scratch"})
    assert "secret" not in output
    assert "PGHOST=/scratch" in output and "PATH=" in output
    assert {line.partition("=")[0] for line in output.split("\n") if line} <= {
        "PATH", "TMPDIR", "USER", "LOGNAME", "TZ", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "LC_ALL", "PGHOST", "PWD",
    }  # fmt: skip


def test_command_that_hangs_is_ended():
    with pytest.raises(ProgramStalled):
        BareCommands(lambda *_: None).run(("sh", "-c", "sleep 60 & sleep 60"), None, 0.5, {})
