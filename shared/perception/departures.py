"""Finds what to forget: repositories and workspaces that went away or became private.

GitHub's pages list the fields of each delivery; a place is a memory's source, or contains such.
https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from typing import NamedTuple

from shared.events import Event
from shared.perception import dig, items, string, word

#: Event types to subscribe to, so that the memory of a place goes with it.
TYPES = (
    "github.repository.deleted",
    "github.repository.transferred",
    "github.repository.privatized",
    "github.installation.deleted",
    "github.installation_repositories.removed",
    "slack.app_uninstalled",
    "slack.tokens_revoked",
)


class Departure(NamedTuple):
    """A place to forget; with an `audience`, one whose memories only that may see from now on."""

    place: str
    audience: str = ""


def departures(event: Event) -> list[Departure]:
    """Return the places that `event` takes away; none when it is of another type."""
    payload = event.payload
    repository = string(payload, "repository", "full_name")
    match event.type:
        case "github.repository.deleted":
            places = [repository]
        case "github.repository.transferred":
            places = [_before(event)]
        case "github.repository.privatized":
            found = Departure(f"github:{repository}", f"repo:{repository}")
            return [found] if repository else []
        case "github.installation.deleted":
            places = [word(payload, "installation", "account", "login")]
        case "github.installation_repositories.removed":
            places = [string(row, "full_name") for row in items(payload, "repositories_removed")]
        case "slack.app_uninstalled":
            return _workspace(event)
        case "slack.tokens_revoked":
            # The tokens of persons are not ours; without the bot's the app is gone.
            return _workspace(event) if items(payload, "event", "tokens", "bot") else []
        case _:
            return []
    return [Departure(f"github:{place}") for place in places if place]


def _before(event: Event) -> str:
    """Return the name of a transferred repository before the transfer."""
    owner = dig(event.payload, "changes", "owner", "from")
    login = word(owner, "user", "login") or word(owner, "organization", "login")
    name = word(event.payload, "repository", "name")
    return f"{login}/{name}" if login and name else ""


def _workspace(event: Event) -> list[Departure]:
    team = word(event.payload, "team_id")
    return [Departure(f"slack:{team}")] if team else []
