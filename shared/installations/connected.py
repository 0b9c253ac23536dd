"""The repositories that REPOSITORIES connects with places in Slack, as far as an event may work on
them."""

from collections.abc import Iterator

from shared.events import Event
from shared.settings import Settings


def connected_repositories(settings: Settings, event: Event) -> tuple[str, ...]:
    """Return the repository of the event's place, and those that other places of its workspace and
    tenant have. Where another company reads along, its own alone counts."""
    own = [event.repository] if event.repository else []
    if event.source != "slack" or event.is_shared or event.unshared_audience:
        return tuple(own)
    named = [*own, *_of_others(settings, event)]
    return tuple({one.lower(): one for one in reversed(named)}.values())[::-1]


def is_own_of_channel(settings: Settings, event: Event) -> bool:
    """Does the event's repository belong to its channel, and not to the whole workspace?"""
    channel = event.scope.rpartition(":")[2]
    own = settings.repository_of.get(f"channel:{channel}", "")
    return bool(own) and own == event.repository


def is_of_tenant(settings: Settings, repository: str, tenant: str) -> bool:
    """Does the repository belong to the tenant?"""
    owner = f"github:{repository.partition('/')[0]}"
    return settings.tenant_of.get(owner, owner) == tenant


def _of_others(settings: Settings, event: Event) -> Iterator[str]:
    team = f"team:{event.conversation.split(':')[1]}"
    for place, repository in settings.repository_of.items():
        is_ours = place == team or place.startswith("channel:")
        if is_ours and is_of_tenant(settings, repository, event.tenant):
            yield repository
