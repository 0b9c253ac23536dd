"""What stands beside a change.

desk       reads it: guidance, linked issues, earlier findings, failing checks
guidance   AGENTS.md and CONTRIBUTING, of which some count for some files
"""
