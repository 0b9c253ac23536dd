"""People: shows them by name, and not by id, to models and in answers. Memory keeps their ids,
since names change."""

from collections.abc import Callable

from shared.journal import Outcome, Run
from shared.memory.attribution import person
from shared.patterns import lazily

#: At most so many people are looked up for one run.
_MOST = 30
#: A person's id behind an `@`, as Slack writes a mention or as a name is shown.
_MENTION = lazily(
    r"<@([UW][A-Z0-9]+)(?:\|[^<>\n]*)?>|(?<![\w@])@([UW][A-Z0-9]*[0-9][A-Z0-9]*)(?![\w-])"
)


class People:
    """The people of one run's Slack workspace. Each name that is looked up is a recorded step; who
    has none that can be read keeps the id."""

    def __init__(self, run: Run, look_up: Callable[[str], str]) -> None:
        """`look_up` returns the name of the person with an id, or ''."""
        self._run = run
        self._look_up = look_up
        self._names: dict[str, str] = {}

    def named(self, text: str) -> str:
        """Return `text` with `@name` in place of the ids of people."""
        if self._run.event.source != "slack" or "@" not in text:
            return text
        return _MENTION.sub(lambda found: self._name(found[1] or found[2]) or found[0], text)

    def _name(self, user: str) -> str:
        if user not in self._names:
            if len(self._names) >= _MOST:
                return ""
            name = self._run.step(
                "name", {"user": user}, lambda: Outcome(self._look_up(user)), defer=True
            )
            self._names[user] = person(name) if name else ""
        return self._names[user]
