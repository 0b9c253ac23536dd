"""Replies that Slack shows word by word, in direct messages.

stream    starts, grows and ends a stream
status    the status under a thread, and the session of an agent
steady    how much of a growing text can be shown for good
"""
