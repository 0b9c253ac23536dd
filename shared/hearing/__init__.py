"""What the agent hears in Slack: messages in a row, edits, files, links; each as data.

desk    what a run answers: several messages taken together, as they are when the answer begins
"""
