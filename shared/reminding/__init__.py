"""Reminders: people have the agent say something again, once or regularly, in their own time zone.

words       the words for days, times and units, in English, German and Chinese
grammar     what people say of times, a line for each piece
moments     reads a time in words
rules       when it comes, in a time zone: gaps and folds, and the next time of what recurs
resolving   makes a moment of what was said
wishes      whom to remind, when, and of what
clocks      time zones and names of people, kept for an hour
desk        keeps reminders, and lets them come by timers
serving     sets, shows, puts off, lists and cancels them
messages    what people read of them
"""
