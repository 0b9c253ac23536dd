"""The apps on GitHub and in Slack: what they may do, and how a person makes them in one sitting.

person    asks the person at the terminal, and opens their browser
slack     the manifest of the Slack app is slack.yaml
"""
