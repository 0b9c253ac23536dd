"""Small servers that stand in for GitHub and Slack: the vendors' own clients take them for real.

github/    the sandbox GitHub
slack/     the sandbox Slack
page       a web page that shows both and the journal, with forms to do something there
records    the sandboxes' rows, in one file
"""
