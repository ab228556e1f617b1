"""Steps: one verb a file. Each does one side effect (`act`) and can tell whether it happened (`probe`)."""
