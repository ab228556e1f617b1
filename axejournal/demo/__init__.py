"""The world that `axej demo` shows: a PostgreSQL server of its own, the operator's five databases, files, configuration.

`world.up(directory, say)` makes all of it, `world.down(directory)` ends and removes the server. server: starts and stops
it; data and sql/: what is in the databases; files: the files folder; configuration: axej.yaml and its neighbours.
"""
