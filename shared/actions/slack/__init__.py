"""Slack: what flows do and ask there, and the adapter that does it.

actions    the actions and the query as values
adapter    the table: each action and query with its function
replies    replies in threads, reactions, and answers to slash commands
responses  posts those answers, to Slack's own addresses only
drafts     replies that are still growing; streaming/ shows them word by word
cards      messages with buttons, edited in place
channels   posts into channels; reads threads
past       takes back what was said
search     finds messages for the person who asks
heard/     what people said and sent: messages, files, links
people     who is a full member; which channels other companies are in
views/     dialogs, the app's home, and words to one person
text       makes Markdown harmless and cuts it into messages
bot_client the SDK's client of a workspace, with the pauses that Slack asks for
session    the bot's calls to Slack, and its messages in threads
sessions   the session of an event's workspace
errors     Slack's refusals and silences as our errors
"""

from collections.abc import Mapping

from shared.actions import Adapter
from shared.database import Database
from shared.settings import Settings


def connect(settings: Settings, _: Mapping[str, str], database: Database | None) -> Adapter:
    """Build the adapter; imports the Slack SDK only now. A bot's rights are those of its app."""
    from shared.actions.slack.adapter import SlackAdapter

    return SlackAdapter(settings, database=database)
