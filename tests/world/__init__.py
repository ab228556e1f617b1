"""The world that the tests run in: a real PostgreSQL, a real restic, a real Docker engine, a real axej.

`place` is where all of it lives and how leftovers of a killed session are found; `needs` says what a test can't do
without; `postgres`, `engine`, `restic` and `home` hold the fixtures, which tests/conftest.py registers.
"""
