"""Actions that one person sees. Each may be repeated: a second time shows the same."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from shared.actions import Action
from shared.actions.slack.actions import OnSlack
from shared.canonical import canonical
from shared.events import Event, Json
from shared.forms import Form
from shared.forms.showing import key_of, told
from shared.forms.submission import FormOrigin
from shared.forms.table import FORMS
from shared.frozen import frozen


class ForPerson(NamedTuple):
    """One person, as a target, in the place of the event. `view` is the id of their dialog, or the
    key that it was opened with."""

    team: str
    user: str
    scope: str
    view: str = ""

    @property
    def ref(self) -> str:
        return f"{self.team}/{self.user}/{self.view}".rstrip("/")

    @property
    def channel(self) -> str:
        """The conversation that they were in, if any."""
        place = self.scope.rpartition(":")[2]
        return place if place[:1] in {"C", "D", "G"} else ""

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the person who caused the event, with the dialog that it is about."""
        return cls(_team(event), event.actor.id, event.scope, _view(event))


class _ForOne(OnSlack, Action):
    """Shared by all of them."""

    idempotent = True
    private = True
    person: ForPerson

    @property
    def target(self) -> ForPerson:
        return self.person


@frozen
class UpdateDialog(_ForOne):
    """Show another view, as JSON, in the person's open dialog. The receipt's data say if it is
    `gone`, for people close dialogs."""

    person: ForPerson
    view: str

    @property
    def arguments(self) -> Json:
        return {"view": json.loads(self.view)}

    @classmethod
    def showing(cls, person: ForPerson, view: Json) -> Self:
        return cls(person, canonical(view))

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        form = form_of(event)
        if form is None or not _view(event):
            return None
        return cls.showing(ForPerson.of(event), told(form, origin_of(event), text))


@frozen
class PublishHome(_ForOne):
    """Show the person the app's home, made of these blocks, as JSON."""

    person: ForPerson
    blocks: str

    @property
    def arguments(self) -> Json:
        return {"blocks": json.loads(self.blocks)}

    @classmethod
    def showing(cls, person: ForPerson, blocks: Sequence[Json]) -> Self:
        return cls(person, canonical(blocks))

    @classmethod
    def notice(cls, event: Event, text: str) -> Self | None:
        if event.type != "slack.home" and not event.type.startswith("slack.press.home-"):
            return None
        words = {"type": "plain_text", "text": text[:3_000], "emoji": False}
        return cls.showing(ForPerson.of(event), [{"type": "section", "text": words}])


@frozen
class SuggestPrompts(_ForOne):
    """Suggest up to four messages, as JSON, to the person who opens their direct messages with the
    agent."""

    person: ForPerson
    prompts: str

    @property
    def arguments(self) -> Json:
        return {"prompts": json.loads(self.prompts)}

    @classmethod
    def of(cls, person: ForPerson, prompts: Mapping[str, str]) -> Self:
        """Suggest what people may say, by its title."""
        rows = [{"title": title, "message": said} for title, said in prompts.items()]
        return cls(person, canonical(rows))


@frozen
class Tell(_ForOne):
    """Say something to the person alone: where they are, and else in their direct messages."""

    person: ForPerson
    text: str

    @property
    def arguments(self) -> Json:
        return {"text": self.text}


@frozen
class OfferDraft(_ForOne):
    """Show a person, alone, an answer that they may send, edit or drop; `question` leads to what it
    answers, and the buttons give back `value`. To who is gone it is not shown."""

    person: ForPerson
    text: str
    question: str
    value: str

    @property
    def arguments(self) -> Json:
        return {"text": self.text, "question": self.question, "value": self.value}


def form_of(event: Event) -> Form | None:
    """Return the form that the event opened or submitted."""
    kind, _, name = event.type.removeprefix("slack.").partition(".")
    return FORMS.get(name) if kind in {"opened", "form"} else None


def origin_of(event: Event) -> str:
    """Return what the view keeps of where it was opened, for the view that takes its place."""
    return FormOrigin.of(event).to_text()


def _view(event: Event) -> str:
    if event.type.startswith("slack.opened."):
        return key_of(event.payload)
    view: Any = event.payload.get("view")
    return str(view.get("id") or "") if isinstance(view, dict) else ""


def _team(event: Event) -> str:
    place = event.thread_target or event.message_target or event.response_target
    return place.team if place else event.conversation.split(":")[1]
