"""Docker through its command line: containers that are looked at, sidecars of ours, scratch servers."""
