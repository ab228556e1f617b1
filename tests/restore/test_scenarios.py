"""The operator's scenarios 1, 1b, 1c and 3 as their page writes them: the names of its services in containers, a real `docker
compose restart`, the checks as commands inside of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.world.engine import Container, Engine
from tests.world.home import World, at

NIGHT = at("2026-05-20T03:00:20+09:00")
AS_PAGE = ("--customer", "axe", "--tier", "local", "--as-of", "2026-05-20T03:00")
FRAME = """
CREATE TABLE journal_entry (id int PRIMARY KEY, entity text NOT NULL, at date NOT NULL);
CREATE TABLE journal_line (id int PRIMARY KEY, entry int NOT NULL REFERENCES journal_entry, account text NOT NULL, krw bigint NOT NULL);
INSERT INTO journal_entry SELECT n, CASE WHEN n % 2 = 0 THEN 'axec' ELSE 'axev' END, date '2026-01-01' + n FROM generate_series(1, 100) AS n;
INSERT INTO journal_line SELECT 2 * n + side, n, CASE WHEN side = 0 THEN '보통예금' ELSE '매출' END, n * (1 - 2 * side) * 1000
  FROM generate_series(1, 100) AS n, generate_series(0, 1) AS side;
"""  # noqa: E501
BLUEPRINT = """
CREATE TABLE "Workspace" (id int PRIMARY KEY, name text);
INSERT INTO "Workspace" SELECT n, n FROM generate_series(1, 7) AS n;
"""
HIVE = """
CREATE SCHEMA axec; CREATE TABLE axec.employees (id int); INSERT INTO axec.employees SELECT generate_series(1, 5);
CREATE SCHEMA axev; CREATE TABLE axev.employees (id int); INSERT INTO axev.employees SELECT generate_series(1, 3);
"""
PYTHON = """#!/bin/sh
[ "$*" = "-m frame.cli integrity-check --entity axec" ] || exit 2
off=$(psql -XAt -h 127.0.0.1 -U frame -d frame -c "SELECT count(*) FROM (SELECT entry FROM journal_line
  JOIN journal_entry AS e ON e.id = entry WHERE entity = 'axec'
  GROUP BY entry HAVING sum(krw) <> 0 OR count(*) <> 2) AS off") || exit 3
[ "$off" = 0 ] || { echo "integrity-check: $off entries of axec do not balance"; exit 1; }
echo "integrity-check: axec is sound"
"""
NODE = """#!/bin/sh
case "$2" in *workspace.count*) ;; *) exit 2 ;; esac
echo "workspaces: $(psql -XAt -h 127.0.0.1 -U blueprint -d blueprint -c 'SELECT count(*) FROM "Workspace"')"
"""
COUNT_JS = (
    "const {PrismaClient}=require('@prisma/client'); new PrismaClient().workspace.count().then(n=>console.log('workspaces:',n))"
)
COUNT_SQL = "SELECT 'axec' AS tenant, COUNT(*) FROM axec.employees UNION ALL SELECT 'axev', COUNT(*) FROM axev.employees;"
CHECK = "docker exec frame-mcp-blue python -m frame.cli integrity-check --entity axec"


@pytest.fixture(scope="module")
def platform(compose: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The three platforms, each as a project of Docker Compose, below a folder that stands for /Users/axe."""
    home = tmp_path_factory.mktemp("users")
    project(compose, home / "frame", "frame", ("frame-mcp-blue", "frame-mcp-green"), PYTHON, FRAME)
    project(
        compose,
        home / "blueprint" / "docker",
        "blueprint",
        ("app-green", "blueprint-mcp-blue", "blueprint-mcp-green"),
        NODE,
        BLUEPRINT,
    )
    project(compose, home / "hive", "hive", ("hive-mcp-blue", "hive-mcp-green"), PYTHON, HIVE)
    yield home
    compose.docker("rm", "--force", "--volumes", *compose.containers())


def project(engine: Engine, folder: Path, name: str, apps: tuple[str, ...], program: str, sql: str) -> None:
    """A database `NAME-postgres` and the programs that use it, up. What the programs run is a small one of ours."""
    folder.mkdir(parents=True)
    for tool in ("python", "node"):
        (folder / tool).write_text(program)
        (folder / tool).chmod(0o755)
    words = {"POSTGRES_USER": name, "POSTGRES_PASSWORD": "a password of the tests", "POSTGRES_DB": name}
    base: dict[str, Any] = {"image": engine.image, "init": True, "stop_grace_period": "2s"}
    services = {
        f"{name}-postgres": {
            **base,
            "container_name": f"{name}-postgres",
            "init": False,
            "environment": words,
            "network_mode": "none",
            "stop_signal": "SIGINT",
            "stop_grace_period": "20s",
            "command": ["-c", "fsync=off", "-c", "shared_buffers=16MB"],
        }
    }
    mounts = [f"{folder}/{tool}:/usr/local/bin/{tool}:ro" for tool in ("python", "node")]
    for app in apps:
        container = app if app.startswith(name) else f"{name}-{app}"
        net = f"service:{name}-postgres"
        services[app] = {
            **base,
            "container_name": container,
            "command": ["sleep", "9999"],
            "network_mode": net,
            "volumes": mounts,
        }
    (folder / "docker-compose.yml").write_text(yaml.safe_dump({"services": services}))
    engine.docker("compose", "-f", f"{folder}/docker-compose.yml", "up", "--detach", "--quiet-pull")
    made = Container(f"{name}-postgres", engine, name, None)
    made.wait()
    made.sql(name, sql)


@pytest.fixture
def world(make_world: Callable[..., World], compose: Engine) -> World:
    """The operator's machine, without sources."""
    made = make_world(databases=())
    made.environment |= compose.environment
    return made


def add(world: World, name: str, restart: Any, check: Any) -> None:
    """A source as the reference configuration has it, backed up at 03:00."""
    after = {"restart": [restart], "check": [check]}
    world.add_source(name, kind="postgres", container=f"{name}-postgres", database=name, user=name, after_restore=after)
    world.axej("backup", "--local", env=NIGHT, expect=0)


def add_frame(world: World, platform: Path) -> None:
    """Source frame."""
    add(
        world, "frame", {"run": "docker compose restart frame-mcp-blue frame-mcp-green", "folder": str(platform / "frame")}, CHECK
    )


def started(engine: Engine, *names: str) -> list[str]:
    """When these containers were started last."""
    return [engine.docker("inspect", "--format", "{{.State.StartedAt}}", name).stdout.strip() for name in names]


def check(engine: Engine) -> subprocess.CompletedProcess[str]:
    """Step 3 of scenario 1, by hand."""
    return engine.docker(*CHECK.split()[1:], check=False)


def test_scenario_1_frame_after_a_bad_migration(world: World, platform: Path, compose: Engine):
    add_frame(world, platform)
    frame = Container("frame-postgres", compose, "frame", None)
    frame.sql("frame", "UPDATE journal_line SET krw = abs(krw); ALTER TABLE journal_line DROP COLUMN account")
    assert check(compose).returncode == 1
    before = started(compose, "frame-mcp-blue", "frame-mcp-green", "frame-postgres")
    plan = world.axej("restore", *AS_PAGE, "--target", "frame-postgres", "--dry-run", expect=0).stdout
    assert "docker compose restart frame-mcp-blue frame-mcp-green" in plan and "runbooks/frame-damaged.md" in plan
    world.axej("restore", *AS_PAGE, "--target", "frame-postgres", "--yes", expect=0)
    after = started(compose, "frame-mcp-blue", "frame-mcp-green", "frame-postgres")
    assert [old != new for old, new in zip(before, after, strict=True)] == [True, True, False]
    assert "axec is sound" in check(compose).stdout
    assert world.json("points", "--source", "frame")[0]["proof"] == "verified"


def test_scenario_1b_blueprint(world: World, platform: Path, compose: Engine):
    file = platform / "blueprint" / "docker" / "docker-compose.yml"
    restart = f"docker compose -f {file} restart app-green blueprint-mcp-blue blueprint-mcp-green"
    node = ["docker", "exec", "blueprint-app-green", "node", "-e", COUNT_JS]
    add(world, "blueprint", restart, {"run": node, "expect": "workspaces: [0-9]+"})
    database = Container("blueprint-postgres", compose, "blueprint", None)
    database.sql("blueprint", 'DROP TABLE "Workspace"')
    world.axej("restore", *AS_PAGE, "--target", "blueprint-postgres", "--yes", expect=0)
    assert database.sql("blueprint", 'SELECT count(*) FROM "Workspace"') == [("7",)]
    assert "workspaces: 7" in logs(world)


def test_scenario_1c_hive_whose_server_is_restarted_before_it_is_checked(world: World, platform: Path, compose: Engine):
    restart = f"docker compose -f {platform}/hive/docker-compose.yml restart hive-postgres hive-mcp-blue hive-mcp-green"
    psql = ["docker", "exec", "hive-postgres", "psql", "-U", "hive", "-d", "hive", "-c", COUNT_SQL]
    add(world, "hive", restart, {"run": psql, "expect": r"axev\s+\|\s+3"})
    database = Container("hive-postgres", compose, "hive", None)
    before = started(compose, "hive-postgres")
    database.sql("hive", "DELETE FROM axev.employees")
    world.axej("restore", *AS_PAGE, "--target", "hive-postgres", "--yes", expect=0)
    assert started(compose, "hive-postgres") != before
    assert database.sql("hive", "SELECT count(*) FROM axev.employees") == [("3",)]


def test_scenario_3_silent_corruption(world: World, platform: Path, compose: Engine):
    add_frame(world, platform)
    world.axej("restore", *AS_PAGE, "--target", "frame-postgres", "--yes", expect=0)  # its check makes the point a valid one
    frame = Container("frame-postgres", compose, "frame", None)
    frame.sql(
        "frame", "UPDATE journal_line SET krw = krw + 1 WHERE id = 44; INSERT INTO journal_entry VALUES (900, 'axec', now())"
    )
    world.axej("backup", "--local", env=at("2026-05-21T03:00:20+09:00"), expect=0)  # the damage is in the newest restore point
    assert check(compose).returncode == 1
    world.axej(
        "restore", "--customer", "axe", "--tier", "local", "--table", "journal_line", "--as-of", "last-valid", "--yes", expect=0
    )
    assert "axec is sound" in check(compose).stdout
    assert frame.sql("frame", "SELECT count(*) FROM journal_entry WHERE id = 900") == [("1",)]


def logs(world: World) -> str:
    """What the commands of all runs said."""
    return "".join(path.read_text() for path in (world.state / "logs").glob("*.log"))
