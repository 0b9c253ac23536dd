"""Reminders: people have the agent say something again, once or regularly, in their own time zone.

words       the words for days, times and units, in English, German and Chinese
moments     reads a time in words
rules       when it comes, in a time zone: gaps and folds, and the next time of what recurs
wishes      whom to remind, when, and of what
desk        keeps reminders, and lets them come by timers
messages    what people read of them
"""
