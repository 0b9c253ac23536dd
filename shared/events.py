"""Event: what happened, in one shape for GitHub, Slack, the API and schedules.

The ingress loads it at every cold start, so this module imports only hashlib, json and typing.
"""

import hashlib
import json
from typing import Any, Literal, NamedTuple

from shared.errors import EventError

Json = dict[str, Any]
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
Source = Literal["github", "slack", "api", "schedule"]
Role = Literal["owner", "member", "collaborator", "contributor", "none"]

#: In ids: the end of a mention's, not always known as one at first; the end of that of a command in
#: an opening; and what stands before the run that is tried again.
MENTION, AS_OPENED, RETRY = ":mention", ":as-opened", ":retry:"
#: The audience of what anybody may read, such as a public repository.
PUBLIC = "public"
#: The beginnings of the types of Slack's events whose people expect an answer.
_ADDRESSED = "app_mention message.im command mention. block_actions press. opened. form. shortcut."
#: The form of a repository's `owner/name`; a name of dots would lead elsewhere in a path.
REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}/(?!\.\.?(?![A-Za-z0-9_.-]))[A-Za-z0-9_.-]{1,100}"


class Actor(NamedTuple):
    """The person or bot that caused an event. `role` is what the event calls them there. It decides
    no right: shared/actions/authority.py asks the platform."""

    id: str
    name: str
    is_bot: bool = False
    role: Role = "none"

    @property
    def is_insider(self) -> bool:
        """Does the event call them one of the place's own people?"""
        return self.role in {"owner", "member", "collaborator"}


class Issue(NamedTuple):
    """A GitHub issue or pull request, as a target. `repository` is `owner/name`."""

    repository: str
    number: int

    @property
    def ref(self) -> str:
        return f"{self.repository}#{self.number}"

    @property
    def scope(self) -> str:
        return f"github:{self.repository}"


class Thread(NamedTuple):
    """A Slack thread, as a target. `ts` is the time stamp of its first message."""

    team: str
    channel: str
    ts: str

    @property
    def ref(self) -> str:
        return f"{self.team}/{self.channel}/{self.ts}"

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.channel}"


class SlackMessage(NamedTuple):
    """One Slack message, as a target."""

    team: str
    channel: str
    ts: str

    @property
    def ref(self) -> str:
        return f"{self.team}/{self.channel}/{self.ts}"

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.channel}"


class ResponseUrl(NamedTuple):
    """The address that answers a slash command, for half an hour and only to who gave it."""

    team: str
    channel: str
    url: str

    @property
    def ref(self) -> str:
        return f"{self.team}/{self.channel}"

    @property
    def scope(self) -> str:
        return f"slack:{self.team}:{self.channel}"


class Workplace(NamedTuple):
    """The repository, `owner/name`, that a Slack channel or the API works on, and its tenant."""

    repository: str
    tenant: str


class Payload(dict[str, Any]):
    """A body as it was read, with `text`, the JSON that it was read from. Do not change it.

    Reading and writing the body is most of what an event costs the ingress, so it is read once and
    never written.
    """

    __slots__ = ("text",)

    def __init__(self, fields: Json, text: str) -> None:
        super().__init__(fields)
        self.text = text


class StrictJson(dict[str, Any]):
    """A body as a flow gets it. A key that is not there raises EventError: the body is malformed,
    or of another type, and no retry mends that."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise EventError(f"the event has no {key!r}; it is malformed, or of another type")
        value = super().__getitem__(key)
        return StrictJson(value) if type(value) is dict else value


class Event(NamedTuple):
    """Something that happened.

    `id` identifies the delivery; the same delivery always gets the same id, so it deduplicates.
    `type` reads `github.issues.opened` or `slack.app_mention`. `conversation` is the ordering key:
    an issue, a pull request, a Slack thread. `audience` names who may see what was said: `public`,
    `repo:acme/x`, `org:acme`, `team:T1`, `channel:C1`, `dm:D1`, or `shared:C1` for a channel that
    another company is in too. A channel counts as shared until Slack says otherwise: where the
    event does not tell, `unshared_audience` is the one that it then has. `depth` counts how many of
    our own effects lie between a person and this event. `received_at` is seconds since the epoch.
    `payload` is the body. `digest` is the same for the same signed body, whatever its delivery is
    called; it is empty where the id comes from the body. A `privileged` act is one that only the
    repository's own people can do, such as a label on somebody else's issue; it gives the actor no
    role.
    """

    id: str
    type: str
    source: Source
    tenant: str
    conversation: str
    actor: Actor
    text: str
    url: str
    payload: Json
    audience: str
    depth: int
    received_at: float
    issue_target: Issue | None = None
    thread_target: Thread | None = None
    message_target: SlackMessage | None = None
    response_target: ResponseUrl | None = None
    workplace: Workplace | None = None
    digest: str = ""
    privileged: bool = False
    unshared_audience: str = ""

    @property
    def repository(self) -> str:
        """The repository, as `owner/name`, that the event came from, or that a plan for it may work
        on: the workplace of the same tenant. Empty when there is none, or while it is not known
        whether another company reads along."""
        if self.scope.startswith("github:"):
            return self.scope.removeprefix("github:")
        place = None if self.unshared_audience else self.workplace
        return place.repository if place and place.tenant == self.tenant else ""

    @property
    def channel(self) -> str:
        """The id of the Slack channel of this event; raises EventError when there is none."""
        if not self.scope.startswith("slack:"):
            raise EventError(f"event {self.type} is in no Slack channel")
        return self.scope.rpartition(":")[2]

    @property
    def timer(self) -> Json:
        """What the timer keeps that this event comes of; empty for all other events."""
        kept = self.payload.get("timer") if self.type.startswith("timer.") else None
        return kept if isinstance(kept, dict) else {}

    @property
    def is_shared(self) -> bool:
        """Do people of another company read along, as far as is known?"""
        return self.audience.startswith("shared:")

    @property
    def issue(self) -> Issue:
        """The issue or pull request of this event; raises EventError when there is none."""
        if self.issue_target is None:
            raise self._lacks("is not about an issue", "issue events")
        return self.issue_target

    @property
    def thread(self) -> Thread:
        """The Slack thread of this event; raises EventError when there is none."""
        if self.thread_target is None:
            raise self._lacks("is in no Slack thread", "messages")
        return self.thread_target

    @property
    def message(self) -> SlackMessage:
        """The Slack message of this event; raises EventError when there is none."""
        if self.message_target is None:
            raise self._lacks("is no Slack message", "messages")
        return self.message_target

    @property
    def response(self) -> ResponseUrl:
        """The address that answers this slash command; raises EventError for other events."""
        if self.response_target is None:
            raise self._lacks("is no slash command", "commands")
        return self.response_target

    def _lacks(self, what: str, others: str) -> EventError:
        return EventError(f"event {self.type} {what}; subscribe the flow to {others} only")

    def days_ago(self, days: float) -> str:
        """Return the moment so many days before this event, as `2026-11-21T12:00:00Z`. A flow must
        not ask the clock: its retry would find another time."""
        import time

        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.received_at - days * 86_400))

    def need(self, *path: str) -> str:
        """Return the text at `path` of the payload; raises EventError where there is none."""
        found: Any = self.payload
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, str) or not found:
            raise EventError(f"event {self.type} has no text {'.'.join(path)}; it is malformed")
        return found

    @property
    def repository_number(self) -> int:
        """GitHub's number of the repository, which stays when its name changes; 0 without one."""
        repository = self.payload.get("repository") if self.source == "github" else None
        number = repository.get("id") if isinstance(repository, dict) else 0
        return number if type(number) is int and 0 < number < 2**63 else 0

    @property
    def twin(self) -> str:
        """The id of the other event of the same words: Slack may send a message and a mention, and
        a command stands beside what was opened with it. Empty for all else."""
        if not (message := self.message_target):
            return self.id.removesuffix(AS_OPENED) if self.id.endswith(AS_OPENED) else ""
        plain = f"slack:{message.team}:{message.channel}:{message.ts}"
        return {plain: plain + MENTION, plain + MENTION: plain}.get(self.id, "")

    @property
    def scope(self) -> str:
        """The place where a flow may act by default: the event's repository or channel."""
        in_slack = self.thread_target or self.message_target or self.response_target
        if target := self.issue_target or in_slack:
            return target.scope
        place = self.conversation.partition("#")[0]
        is_spread = self.source == "schedule" and "place" in self.payload
        is_slack = self.source == "slack" and place.count(":") == 2  # a channel, or who is alone
        return place if is_spread or is_slack or (self.source == "github" and "/" in place) else ""

    @property
    def stops(self) -> bool:
        """True for a person's wish that the agent stops: a command, or a sign in Slack."""
        return self.type.endswith((".command.cancel", "slack.stop"))

    @property
    def group(self) -> str:
        """The events of one group are handled in order, and so are direct messages in no thread. A
        stop waits for no other event."""
        is_alone = ":D" in self.scope and len({self.message_target, self.thread_target}) == 1
        return self.id if self.stops else self.scope if is_alone else self.conversation

    @property
    def place(self) -> str:
        """The repository or channel where it happened; where there is none, the conversation."""
        return self.scope or self.conversation

    @property
    def by_outsider(self) -> bool:
        """True when nothing says that the actor belongs to the repository or the workspace."""
        is_platform = self.source in {"github", "slack"}
        return is_platform and not self.actor.is_insider and not self.privileged

    @property
    def addressed(self) -> bool:
        """True when the person who caused this expects an answer, as after a mention."""
        kinds = tuple(f"slack.{name}" for name in _ADDRESSED.split())
        return self.source in {"github", "api"} or self.type.startswith((*kinds, "proposal."))

    def to_json(self) -> str:
        """Write the event as JSON; half a surrogate pair, which no UTF-8 can carry, becomes `?`."""
        fields = self._asdict()
        if not isinstance(self.payload, Payload):
            return _write(fields)
        del fields["payload"]
        return f'{_write(fields)[:-1]},"payload":{self.payload.text}}}'

    @classmethod
    def from_json(cls, text: str) -> "Event":
        """Read what `to_json` wrote; raises EventError when it is malformed."""
        try:
            fields = json.loads(text)
            if isinstance(fields["received_at"], str):  # the schedule's, which is ISO 8601
                from datetime import datetime

                fields["received_at"] = datetime.fromisoformat(fields["received_at"]).timestamp()
            fields["actor"] = Actor(*fields["actor"])
            fields["payload"] = StrictJson(fields["payload"])
            for name, kind in (
                ("issue_target", Issue),
                ("thread_target", Thread),
                ("message_target", SlackMessage),
                ("response_target", ResponseUrl),
                ("workplace", Workplace),
            ):
                fields[name] = kind(*fields[name]) if fields.get(name) else None
            return cls(**fields)
        except (ValueError, TypeError, KeyError) as err:
            raise EventError(
                f"not an event: {type(err).__name__} in {len(text)} characters"
            ) from err


def run_id(event: Event, flow: str) -> str:
    """Name the one run that `flow` ever has for `event`."""
    text = _ENCODER.encode([event.tenant, event.id, flow])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:20]


def _write(fields: Json) -> str:
    text = _ENCODER.encode(fields)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
