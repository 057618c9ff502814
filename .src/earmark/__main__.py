"""`python -m earmark` is the command `earmark`."""

from earmark.streams.cli import main

main()
