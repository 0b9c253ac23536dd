"""Proposals: what the agent would do for a person outside of the conversation. A person says yes
to exactly that, or nothing is done.

    drafting    writes an issue from a thread
    connected   the repositories of a place, and who may open issues there
"""
