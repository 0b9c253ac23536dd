"""The local cloud, tested on a small template of its own with real processes and real HTTP."""
