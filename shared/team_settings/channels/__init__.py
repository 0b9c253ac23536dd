"""Settings of a channel in Slack: what people there want of the agent, by the command `settings`.

keys     each key with its default, its bounds and what it is for
hours    quiet hours: when they hold, in the time of their zone
orders   reads what somebody asks of the settings
telling  what people read of them
desk     shows and changes them
unasked  answers questions that nobody addressed to the agent
first_week tells how the first week of `mode answers` went

They are read with the claim of a run (shared/journal.sql), so they cost no round trip. No key can
widen what the deployment allows: they name no model, no budget and no permission.
"""
