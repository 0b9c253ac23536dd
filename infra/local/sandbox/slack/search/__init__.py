"""assistant.search.context: searches messages with the token that an event brought.

tokens    the action tokens of events: whose each is, and until when
context   the search itself, over what that person may see
"""
