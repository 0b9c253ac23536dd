"""The desk of forms: what a person submitted, and what they see in the dialog."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from shared.actions.asking import AskReader
from shared.actions.slack.views.actions import ForPerson, Tell, UpdateDialog, form_of, origin_of
from shared.desk import Loan
from shared.errors import ActionRejected, EventError
from shared.events import Json
from shared.forms.showing import Choices, filled, told
from shared.forms.submission import values_in
from shared.journal import Outcome

_CLOSED = "The dialog was closed before I was done. {}"
_AGAIN = "Open it again."


class FormDesk:
    """The form of the event: one that was opened and is to be filled, or one that was submitted."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._event = loan.run.event
        form = form_of(self._event)
        if form is None:
            raise EventError(f"event {self._event.type} is about no form; see shared/forms")
        self._form = form

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the form of the run's event."""
        return cls(loan)

    @property
    def values(self) -> Json:
        """What was submitted, by the names of the fields: data from outside."""
        return values_in(self._form, self._event.payload.get("view"))

    @cached_property
    def is_readable(self) -> bool:
        """Does the person read the channel that the form was opened in? One that was opened in none
        shows nothing of any."""
        person = ForPerson.of(self._event)
        if not person.channel:
            return True
        query = AskReader(person.team, person.channel, person.user)

        def work() -> Outcome:
            try:
                return Outcome(self._loan.read(query)["reads"] is True)
            except ActionRejected:
                return Outcome(False)

        return bool(self._loan.run.step("reads", query.arguments, work, defer=True))

    def fill(self, values: Mapping[str, Any] | None = None, choices: Choices | None = None) -> None:
        """Show the form with these values, and these choices for fields that declare none."""
        self._show(filled(self._form, self._origin, values, choices), _AGAIN)

    def refuse(self, problems: Mapping[str, str], choices: Choices | None = None) -> None:
        """Show the form again as it was submitted, with a problem at each of these fields."""
        said = " ".join(problems.values())
        self._show(filled(self._form, self._origin, self.values, choices, problems), said)

    def tell(self, text: str) -> None:
        """Tell how it ended, in the dialog, or beside it when it is closed."""
        self._show(told(self._form, self._origin, text), text)

    @property
    def _origin(self) -> str:
        return origin_of(self._event)

    def _show(self, view: Json, otherwise: str) -> None:
        person = ForPerson.of(self._event)
        receipt = self._loan.act(UpdateDialog.showing(person, view))
        if (receipt.data or {}).get("gone"):
            self._loan.act(Tell(person, _CLOSED.format(otherwise)))
