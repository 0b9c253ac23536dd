"""GitHub's webhooks: verifies that GitHub sent a delivery, and makes it an event."""

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from shared import marks
from shared.errors import EventError, SignatureError
from shared.events import PUBLIC, Actor, Event, Issue, Json, Role
from shared.perception import (
    Headers,
    commands,
    dig,
    header,
    is_signed,
    items,
    read_body,
    string,
    word,
)

#: The subject of an event is the first of these in its payload, with the fields of its text.
_SUBJECTS = (
    ("comment", ("body",)),
    ("review", ("body",)),
    ("issue", ("title", "body")),
    ("pull_request", ("title", "body")),
    ("discussion", ("title", "body")),
    ("release", ("name", "body")),
    ("milestone", ("title", "description")),
    ("security_advisory", ("summary", "description")),
    ("check_run", ("name",)),
    ("check_suite", ()),
    ("workflow_run", ("display_title",)),
    ("head_commit", ("message",)),
)
_OWNERS = (
    ("repository", "owner", "login"),
    ("repository", "owner", "name"),
    ("organization", "login"),
    ("installation", "account", "login"),
    ("sponsorship", "sponsorable", "login"),
    ("marketplace_purchase", "account", "login"),
    ("sender", "login"),
)
_ROLES: Mapping[str, Role] = {
    "OWNER": "owner",
    "MEMBER": "member",
    "COLLABORATOR": "collaborator",
    "CONTRIBUTOR": "contributor",
}
#: The fields of a subject that name its writer, by the kind of subject.
_WRITERS = ("user", "author", "creator")
#: Actions in which the sender wrote the subject's text just now.
_WRITTEN = frozenset({"created", "opened", "submitted", "edited"})
#: What only people with rights in the repository can do to what somebody else wrote. Closing is not
#: among it: a pull request also closes when its branch goes.
_PRIVILEGED = frozenset(
    {
        *("labeled", "unlabeled", "assigned", "unassigned", "milestoned", "demilestoned"),
        *("locked", "unlocked", "pinned", "unpinned"),
        *("transferred", "reopened", "edited", "dismissed"),
    }
)
#: Actions by which something gets another owner or its owner another name.
_LEAVING = frozenset({"transferred", "renamed"})
#: Where `changes` has the login that a repository belonged to, or that an account had.
_FORMER_OWNERS = (
    ("owner", "from", "user", "login"),
    ("owner", "from", "organization", "login"),
    ("login", "from"),
)
#: Events with a text of people in an issue or pull request, which may start with a command.
COMMANDED = frozenset(
    {
        "github.issues.opened",
        "github.issue_comment.created",
        "github.pull_request.opened",
        "github.pull_request_review.submitted",
        "github.pull_request_review_comment.created",
    }
)
_OPENED = frozenset({"github.issues.opened", "github.pull_request.opened"})
#: Events that only the App of a check causes; people rerequest and press buttons.
_REPORTED = frozenset(
    {"github.check_run.created", "github.check_run.completed", "github.check_suite.completed"}
)


class _Subject(NamedTuple):
    kind: str
    fields: Json
    text: str


def verify(body: bytes, headers: Headers, secret: str) -> None:
    """Check X-Hub-Signature-256 over the raw body; raises SignatureError.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    given = header(headers, "x-hub-signature-256")
    if not is_signed(body, secret, given, "sha256="):
        raise SignatureError(
            f"github: X-Hub-Signature-256 does not sign the body of {len(body)} bytes; "
            "set GITHUB_WEBHOOK_SECRET to the secret of the webhook"
        )


def digest_of(signature: str) -> str:
    """Return the digest of the body that `signature` was verified for; empty without one.

    The signature covers the body alone, so it is a digest already, and costs no pass over the body.
    It is hashed because it opens the front door to whoever has the body too.
    """
    return hashlib.sha256(signature.encode()).hexdigest()[:32] if signature else ""


def to_event(
    body: bytes,
    headers: Headers,
    tenant_of: Mapping[str, str],
    received_at: float,
    *,
    takes: commands.Takes = commands.any_type,
    claims: commands.Takes = commands.no_type,
    bot_name: str = "",
    label_prefix: str = "",
) -> Event:
    """Make a verified delivery an Event, JSON or form; raises EventError.

    A command, never with our mark, or as a label after the `label_prefix`, gets an event type of
    its own if somebody `takes` that type, else a mention if somebody `claims` its first word.
    """
    name, delivery = _named(headers)
    payload = read_body(body, headers)
    subject = _subject(payload)
    actor = _actor(payload, subject)
    repository, action = _repository(payload), word(payload, "action")
    owner = next((login for path in _OWNERS if (login := word(payload, *path))), "")
    issue, tenant = _issue(payload, repository), _tenant(payload, action, owner)
    type_, text = f"github.{name}.{action}" if action else f"github.{name}", _text(payload, subject)
    said = commands.Said()
    if issue:
        said = _said(type_, payload, subject, actor, bot_name=bot_name, prefix=label_prefix)
    type_, text = commands.wanted("github", said, takes, claims) or (type_, text)
    return Event(
        id=f"github:{delivery}",
        type=type_,
        source="github",
        tenant=tenant_of.get(tenant, tenant),
        conversation=_conversation(payload, issue, repository, tenant),
        actor=actor,
        text=text,
        url=_url(payload, subject),
        payload=payload,
        audience=_audience(payload, subject, repository, owner),
        depth=_depth(actor, subject, action),
        received_at=received_at,
        issue_target=issue,
        digest=digest_of(header(headers, "x-hub-signature-256")),
        privileged=type_ == "github.push" or _is_privileged(action, actor, subject),
    )


def _named(headers: Headers) -> tuple[str, str]:
    """Return the event's name and the delivery's id; raises EventError."""
    name = word(header(headers, "x-github-event"))
    delivery = word(header(headers, "x-github-delivery"))
    if not name or not delivery:
        raise EventError(
            "github: X-GitHub-Event or X-GitHub-Delivery is missing or malformed; "
            "send what a webhook sends"
        )
    return name, delivery


def is_own(event: Event, app_id: str, bot_name: str = "") -> bool:
    """Tell if our App caused `event`, or if what was written or edited in it carries our mark.

    The mark decides whoever the actor is: with GITHUB_TOKEN the agent acts as a person. Who labels
    or closes what we wrote is themselves. What our token did without a text, such as adding a
    label, looks like its owner here; `shared.perception.deeds` tells it.
    """
    if bot_name and event.actor.name.lower() == f"{bot_name}[bot]".lower():
        return True
    subject = _subject(event.payload)
    if event.type in _REPORTED:
        return _is_app(dig(subject.fields, "app"), app_id)
    if string(event.payload, "action") in _WRITTEN and marks.is_marked(subject.text or event.text):
        return True
    via = dig(subject.fields, "performed_via_github_app")
    return _wrote(event.actor.id, subject) and _is_app(via, app_id)


def writer_of(event: Event) -> Actor:
    """Return who wrote the event's text: nobody by name, if that was not its actor and GitHub does
    not say who, or if it carries our mark, which with GITHUB_TOKEN bears a person's name."""
    subject = _subject(event.payload)
    fields = subject.fields
    if marks.is_marked(subject.text):
        return Actor("", "")
    if not subject.kind or _wrote(event.actor.id, subject):
        return event.actor
    wrote = next((who for key in _WRITERS if isinstance(who := fields.get(key), dict)), {})
    login = string(wrote, "login")
    if not login:  # a deleted account, or a commit, whose author is what the commit says
        return Actor("", "")
    if str(dig(wrote, "id")) == event.actor.id:
        return event.actor
    role = _ROLES.get(string(fields, "author_association"), "none")
    if login == string(event.payload, "repository", "owner", "login"):
        role = "owner"
    is_bot = string(wrote, "type") == "Bot" or login.endswith("[bot]")
    return Actor(str(dig(wrote, "id") or ""), login, is_bot, role)


def _is_app(app: object, app_id: str) -> bool:
    return bool(app_id) and str(dig(app, "id")) == app_id


def audience_of(repository: Json) -> str:
    """Return who may see a repository: everybody only when GitHub says so."""
    is_public = dig(repository, "private") is False
    if is_public and dig(repository, "visibility") in (None, "public"):
        return PUBLIC
    return f"repo:{string(repository, 'full_name')}"


def _subject(payload: Json) -> _Subject:
    for kind, words in _SUBJECTS:
        fields = payload.get(kind)
        if isinstance(fields, dict):
            said = [text for name in words if (text := string(fields, name))]
            return _Subject(kind, fields, "\n\n".join(said))
    return _Subject("", {}, "")


def _actor(payload: Json, subject: _Subject) -> Actor:
    number, login = dig(payload, "sender", "id"), string(payload, "sender", "login")
    id_ = str(number) if type(number) is int else ""
    role: Role = "none"
    if login and login == string(payload, "repository", "owner", "login"):
        role = "owner"
    elif _wrote(id_, subject):
        # The association is the author's. It says nothing about somebody else who labels or closes.
        role = _ROLES.get(string(subject.fields, "author_association"), "none")
    is_bot = string(payload, "sender", "type") == "Bot" or login.endswith("[bot]")
    return Actor(id_, login, is_bot, role)


def _wrote(actor_id: str, subject: _Subject) -> bool:
    return bool(actor_id) and str(dig(subject.fields, "user", "id")) == actor_id


def _is_privileged(action: str, actor: Actor, subject: _Subject) -> bool:
    author = dig(subject.fields, "user", "id")
    return action in _PRIVILEGED and type(author) is int and actor.id not in ("", str(author))


def _depth(actor: Actor, subject: _Subject, action: str) -> int:
    """Count our effects behind this: none for people, unless their new text carries our mark.

    Other bots may answer us with our own words, marks included.
    """
    is_ours = action in _WRITTEN and marks.is_marked(subject.text)
    depth = marks.deepest(subject.text) if actor.is_bot or is_ours else None
    return int(actor.is_bot) if depth is None else depth + 1


def _said(
    type_: str, payload: Json, subject: _Subject, actor: Actor, *, bot_name: str, prefix: str
) -> commands.Said:
    """Read the command that an event about an issue gives, by its text or by a person's label."""
    if type_ in COMMANDED and _wrote(actor.id, subject):
        said = _spoken(string(subject.fields, "body"), bot_name)
        # What opens an issue or a pull request is about that: help needs a comment of its own.
        is_help = said.order is None or said.order.name == "help"
        return said._replace(order=None, mistaken=None) if is_help and type_ in _OPENED else said
    if actor.is_bot or payload.get("action") != "labeled":
        return commands.Said()
    return commands.Said(commands.labelled(string(payload, "label", "name"), prefix))


def _spoken(body: str, bot_name: str) -> commands.Said:
    """Read the command that opens a text, and what a flow may claim it by, if it mentions us."""
    if marks.is_marked(body):
        return commands.Said()
    if bot_name:
        mention = rf"\s*@{re.escape(bot_name)}(?:\[bot\])?(?![\w-])[\s,:]*"
        if found := re.match(mention, body, re.IGNORECASE):
            said = body[found.end() :]
            return commands.after_mention(said)
    return commands.Said(commands.slashed(body), None, commands.mistaken(body))


def _repository(payload: Json) -> str:
    name = string(payload, "repository", "full_name")
    owner, slash, repository = name.partition("/")
    return name if word(owner) and slash and word(repository) else ""


def _tenant(payload: Json, action: str, owner: str) -> str:
    """Return whose event it is. What leaves an owner is told to whom it leaves: they remember it. A
    security advisory is told to everybody and names no owner."""
    if action in _LEAVING:
        changes = dig(payload, "changes")
        names = (word(changes, *path) for path in _FORMER_OWNERS)
        owner = next(filter(None, names), owner)
    return f"github:{owner}" if owner else "github"


def _issue(payload: Json, repository: str) -> Issue | None:
    for kind in ("issue", "pull_request"):
        number = dig(payload, kind, "number")
        if repository and type(number) is int and number > 0:
            return Issue(repository, number)
    return None


def _conversation(payload: Json, issue: Issue | None, repository: str, tenant: str) -> str:
    if issue:
        return f"github:{issue.ref}"
    number = dig(payload, "discussion", "number")
    if repository and type(number) is int:
        # Discussions are numbered together with issues.
        return f"github:{repository}#{number}"
    return f"github:{repository}" if repository else tenant


def _audience(payload: Json, subject: _Subject, repository: str, owner: str) -> str:
    if not repository:
        return PUBLIC if subject.kind == "security_advisory" else f"org:{owner}"
    return audience_of(payload["repository"])


def _text(payload: Json, subject: _Subject) -> str:
    messages = [string(commit, "message") for commit in items(payload, "commits")]
    return "\n\n".join(filter(None, messages)) or subject.text


def _url(payload: Json, subject: _Subject) -> str:
    return (
        string(subject.fields, "html_url")
        or string(payload, "compare")
        or string(payload, "repository", "html_url")
        or string(payload, "sender", "html_url")
    )
