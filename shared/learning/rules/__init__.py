"""Rules: learnings in words, which people's corrections become.

store       keeps rules, who said so, and which runs heeded them
proposing   makes candidates of what people say, never of the agent's words nor of strangers'
heeding     the rules that a review and the tone of answers heed
commands    the desk of `/learnings`: lists, explains, accepts, edits, disables and deletes
"""
