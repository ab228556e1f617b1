"""Where passwords come from: source (restic is told where), reading (this process needs it itself), typed (a person typed
it), desk (a person hands it to a run that waits)."""
