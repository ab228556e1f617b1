"""A PostgreSQL server: server (the port, and the way from ports to files), dump and load, restore (beside, then swapped),
table* (one table made equal), volume and physical (its files as they are), scratch (throw-away servers of drills)."""
