"""GitHub: what flows do and ask there, and the adapter that does it.

actions      the actions as values
reactions    reactions as values
queries      the queries as values, for plans and for ingestion
adapter      the table: each action and query with its function
comments issues   perform the actions, and find their effects
past/        takes them back
pulls/       pull requests: drafts, reviews, what they change
uploads/     pictures that people put into issues and comments
reading      answers the queries of plans, within bounds
snapshot     answers the queries of ingestion: whole files, changes, issues; a team's files
markdown     makes a model's text safe to post
session      requests about repositories
paths        their paths and parameters, which no text can lead elsewhere
identity     the credentials: a token, or an app with a token per repository
app_jwt      the signed token by which an app identifies itself
connection   one HTTP request and its response
errors       GitHub's refusals as our errors
"""

from collections.abc import Iterable, Mapping

from shared.actions import Adapter, Permission
from shared.settings import Settings


def connect(settings: Settings, permissions: Mapping[str, str], _: object = None) -> Adapter:
    """Build the adapter; its imports run only now. An app's tokens carry only `permissions`."""
    from shared.actions.github.adapter import GitHubAdapter

    return GitHubAdapter(settings, permissions=permissions)


def signs(types: Iterable[str]) -> tuple[Permission, ...]:
    """Return what a flow of these event types may do to show how a command stands."""
    if not any(name.startswith("github.command.") for name in types):
        return ()
    from shared.actions.github.reactions import AddReaction, RemoveReaction

    return AddReaction.at_most(2), RemoveReaction.at_most(1)


#: What takes actions back has a token of its own, with more rights than its flow needs otherwise.
connect_to_take_back = connect
