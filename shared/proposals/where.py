"""Which repository is meant: asked by a program, with a button for each, and the request goes on
with the answer."""

from collections.abc import Sequence
from typing import Self

from shared.actions.slack.actions import Button, Card
from shared.aws.bus import Bus
from shared.canonical import digest
from shared.database import queries
from shared.desk import Loan
from shared.errors import EventError
from shared.events import REPOSITORY, Event, Thread, Workplace
from shared.evidence.repositories import CHOSEN, Repositories
from shared.journal import Outcome, keeping
from shared.patterns import lazily
from shared.perception.writers import in_thread

SQL = queries(__file__, "where.sql")

_CLICK = lazily(rf"where ({REPOSITORY}) (\S{{1,300}})")
#: What a model is told of a question; a retry finds it in what the run was shown.
_ASKED = "People are asked below your answer which repository they mean: {} for request {}."
_FOUND = lazily(
    rf"which repository they mean: ({REPOSITORY}(?:, {REPOSITORY})*) for request (\S+)\."
)
_TEXT = (
    "❓ **Which repository do you mean?**\n\nPress one, and I go on with it. In words: name it, as"
    " in `{}#12` or `… in {}`."
)


class WhichRepository:
    """Asks for the person who caused the run, and takes the answer."""

    def __init__(self, loan: Loan) -> None:
        self._loan, self._run = loan, loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def asking(self, choices: Sequence[str], thread: Thread) -> Card:
        """Return the message that asks, in the `thread`, which of the `choices` the run's event
        means. Who presses one lets the event come again with that repository."""
        event = self._run.event
        kept = event if event.thread_target else in_thread(event, thread)
        self._keep(kept)
        return _card(thread, kept.id, choices)

    def keep(self, command: str, words: str, choices: Sequence[str]) -> str:
        """Keep what a model would propose, as the command that says the same, and return what the
        model is told; `cards` then asks."""
        kept = self._request(command, words)
        return _ASKED.format(", ".join(choices), kept.id)

    def asking_for(self, command: str, words: str, choices: Sequence[str]) -> Card:
        """Return the message that asks where a command belongs that a person has said yes to."""
        return _card(self._run.event.thread, self._request(command, words).id, choices)

    def _request(self, command: str, words: str) -> Event:
        """Keep the command as what the run's event said, and return it."""
        event = self._run.event
        id_ = f"{event.id}/{digest([command, words])[:12]}"
        kept = event._replace(id=id_, type=f"slack.command.{command}", text=words, digest="")
        self._keep(kept)
        return kept

    def cards(self, thread: Thread) -> list[Card]:
        """Return the messages that ask about what this run's model would propose. What was kept for
        this run tells that: anybody could write the words."""
        told = (one for one in self._run.inputs if isinstance(one, str))
        found = dict.fromkeys(match.groups() for one in told for match in _FOUND.finditer(one))
        own = f"{self._run.event.id}/"
        return [
            _card(thread, id_, choices.split(", "))
            for choices, id_ in found
            if id_.startswith(own) and self._kept(id_)
        ]

    def pressed(self, value: str) -> Card | str | None:
        """Let the request go on in the repository whose button was pressed. Returns the message as
        it stands then, what to tell instead, or None for a button of others."""
        if not (found := _CLICK.fullmatch(value)):
            return None
        repository, id_ = found[1], found[2]
        event, kept = self._run.event, self._kept(id_)
        if kept is None or kept.conversation != event.conversation:
            return "I know of no such question here."
        if not self._repositories.named(repository):
            return f"Not everybody here may see {repository}."
        self._publish(kept._replace(actor=event.actor), repository)
        name = f"where/{digest([id_])[:12]}"
        return Card(event.thread, name, f"Repository: **{repository}**", ts=event.message.ts)

    def go_on(self, repository: str, thread: Thread) -> None:
        """Let the run's event come again, in the `thread`, for a repository that it names."""
        event = self._run.event
        self._publish(event if event.thread_target else in_thread(event, thread), repository)

    def _publish(self, kept: Event, repository: str) -> None:
        """Publish the event again, of this repository; a second time it is the same event."""
        going_on = kept._replace(
            id=f"where:{repository}:{kept.id}",
            payload={**kept.payload, CHOSEN: repository},
            workplace=Workplace(repository, self._run.event.tenant),
            received_at=self._run.event.received_at,
            response_target=None,
            digest="",
        )

        def work() -> Outcome:
            self._loan.services[Bus].publish(going_on)
            return Outcome(going_on.id)

        self._run.step("go on", {"event": going_on.id, "repository": repository}, work)

    @property
    def _repositories(self) -> Repositories:
        return Repositories.lend(self._loan)

    def _keep(self, event: Event) -> None:
        kept = [keeping(event)]
        self._run.step("keep request", {"event": event.id}, lambda: Outcome(None, statements=kept))

    def _kept(self, id_: str) -> Event | None:
        """Return the request; None when it was forgotten, or is none that could go on."""

        def work() -> Outcome:
            return Outcome(self._run.write([self._run.statement("kept", {"id": id_}, SQL)])[0])

        rows = self._run.step("kept request", {"id": id_}, work)
        try:
            found = Event.from_json(rows[0]["body"]) if rows else None
        except EventError:
            return None
        return found if found and found.type.startswith("slack.command.") else None


def _card(thread: Thread, id_: str, choices: Sequence[str]) -> Card:
    buttons = tuple(Button(one, f"where {one} {id_}") for one in choices)
    first = choices[0]
    return Card(thread, f"where/{digest([id_])[:12]}", _TEXT.format(first, first), buttons)
