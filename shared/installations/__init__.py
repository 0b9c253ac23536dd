"""Installations: the Slack app in several workspaces, each with a token of its own.

store       the tokens of workspaces and organisations, in Postgres
sealing     encrypts tokens with a key of the secrets
handing     gives the front door a token that it lacks
credentials a workspace's token as it stands now, kept while a process lives
rotation    gets the next token before one expires
scopes      the rights that the code needs, and what lacks without one
tickets     what somebody began in a browser: good once
removal     removes the tokens of who leaves
"""

from typing import Any, NamedTuple

from shared.events import Event, Json


class Workspace(NamedTuple):
    """The workspace that something happened in, and the organisation that installed the app for it;
    each is empty where it is not known. `tenant` is that of the event."""

    team: str
    org: str
    tenant: str

    @classmethod
    def of(cls, event: Event) -> "Workspace":
        """Read it from an event; one of another platform knows only its tenant."""
        platform, _, rest = event.conversation.partition(":")
        team = rest.partition(":")[0] if platform == "slack" else ""
        org = org_of(event.payload) if event.source == "slack" else ""
        return cls("" if team == org else team, org, event.tenant)


def org_of(payload: Json) -> str:
    """Return the organisation whose own installation hears this; '' for that of a workspace.
    https://docs.slack.dev/enterprise/developing-for-enterprise-orgs"""
    given = payload.get("authorizations")
    first = given[0] if isinstance(given, list) and given else None
    if isinstance(first, dict):
        return _text(first.get("enterprise_id")) if first.get("is_enterprise_install") else ""
    if payload.get("is_enterprise_install") not in (True, "true"):
        return ""
    enterprise = payload.get("enterprise")
    named = enterprise.get("id") if isinstance(enterprise, dict) else None
    return _text(named) or _text(payload.get("enterprise_id"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
