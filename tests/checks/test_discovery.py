"""Finding the PostgreSQL servers of a machine: real servers, real leftovers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from axejournal.checks import discovery
from axejournal.checks.discovery import FoundServer, answers, servers_here, servers_in_containers, sockets
from axejournal.checks.sources import _missed
from tests.world.engine import Container, Engine
from tests.world.postgres import Server


def test_server_is_found_by_its_socket_with_its_databases(postgres: Server, database: Callable[..., str]):
    hostile = [database(exact=name) for name in ("한국어 데이터", "-leading dash", "new\nline", 'it\'s "quoted"')]
    plain = database("frame")
    found = [server for server in servers_here((postgres.socket_dir,)) if server.socket is not None]
    assert [(server.socket, server.port, server.user, server.trouble) for server in found] == [
        (postgres.socket_dir, postgres.port, "postgres", "")
    ]
    assert {plain, *hostile} <= set(found[0].databases)
    assert "postgres" not in found[0].databases
    assert not {"template0", "template1"} & set(found[0].databases)


def test_socket_of_a_dead_server_is_not_found(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / ".s.PGSQL.5432"))
    assert (tmp_path / ".s.PGSQL.5432").is_socket()
    assert list(sockets((tmp_path,))) == []


def test_socket_folder_under_two_names_is_one_server(postgres: Server, tmp_path: Path):
    (tmp_path / "other").symlink_to(postgres.socket_dir)
    assert len(list(sockets((postgres.socket_dir, tmp_path / "other")))) == 1


def test_server_that_refuses_us_is_told_with_its_words(postgres: Server):
    found = discovery._asked(FoundServer((), "nobody-of-that-name", socket=postgres.socket_dir, port=postgres.port))
    assert found.databases == ()
    assert "nobody-of-that-name" in found.trouble


def test_address_answers_when_a_postgres_listens_there(postgres: Server):
    assert answers("127.0.0.1", postgres.port)


def test_address_where_something_else_listens_is_no_postgres():
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert not answers("127.0.0.1", other.getsockname()[1])
        thread.join()


def test_database_of_a_covered_server_that_is_in_no_source_is_told():
    server = FoundServer(("frame", "index"), "postgres", container="axe-postgres")
    assert [finding.text for finding in _missed(server, {"frame"})] == [
        "database index in container axe-postgres is in no source"
    ]


def test_servers_in_containers_are_found_with_databases_user_and_volume(
    docker_engine: Engine, container: Callable[..., Container], monkeypatch: pytest.MonkeyPatch
):
    for name, value in docker_engine.environment.items():
        monkeypatch.setenv(name, value)
    made = container("frame-postgres", volume="frame-data", user="frame", database="frame")
    made.create_database("한국어")
    found = servers_in_containers()
    assert [(server.container, server.user, server.volume, server.trouble) for server in found] == [
        ("frame-postgres", "frame", "frame-data", "")
    ]
    assert {"frame", "한국어"} == set(found[0].databases)
    assert docker_engine.containers("label=axej.run=discovery") == set()


def test_stopped_container_is_not_found(
    docker_engine: Engine, container: Callable[..., Container], monkeypatch: pytest.MonkeyPatch
):
    for name, value in docker_engine.environment.items():
        monkeypatch.setenv(name, value)
    container("hive-postgres").stop()
    assert servers_in_containers() == ()


def test_without_docker_there_are_no_containers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    assert servers_in_containers() == ()
