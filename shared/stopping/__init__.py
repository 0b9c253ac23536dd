"""Stopping: a person stops what the agent does, or takes it back, or a newer event takes the place
of an older one.

A stop marks the runs that are open. Each write of a run reads the mark with its lease, in the same
round trip, and nothing starts after it. A run that has not begun ends as it begins.

desk          stop and supersede, for flows
retrying      tries a failed run again
undo          takes back what a run did
quiet         pause and resume: what the agent does by itself in a place
"""
