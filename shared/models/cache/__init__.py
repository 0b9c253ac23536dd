"""The prompt cache.

prompt_cache    answers equal requests from one call
recent_replies  the replies that this process knows
shared_replies  the replies in Postgres, for all processes
"""
