"""Requests to the REST API: find whose token one bears, and turn a POST into an event."""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from shared.errors import EventError, RequestRefused, SettingsError
from shared.events import REPOSITORY, Actor, Event, Issue, Json, Role, Workplace, run_id
from shared.marks import is_marked
from shared.perception import Headers, header, read_body
from shared.settings import Credential

#: The flow that makes plans; its run and the plan have the same id.
PLANNER = "plan"
#: The flow that stops runs, and takes them back.
CONTROL = "control"
#: Bytes of a body, and characters of the texts in it.
MAX_BODY, MAX_TEXT, MAX_KEY = 64 * 1024, 8_000, 200

_ROLES: tuple[Role, ...] = ("owner", "member", "collaborator", "contributor", "none")
_ANSWERS = ("approve", "reject", "change")
_RUN = r"[0-9a-f]{20}"
_STEP = r"[a-z][a-z0-9_-]{0,23}"
_DIGEST = r"[0-9a-f]{64}"
_FLOW = r"[a-z][a-z_]{0,39}"
_ISSUE = rf"({REPOSITORY})#([1-9][0-9]{{0,8}})"


class TokenHolder(NamedTuple):
    """The person or program that a token belongs to."""

    tenant: str
    actor: str
    role: Role

    def may_write(self) -> None:
        """Raise RequestRefused if the token may only read."""
        if not Actor(self.actor, self.actor, role=self.role).is_insider:
            raise RequestRefused(403, "this token may only read; take one whose role may write")


class ApiRequest(NamedTuple):
    """A request and its sender; `now` is seconds since the epoch."""

    body: bytes
    headers: Headers
    who: TokenHolder
    now: float


class RunEvent(NamedTuple):
    """The event of a request, the flow that takes it, and the run that it is about, if any."""

    event: Event
    flow: str
    run: str = ""


def caller(headers: Headers, tokens: str) -> TokenHolder:
    """Return the holder of a request's bearer token, from the setting API_TOKENS.

    It compares every known token, so that the time tells nothing. Raises RequestRefused, and
    SettingsError when API_TOKENS is malformed.
    https://www.rfc-editor.org/rfc/rfc6750
    """
    if not tokens.strip():
        raise RequestRefused(404, "the API is off; API_TOKENS turns it on")
    known = known_tokens(tokens)
    scheme, _, token = header(headers, "authorization").partition(" ")
    given = hashlib.sha256(token.strip().encode("utf-8", "replace")).hexdigest()
    found = None
    for name, who in known.items():
        if hmac.compare_digest(name.encode(), given.encode()):
            found = who
    if found is None or scheme.lower() != "bearer" or not token.strip():
        raise RequestRefused(401, "no known token; send `Authorization: Bearer <token>`")
    return found


def caller_of(headers: Headers, tokens: Credential) -> TokenHolder:
    """Return the holder of a request's token, which may be known only since a moment ago."""
    refused: RequestRefused | None = None
    for known in tokens.present():
        try:
            return caller(headers, known)
        except RequestRefused as err:
            refused = err
    raise refused or RequestRefused(401, "no known token")


def start(sent: ApiRequest, tenant_of: Mapping[str, str]) -> RunEvent:
    """Make `{"goal": …}` a plan, and `{"flow": …, "text": …}` a run of that flow.

    `issue`, such as `acme/shop#7`, is its subject; a plan without an issue works on `repository`,
    such as `acme/shop`. Both must belong to the caller's tenant.
    """
    fields = _fields(sent, {"goal", "flow", "text", "issue", "repository"})
    if ("goal" in fields) == ("flow" in fields):
        raise RequestRefused(422, "expected either `goal`, or `flow` with `text`", "goal")
    if "goal" in fields and "text" in fields:
        raise RequestRefused(422, "goes with `flow`, not with `goal`", "text")
    if "repository" in fields and ("flow" in fields or "issue" in fields):
        raise RequestRefused(
            422, "goes with `goal`, and without `issue`, which has one", "repository"
        )
    flow = _matched(fields, "flow", _FLOW) if "flow" in fields else PLANNER
    text = _text(fields, "text" if "flow" in fields else "goal")
    kind = "api.command.plan" if flow == PLANNER else f"api.flow.{flow}"
    event = _event(kind, sent, text, fields)
    event = event._replace(conversation=f"api:{run_id(event, flow)}")
    issue = _issue(fields, sent.who, tenant_of) if "issue" in fields else None
    place = _workplace(fields, sent.who, tenant_of) if "repository" in fields else None
    return RunEvent(event._replace(issue_target=issue, workplace=place), flow)


def order(name: str, run: str, sent: ApiRequest) -> RunEvent:
    """Make it the command to `cancel` or `undo` a run, which may be a plan; it needs no body."""
    _in_path(_RUN, run)
    if sent.body:
        _fields(sent, set())
    event = _event(f"api.command.{name}", sent, "", {"run": run})
    return RunEvent(event._replace(conversation=f"api:{run}"), CONTROL, run)


def answer(run: str, step: str, sent: ApiRequest) -> RunEvent:
    """Make it the answer to a plan's question about `step`, for exactly what `digest` names."""
    _in_path(_RUN, run)
    _in_path(_STEP, step)
    fields = _fields(sent, {"answer", "words", "digest"})
    said = fields.get("answer")
    if said not in _ANSWERS:
        raise RequestRefused(422, f"expected one of {', '.join(_ANSWERS)}", "answer")
    digest = _matched(fields, "digest", _DIGEST)
    words = _text(fields, "words") if said == "change" or "words" in fields else ""
    payload = {"run": run, "step": step, "digest": digest}
    event = _event(f"api.command.{said}", sent, words, payload)
    return RunEvent(event._replace(conversation=f"api:{run}"), PLANNER, run)


def is_run(text: str) -> bool:
    return re.fullmatch(_RUN, text) is not None


def known_tokens(tokens: str) -> dict[str, TokenHolder]:
    """Read API_TOKENS; errors never quote it."""
    try:
        found = json.loads(tokens)
        known = {name: TokenHolder(**who) for name, who in found.items()}
    except (ValueError, TypeError, AttributeError) as err:
        raise SettingsError(
            f"API_TOKENS cannot be read ({type(err).__name__}); expected JSON as in"
            " docs/settings.md"
        ) from err
    for name, who in known.items():
        texts = all(isinstance(part, str) and part for part in who)
        if not re.fullmatch(_DIGEST, name) or not texts or who.role not in _ROLES:
            raise SettingsError(
                "API_TOKENS needs the SHA-256 of each token, and for it a tenant, an actor and a"
                f" role of {', '.join(_ROLES)}"
            )
    return known


def _fields(sent: ApiRequest, known: set[str]) -> Json:
    """Read the JSON object of a request; refuse fields other than `known`."""
    size = len(sent.body)
    if size > MAX_BODY:
        raise RequestRefused(413, f"the body has {size} bytes; at most {MAX_BODY} are taken")
    kind = header(sent.headers, "content-type").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestRefused(415, "expected Content-Type: application/json", "Content-Type")
    try:
        fields = read_body(sent.body, sent.headers)
    except EventError as err:
        raise RequestRefused(400, str(err)) from err
    for name in fields:
        if name not in known:
            raise RequestRefused(422, f"is not known here; {_listed(known)}", name)
    return dict(fields)


def _listed(known: set[str]) -> str:
    return f"known are {', '.join(sorted(known))}" if known else "no field is"


def _text(fields: Json, name: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str) or not text.strip():
        raise RequestRefused(422, "expected a text that is not empty", name)
    if len(text) > MAX_TEXT:
        raise RequestRefused(422, f"has {len(text)} characters; at most {MAX_TEXT} fit", name)
    if is_marked(text):
        raise RequestRefused(422, "is what the agent wrote itself; say it in your own words", name)
    return text.strip()


def _matched(fields: Json, name: str, pattern: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise RequestRefused(422, f"expected a text of the form {pattern}", name)
    return value


def _in_path(pattern: str, value: str) -> None:
    if not re.fullmatch(pattern, value):
        raise RequestRefused(404, "there is no such run or step")


def _issue(fields: Json, who: TokenHolder, tenant_of: Mapping[str, str]) -> Issue:
    value = fields["issue"]
    found = re.fullmatch(_ISSUE, value) if isinstance(value, str) else None
    if found is None:
        raise RequestRefused(422, "expected such as acme/shop#7", "issue")
    _own(found[1], who, tenant_of, "issue")
    return Issue(found[1], int(found[2]))


def _workplace(fields: Json, who: TokenHolder, tenant_of: Mapping[str, str]) -> Workplace:
    value = fields["repository"]
    if not isinstance(value, str) or not re.fullmatch(REPOSITORY, value):
        raise RequestRefused(422, "expected such as acme/shop", "repository")
    _own(value, who, tenant_of, "repository")
    return Workplace(value, who.tenant)


def _own(repository: str, who: TokenHolder, tenant_of: Mapping[str, str], field: str) -> None:
    owner = f"github:{repository.partition('/')[0]}"
    if tenant_of.get(owner, owner) != who.tenant:
        raise RequestRefused(422, "belongs to another tenant than the token", field)


def _event(kind: str, sent: ApiRequest, text: str, payload: Json) -> Event:
    """Make the event of a request; the same caller and Idempotency-Key get the same event."""
    who = sent.who
    key = header(sent.headers, "idempotency-key").strip()
    if len(key) > MAX_KEY:
        raise RequestRefused(400, f"at most {MAX_KEY} characters are taken", "Idempotency-Key")
    about = [payload.get("run", ""), payload.get("step", "")]
    unique = [who.tenant, who.actor, kind, *about, key] if key else [os.urandom(16).hex()]
    name = hashlib.sha256(json.dumps(unique).encode()).hexdigest()[:32]
    return Event(
        id=f"api:{name}",
        type=kind,
        source="api",
        tenant=who.tenant,
        conversation=f"api:{name}",
        actor=Actor(who.actor, who.actor, False, who.role),
        text=text,
        url="",
        payload=payload,
        # Nobody else reads along: it sees what is public, and only this caller sees its memories.
        audience=f"api:{who.actor}",
        depth=0,
        received_at=sent.now,
    )
