"""Tells what the agent did itself, so that it never answers, obeys or repeats itself."""

from shared.events import Event
from shared.journal import Journal
from shared.marks import is_marked
from shared.perception import github, slack
from shared.perception.deeds import deed
from shared.settings import Settings

#: Seconds by which the platform's clock and the database's may differ.
_SKEW = 120.0


class OwnVoice:
    """Compares events with our App, our bot, our mark and our recorded effects."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal = journal
        self._settings = settings

    def caused(self, event: Event) -> bool:
        """Tell if the agent caused `event`; give it with its whole payload and text.

        Only for an event that some action of ours makes without a text it asks the journal. Raises
        DatabaseUnavailable then: what nobody could compare causes nothing.
        """
        return self._is_own(event) or self._is_recorded(event)

    def _is_own(self, event: Event) -> bool:
        if event.source == "github":
            latest = self._settings.latest
            return github.is_own(event, latest("github_app_id"), latest("github_bot_name"))
        if event.source == "slack":
            return slack.is_own(event)
        return is_marked(event.text)

    def _is_recorded(self, event: Event) -> bool:
        told = deed(event)
        if told is None or (self._settings.latest("github_app_id") and _is_person(event)):
            return False
        since = told.at - _SKEW
        rows = self._journal.effects_at(event.tenant, told.target, told.effect, since)
        names = ("tool", "key", "arguments", "receipt")
        return any(told.is_of(*(row[name] for name in names)) for row in rows)


def _is_person(event: Event) -> bool:
    """Tell if a person did it on GitHub, where our App is a bot."""
    return event.source == "github" and not event.actor.is_bot
