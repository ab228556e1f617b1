"""Memory: the append-only events in SQLite, what is computed from them, and who may work on what.

store appends and reads (database opens and migrates it, chain links the events, codec and upcasters turn facts into
rows and back, locks lets one writer in at a time); projections/ keeps the answers, reader and memory give them (readonly,
rows, clauses); verify, replay and export look at the whole; leases says who works on what. place and faults know disks.
"""
