"""Registers the fixtures of tests/world, and the options of the campaigns."""

from __future__ import annotations

import pytest

pytest_plugins = (
    "tests.world.place",
    "tests.world.postgres",
    "tests.world.engine",
    "tests.world.compose",
    "tests.world.repositories",
    "tests.world.older_restic",
    "tests.world.home",
    "tests.world.sshd",
    "tests.world.web",
    "tests.world.rest",
    "tests.world.s3",
    "tests.world.disks",
    "tests.contract.restics",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=200, metavar="N", help="SIGKILLs at random moments (tests/crash); default 200")
    parser.addoption("--nights", type=int, default=7, metavar="N", help="nights of a machine (tests/campaigns); default 7")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need a Docker engine run in one worker, so that one engine is started."""
    for item in items:
        if {"docker_engine", "container", "compose"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("docker"))


@pytest.fixture(scope="session")
def kills(request: pytest.FixtureRequest) -> int:
    """How many random kills a crash campaign makes."""
    return int(request.config.getoption("--kills"))


@pytest.fixture(scope="session")
def nights(request: pytest.FixtureRequest) -> int:
    """How many nights a machine lives in the campaign."""
    return int(request.config.getoption("--nights"))
