"""The sandbox page: shows GitHub, Slack and the journal, with forms to do something there.

site             HTTP: who may ask, the addresses, the headers that keep hostile text harmless
forms            what a person can do there
github_view      the repositories with their issues and pull requests
links_view       where links to files and checks on GitHub lead
slack_view       the conversations with their threads, whispers and buttons
journal_view     the runs with their steps, and the dead letters with their causes
static/          the page itself: `page.js` asks and posts, `draw.js` and `markdown.js` make nodes
                 of what is there, `dom.js` changes only the nodes that differ
"""

from infra.local.sandbox.page.github_view import visible
from infra.local.sandbox.page.site import Page

__all__ = ["Page", "visible"]
