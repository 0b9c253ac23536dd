"""The command-line tool: `./scripts/flows`. One file per subject; __main__.py holds the
commands."""
