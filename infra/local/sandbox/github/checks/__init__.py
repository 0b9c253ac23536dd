"""Checks of commits: runs with annotations, in suites, and the older statuses.

checks       runs, and the suites that they are in
statuses     statuses
asked        what a request may say of a run
views        as GitHub's JSON
endpoints    the REST endpoints
people       what other systems do in the sandbox
"""
