"""One restic repository: repository (the port), words (its commands), output (its answers), stream (answers line by line),
locks, stall (a restic that makes no progress), damage (what a broken pack hits), leftovers (files of a killed one), notes (what
was learned of a repository), disk (a repository on a disk that may be pulled out), digests
(a disk's files against their names), ports (what it asks of others)."""
