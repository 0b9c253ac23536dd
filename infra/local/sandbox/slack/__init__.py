"""A small Slack on loopback: slack_sdk talks to it, and it tells the app what people do in it.

sandbox       the server, and a method for each thing that people do
web           HTTP: find the caller, the method and the fault
chat          the Web API's methods that write; `reading` has those that read
streams/      messages that grow, the app's status and its sessions
blocks        checks blocks, texts and metadata against Slack's limits
apps          manifests of apps, tokens that configure them, OAuth
workspace     people, conversations and messages, and the events of each change
payloads      the bodies that Slack posts: envelopes, clicks, slash commands
courier       brings them to the app, with Slack's retries
front_door    posts them, signed; `envelopes` and `socket` send them through Socket Mode
responses     the response_url of clicks and commands
views/        dialogs, shortcuts and the app's home
faults        failures that a test orders
files/        uploads, downloads with the token, files.info
"""

from infra.local.sandbox.slack.sandbox import SlackSandbox

__all__ = ["SlackSandbox"]
