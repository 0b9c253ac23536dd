"""The app's home in Slack: what one person sees of the agent, and what they may press there.

blocks  its blocks, from plain values
desk    reads the values and does what is pressed
"""
