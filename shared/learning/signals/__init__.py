"""Signals: what people made of what the agent did, each attributed to the run that caused it.

store       keeps a signal once, and says how much it counts
moments     tells when something happened, whenever it was delivered
desk        the desk by which flows note what people decide about a run: drafts, plans, undo
opinions    thumbs in Slack: a desk
answers     what follows an answer in its thread: a correction, a call for others, somebody's own
pulls       what became of findings: at the end of a thread, and until the merge
windows     closes what ends without a word, once a night: a desk
issues      what became of labels and of a duplicate that was named
reactions   thumbs on GitHub, which sends no event for them
"""
