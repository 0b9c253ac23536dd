"""GitHub's webhooks: was a delivery really sent by GitHub, and which event is it?"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from shared.errors import EventError, SignatureError
from shared.events import PUBLIC, Actor, Event, Issue, Json, Role
from shared.perception import Headers, dig, header, is_signed, items, read_body, string, word

#: What our own writes carry, unseen by people: their effect, and its depth in a chain of effects.
#: Compiled when it is first needed, because most cold starts meet no bot.
MARK = r"<!-- agent-flows effect=[^\s>]* flow=[^\s>]* depth=(\d{1,4}) -->"

#: What an event is about: the first of these that the payload has, and where its words are.
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
#: Actions in which the sender wrote the subject's text just now.
_WRITTEN = frozenset({"created", "opened", "submitted"})
#: What only the App does that the check belongs to; people rerequest and press buttons.
_REPORTED = frozenset({"github.check_run.created", "github.check_run.completed"})


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


def to_event(
    body: bytes, headers: Headers, tenant_of: Mapping[str, str], received_at: float
) -> Event:
    """Make a verified delivery an Event, JSON or form; raises EventError."""
    name = word(header(headers, "x-github-event"))
    delivery = word(header(headers, "x-github-delivery"))
    if not name or not delivery:
        raise EventError(
            "github: X-GitHub-Event or X-GitHub-Delivery is missing or malformed; "
            "send what a webhook sends"
        )
    payload = read_body(body, headers)
    subject = _subject(payload)
    actor = _actor(payload, subject)
    owner = next((login for path in _OWNERS if (login := word(payload, *path))), "")
    issue = _issue(payload)
    action = word(payload, "action")
    # A security advisory is told to everybody and names no owner.
    tenant = f"github:{owner}" if owner else "github"
    return Event(
        id=f"github:{delivery}",
        type=f"github.{name}.{action}" if action else f"github.{name}",
        source="github",
        tenant=tenant_of.get(tenant, tenant),
        conversation=_conversation(payload, issue, tenant),
        actor=actor,
        text=_text(payload, subject),
        url=_url(payload, subject),
        payload=payload,
        audience=_audience(payload, subject, owner),
        depth=_depth(actor, subject, action),
        received_at=received_at,
        issue_target=issue,
    )


def is_own(event: Event, app_id: str) -> bool:
    """Tell whether our App, or a bot that hid our mark, wrote what `event` is about and caused it.

    GitHub names the App only in what it wrote, so a label that our App puts on a person's issue is
    not recognised here. Its actor is a bot, which flows decline unless they ask for bots.
    """
    subject = _subject(event.payload)
    if event.type in _REPORTED:
        return _is_app(dig(subject.fields, "app"), app_id)
    if not _wrote(event.actor, subject):
        return False
    ours = _is_app(dig(subject.fields, "performed_via_github_app"), app_id)
    return ours or (event.actor.is_bot and re.search(MARK, subject.text) is not None)


def _is_app(app: object, app_id: str) -> bool:
    return bool(app_id) and str(dig(app, "id")) == app_id


def audience_of(repository: Json) -> str:
    """Tell who may see what is in a repository, as GitHub describes it: everybody only when GitHub
    says so."""
    is_public = dig(repository, "private") is False
    if is_public and dig(repository, "visibility") in (None, "public"):
        return PUBLIC
    return f"repo:{string(repository, 'full_name')}"


def _subject(payload: Json) -> _Subject:
    for kind, words in _SUBJECTS:
        fields = payload.get(kind)
        if isinstance(fields, dict):
            return _Subject(
                kind, fields, "\n\n".join(filter(None, (string(fields, w) for w in words)))
            )
    return _Subject("", {}, "")


def _actor(payload: Json, subject: _Subject) -> Actor:
    number, login = dig(payload, "sender", "id"), string(payload, "sender", "login")
    actor = Actor(
        id=str(number) if type(number) is int else "",
        name=login,
        is_bot=string(payload, "sender", "type") == "Bot" or login.endswith("[bot]"),
    )
    if login and login == string(payload, "repository", "owner", "login"):
        return actor._replace(role="owner")
    # The association is the author's. It says nothing about somebody else who labels or closes.
    association = string(subject.fields, "author_association")
    if _wrote(actor, subject) and association in _ROLES:
        return actor._replace(role=_ROLES[association])
    return actor


def _wrote(actor: Actor, subject: _Subject) -> bool:
    return bool(actor.id) and str(dig(subject.fields, "user", "id")) == actor.id


def _depth(actor: Actor, subject: _Subject, action: str) -> int:
    """Count our effects behind this: for people none, unless their own new text carries our mark.

    Where the agent acts with a user's token, it looks like a person; the mark tells.
    """
    if not actor.is_bot and not (action in _WRITTEN and _wrote(actor, subject)):
        return 0
    marks = [int(depth) for depth in re.findall(MARK, subject.text)]
    return max(marks) + 1 if marks else int(actor.is_bot)


def _repository(payload: Json) -> str:
    name = string(payload, "repository", "full_name")
    owner, slash, repository = name.partition("/")
    return name if word(owner) and slash and word(repository) else ""


def _issue(payload: Json) -> Issue | None:
    repository = _repository(payload)
    for kind in ("issue", "pull_request"):
        number = dig(payload, kind, "number")
        if repository and type(number) is int and number > 0:
            return Issue(repository, number)
    return None


def _conversation(payload: Json, issue: Issue | None, tenant: str) -> str:
    if issue:
        return f"github:{issue.ref}"
    repository = _repository(payload)
    number = dig(payload, "discussion", "number")
    if repository and type(number) is int:
        # Discussions are numbered together with issues.
        return f"github:{repository}#{number}"
    return f"github:{repository}" if repository else tenant


def _audience(payload: Json, subject: _Subject, owner: str) -> str:
    repository = _repository(payload)
    if not repository:
        return PUBLIC if subject.kind == "security_advisory" else f"org:{owner}"
    return audience_of(payload["repository"])


def _text(payload: Json, subject: _Subject) -> str:
    messages = [string(commit, "message") for commit in items(payload, "commits")]
    return "\n\n".join(filter(None, messages)) or subject.text


def _url(payload: Json, subject: _Subject) -> str:
    places = (
        (subject.fields, "html_url"),
        (payload, "compare"),
        (payload, "repository", "html_url"),
        (payload, "sender", "html_url"),
    )
    return next((url for place in places if (url := string(*place))), "")
