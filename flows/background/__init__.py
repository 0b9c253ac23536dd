"""Flows that nobody asks for and nobody sees: they keep the system and its memory in order.

batches    carries batches of model calls
retention  deletes what is old
sweep      sends the events of runs that stand still again
uninstall  lets memory follow what is deleted, renamed or edited, and tokens who leaves
upkeep     keeps each tenant's memory in order
"""
