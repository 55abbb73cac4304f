"""`python -m api.cli`: the same as `caselink`."""

from api.cli import main

main()
