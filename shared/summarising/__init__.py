"""Summaries of what people said in Slack, each sentence with links to the messages that say it.

asked    what is summed up: a thread or a channel, since when
parts    cuts the messages into parts, sums up each, and the parts
desk     SummaryDesk: checks the messages that are cited where they stand
summary  the whole: reads, sums up, checks, and says what is left out
"""
