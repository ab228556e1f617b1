"""`python -m axejournal` is `axej`."""

from axejournal.cli.door import main

main()
