"""Docker Compose v2 for the session's engine, as a plugin of the client's own configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from axejournal.programs.install import KEYRINGS, debian_mirror
from tests.world.engine import Engine
from tests.world.needs import need

SCRIPT = Path(__file__).with_name("compose.sh")


def compose_plugin() -> Path:
    """The plugin's file; got from Debian on the first use and kept in the cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "axej-tests"
    base.mkdir(parents=True, exist_ok=True)
    plugin = base / "docker-compose"
    if not plugin.exists():
        keyring = next(path for path in KEYRINGS if Path(path).is_file())
        done = subprocess.run([str(SCRIPT), debian_mirror(), keyring, str(plugin)], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"docker-compose can't be got: {done.stdout[-1500:]} {done.stderr[-500:]}")
    return plugin


@pytest.fixture(scope="session")
def compose(docker_engine: Engine) -> Engine:
    """The session's engine, whose client knows `docker compose`."""
    need("compose")
    plugins = Path(docker_engine.environment["DOCKER_CONFIG"]) / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    if not (plugins / "docker-compose").exists():
        (plugins / "docker-compose").symlink_to(compose_plugin())
    return docker_engine
