"""The face: click groups, one file a noun. `door` is the entry point; it answers the quick questions by itself."""
