"""The commands with which people control the memory: remember, forget, know, why and export.

desk             MemoryDesk, which carries the commands out for the person who gave one
subjects         how a person names what to list or forget
reach            what that person may see and delete from there
forgetting       what /forget deletes, and what it blocks
unremembering    forgets what a run remembered that is taken back
following        FollowingDesk, which lets memory follow what becomes of its sources
listing          memories with their sources, for know, why and export
audit            who read or changed what
command_results  the answers, as Markdown
"""
