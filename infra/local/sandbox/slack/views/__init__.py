"""Dialogs, the app's home and shortcuts, as Slack shows them to one person.

open_views  the triggers, and the dialogs that are open, each person's on a stack
methods     views.open, push, update and publish
checks      what Slack takes of a view
presses     the bodies that Slack posts when somebody uses them
people      what people do with them: use a shortcut, fill in a form, look at the home
"""
