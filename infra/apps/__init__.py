"""The apps on GitHub and in Slack: what they may do, and how a person makes them in one sitting.

person         asks the person at the terminal, and opens their browser
state          what is remembered between two sittings
github_rights  what the GitHub App may do and hears, from the flows' declarations
github_app     the App as GitHub knows it: its manifest, its keys, its installations, its webhook
github_setup   registers and installs it in one sitting
loopback       the page on this machine that brings the manifest, and hears the code
slack_manifest the manifest of the Slack app, slack.yaml, with addresses; Slack's pages
slack_config   makes and updates the app through Slack's API, with a token that renews itself
slack_setup    makes and installs it in one sitting; `slack_install` is OAuth
slack_checks   checks tokens and the front door
"""
