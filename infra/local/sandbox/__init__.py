"""Small servers that stand in for GitHub and Slack: the vendors' own clients take them for real."""
