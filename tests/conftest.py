"""Registers the fixtures of tests/world."""

pytest_plugins = (
    "tests.world.place",
    "tests.world.postgres",
    "tests.world.engine",
    "tests.world.repositories",
)
