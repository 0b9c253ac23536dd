"""The apps on GitHub and in Slack: what they may do, and how a person makes them in one sitting.

person         asks the person at the terminal, and opens their browser
state          what is remembered between two sittings
github_rights  what the GitHub App may do and hears, from the flows' declarations
github_app     the App as GitHub knows it: its manifest, its keys, its installations, its webhook
github_setup   registers and installs it in one sitting
loopback       the page on this machine that brings the manifest, and hears the code
slack.yaml     the manifest of the Slack app
"""
