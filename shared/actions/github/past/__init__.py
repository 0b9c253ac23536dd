"""Takes back on GitHub what an effect did, as far as nobody built upon it.

history    what happened to an issue since, and who else took part in it
issues     labels, people, milestones, states; issues that were opened
comments   comments and reactions
pulls      reviews, replies, threads, draft pull requests
"""
