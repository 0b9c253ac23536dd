"""Finds what becomes of the sources of memory: places that went away, were renamed or became
private, and texts that were edited or deleted.

GitHub's pages list the fields of each delivery; a place is a memory's source, or contains such, or
is an issue.
https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shared.events import PUBLIC, Event
from shared.perception import dig, items, string, word
from shared.perception.github import audience_of

_TEXTS = (
    *("issues", "pull_request", "discussion", "release"),
    *("issue_comment", "pull_request_review", "pull_request_review_comment", "discussion_comment"),
)
#: What has comments: it goes with them, and its number is its own.
_THREADS = frozenset({"issues", "pull_request", "discussion"})
_EDITED = frozenset(f"github.{name}.edited" for name in _TEXTS)
_DELETED = frozenset(f"github.{name}.deleted" for name in _TEXTS) - {
    "github.pull_request.deleted",  # nobody can
    "github.pull_request_review.deleted",
}


class Departure(NamedTuple):
    """A place to forget; with `to`, one that is called that now, in another `tenant` if there is
    one. With an `audience`, only that may see from now on what was public."""

    place: str
    audience: str = ""
    to: str = ""
    tenant: str = ""


class Retelling(NamedTuple):
    """The text at an address, or of a ref, says something else now; '' when it was deleted.
    `home` is its repository or channel."""

    home: str
    conversation: str
    address: str
    text: str = ""
    ref: str = ""


def departures(event: Event, tenant_of: Mapping[str, str] | None = None) -> list[Departure]:
    """Return the places that `event` takes away or changes; none when it is of another type.

    What goes to another tenant than the event's, by TENANTS, is gone.
    """
    find = _FINDERS.get(event.type)
    return find(event, tenant_of or {}) if find else []


def retold(event: Event) -> Retelling | None:
    """Return the text that `event` edits or deletes; None when it is of another type."""
    if event.source == "slack":
        return _retold_in_slack(event)
    _, kind, action = (*event.type.split("."), "", "")[:3]
    if event.type not in _EDITED | _DELETED or (action == "deleted" and kind in _THREADS):
        return None
    repository = string(event.payload, "repository", "full_name")
    if not repository:
        return None
    ref = event.conversation.partition(":")[2] if kind in _THREADS else ""
    # Where GitHub names no address of the text itself, that of something around it is another's.
    own = string(event.payload, _SUBJECT.get(kind, kind), "html_url")
    if not (own or ref):
        return None
    text = event.text if action == "edited" else ""
    return Retelling(f"github:{repository}", event.conversation, own, text, ref)


_SUBJECT = {
    "issues": "issue",
    "pull_request_review": "review",
    **dict.fromkeys(("issue_comment", "pull_request_review_comment"), "comment"),
    "discussion_comment": "comment",
}


def _retold_in_slack(event: Event) -> Retelling | None:
    inner, message = dig(event.payload, "event"), event.message_target
    if event.type not in {"slack.message_changed", "slack.message_deleted"} or message is None:
        return None
    now = dig(inner, "message")
    # A message with replies leaves a stone. A link that Slack shows changes no text.
    is_gone = event.type == "slack.message_deleted" or string(now, "subtype") == "tombstone"
    same = string(now, "text") == string(inner, "previous_message", "text")
    if same and not is_gone:
        return None
    return Retelling(message.scope, event.conversation, event.url, "" if is_gone else event.text)


def _gone(path: tuple[str, ...]) -> "_Finder":
    """Return what finds the owner or the repository at this path of the payload."""

    def find(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
        name = string(event.payload, *path)
        return [Departure(f"github:{name}")] if name else []

    return find


def _removed(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    names = [string(row, "full_name") for row in items(event.payload, "repositories_removed")]
    return [Departure(f"github:{name}") for name in names if name]


def _privatized(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    name = string(event.payload, "repository", "full_name")
    return [Departure(f"github:{name}", f"repo:{name}")] if name else []


def _issue_deleted(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    # A malformed one of an issue without a number takes nothing away.
    return [Departure(event.conversation)] if "#" in event.conversation else []


def _repository_moved(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    now = string(event.payload, "repository", "full_name")
    return _moved(event, _before(event), now, tenant_of)


def _owner_renamed(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    payload = event.payload
    now = word(payload, "organization", "login") or word(payload, "account", "login")
    before = word(payload, "changes", "login", "from")
    if before and now and event.tenant == f"github:{before}":
        # No setting names it: it is a tenant of its own, and of its own it stays.
        tenant = tenant_of.get(f"github:{now}", f"github:{now}")
        return [Departure(event.tenant, "", f"github:{now}", tenant)] if before != now else []
    return _moved(event, before, now, tenant_of)


def _moved(event: Event, before: str, now: str, tenant_of: Mapping[str, str]) -> list[Departure]:
    if not before or before == now:
        return []
    owner = f"github:{now.partition('/')[0]}"
    if not now or tenant_of.get(owner, owner) != event.tenant:
        return [Departure(f"github:{before}")]
    audience = audience_of(event.payload.get("repository") or {}) if "/" in now else ""
    audience = "" if audience == PUBLIC else audience
    return [Departure(f"github:{before}", audience, f"github:{now}")]


def _transferred(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    """Return what becomes of an issue that is in another repository now."""
    if "#" not in event.conversation:
        return []
    changes = dig(event.payload, "changes")
    repository = dig(changes, "new_repository")
    new = dig(changes, "new_issue") or dig(changes, "new_discussion")
    name, number = string(repository, "full_name"), dig(new, "number")
    owner = f"github:{name.partition('/')[0]}"
    if not name or type(number) is not int or tenant_of.get(owner, owner) != event.tenant:
        return [Departure(event.conversation)]
    audience = audience_of(repository)
    to = f"github:{name}#{number}"
    return [Departure(event.conversation, "" if audience == PUBLIC else audience, to)]


def _before(event: Event) -> str:
    """Return the name of a repository before it was renamed or transferred."""
    changes = dig(event.payload, "changes")
    owner = dig(changes, "owner", "from")
    login = word(owner, "user", "login") or word(owner, "organization", "login")
    login = login or word(event.payload, "repository", "owner", "login")
    name = word(changes, "repository", "name", "from") or word(event.payload, "repository", "name")
    return f"{login}/{name}" if login and name else ""


def _workspace(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    team = word(event.payload, "team_id")
    return [Departure(f"slack:{team}")] if team else []


def _tokens_revoked(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    # The tokens of persons are not ours; without the bot's the app is gone.
    has_bot = items(event.payload, "event", "tokens", "bot")
    return _workspace(event, tenant_of) if has_bot else []


def _channel_deleted(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    channel = word(event.payload, "event", "channel")
    found = _workspace(event, tenant_of) if channel else []
    return [Departure(f"{one.place}:{channel}") for one in found]


def _channel_privatized(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    """https://docs.slack.dev/reference/events/message/channel_convert_to_private"""
    channel = word(event.payload, "event", "channel")
    found = _workspace(event, tenant_of) if channel else []
    return [Departure(f"{one.place}:{channel}", f"channel:{channel}") for one in found]


def _channel_moved(event: Event, tenant_of: Mapping[str, str]) -> list[Departure]:
    """https://docs.slack.dev/reference/events/channel_id_changed"""
    inner = dig(event.payload, "event")
    before, now = word(inner, "old_channel_id"), word(inner, "new_channel_id")
    found = _workspace(event, tenant_of) if before and now and before != now else []
    return [Departure(f"{one.place}:{before}", "", f"{one.place}:{now}") for one in found]


_Finder = Callable[[Event, Mapping[str, str]], list[Departure]]
_FINDERS: Mapping[str, _Finder] = {
    "github.repository.deleted": _gone(("repository", "full_name")),
    "github.repository.transferred": _repository_moved,
    "github.repository.renamed": _repository_moved,
    "github.repository.privatized": _privatized,
    "github.organization.deleted": _gone(("organization", "login")),
    "github.organization.renamed": _owner_renamed,
    "github.installation_target.renamed": _owner_renamed,
    "github.installation.deleted": _gone(("installation", "account", "login")),
    "github.installation_repositories.removed": _removed,
    "github.issues.deleted": _issue_deleted,
    "github.issues.transferred": _transferred,
    "github.discussion.deleted": _issue_deleted,
    "github.discussion.transferred": _transferred,
    "slack.app_uninstalled": _workspace,
    "slack.tokens_revoked": _tokens_revoked,
    "slack.channel_deleted": _channel_deleted,
    "slack.group_deleted": _channel_deleted,
    "slack.channel_convert_to_private": _channel_privatized,
    "slack.channel_id_changed": _channel_moved,
}
#: Event types to subscribe to, so that memory follows its sources.
TYPES = (
    *_FINDERS,
    *sorted((_DELETED | _EDITED) - _FINDERS.keys()),
    "slack.message_changed",
    "slack.message_deleted",
)
