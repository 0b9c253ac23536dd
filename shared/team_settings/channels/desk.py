"""The desk of a channel's settings: shows them to everybody, and changes them for who may write."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from shared.agent.context import Code
from shared.database import queries
from shared.desk import Loan
from shared.events import Json
from shared.journal import Outcome
from shared.team_settings.channels import telling
from shared.team_settings.channels.first_week import FirstWeek
from shared.team_settings.channels.keys import FLOWS, KEYS, ChannelSettings
from shared.team_settings.channels.orders import SettingsOrder, checked, read_order

SQL = queries(__file__, "desk.sql")

NO_CHANNEL = "A direct message has no settings: I answer everything that you write here."
SHARED = (
    "Another company reads this channel, so nobody can change its settings here. I answer who"
    " mentions me, from what is public and what was said here."
)
NOT_ALLOWED = "Only full members of the workspace can change the settings."


class ChannelDesk:
    """The settings of the channel that the run's event happened in."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event
        self._drafts: Json = {}

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    @property
    def said(self) -> Json:
        """What people had set before the run began: by key the value, who set it, and when. A retry
        finds the same."""
        found: Json = self._run.step(
            "channel", {}, lambda: Outcome({**self._run.channel}), defer=True
        )
        return found

    @property
    def settings(self) -> ChannelSettings:
        return ChannelSettings.of(self.said)

    @property
    def wishes(self) -> tuple[Code, ...]:
        """What a model is shown of the settings, as data; nothing where they say nothing."""
        if not self._run.channel:  # most places; nothing is recorded
            return ()
        language = self.settings.language
        said = f"Write in this language: {language}"
        return (Code("wishes of the channel", said),) if language else ()

    def obey(self, argument: str) -> str:
        """Do what the words after `settings` say, and return the answer."""
        if self.is_none:
            return NO_CHANNEL
        if argument.strip().lower() == "help":
            return telling.help_for_keys()
        said = self._now
        order = read_order(argument, ChannelSettings.of(said).off)
        if order.problem:
            return f"Nothing changed: {order.problem}"
        if not (order.changes or order.resets):
            return "\n\n".join(filter(None, [self.shown(), self.why_not]))
        if why := self.why_not:
            return why
        self._change(order)
        return self.shown()

    def shown(self) -> str:
        """Return the settings as people read them; nothing where there is no channel."""
        if self.is_none:
            return ""
        return telling.all_settings(self._now, self._drafts)

    @property
    def values(self) -> Json:
        """The settings as their form has them."""
        found = ChannelSettings.of(self._now)._asdict()
        off = found.pop("off")
        on = [name for name in FLOWS if name not in off]
        return found | {"flows": on}

    def submit(self, values: Json) -> Json:
        """Set what somebody submitted; return what is wrong, by the fields of the form."""
        on = values.pop("flows")
        wanted = values | {"off": [name for name in FLOWS if name not in on]}
        found = ChannelSettings.of(self._now)._asdict()
        changes, wrong = dict[str, Any](), dict[str, str]()
        for key, value in wanted.items():
            order = checked({key: value})
            if order.problem:
                wrong[key] = f"This {KEYS[key].kind.problem(value)}."
            elif order.changes != {key: found[key]} and [*order.changes[key]] != [*found[key]]:
                changes |= order.changes
        if changes and not wrong:
            self._change(SettingsOrder(changes))
        return wrong

    @property
    def is_none(self) -> bool:
        """Is the event in no channel?"""
        channel = self._event.scope.rpartition(":")[2]
        return self._event.source != "slack" or channel[:1] not in {"C", "G"}

    @property
    def why_not(self) -> str:
        """Say why the person may not change them; '' when they may."""
        if self.is_none:
            return NO_CHANNEL
        if self._event.is_shared:
            return SHARED
        return "" if self._loan.may_write() else NOT_ALLOWED

    @cached_property
    def _now(self) -> Json:
        """What is set by now, which another run may have changed since this one began."""

        def work() -> Outcome:
            here = {"place": self._place}
            asked = [self._run.statement(name, here, SQL) for name in ("read", "counts")]
            rows, [counts] = self._run.write(asked)
            return Outcome({"said": _by_key(rows), "drafts": counts})

        found: Json = self._run.step("settings", {}, work)
        self._drafts = found["drafts"]
        return dict(found["said"])

    def _change(self, order: SettingsOrder) -> None:
        wanted: Mapping[str, Any] = order.changes
        about = {"changes": dict(wanted), "resets": order.resets}
        values = {
            "place": self._place,
            "changes": json.dumps(wanted),
            "actor": self._event.actor.id,
            "at": self._event.received_at,
            "event": self._event.id,
        }

        def work() -> Outcome:
            name = "reset" if order.resets else "change"
            statements = [self._run.statement(one, values, SQL) for one in (name, "read")]
            return Outcome(_by_key(self._run.write(statements)[1]))

        self._now = self._run.step("change settings", about, work)
        if wanted.get("mode") == "answers":
            FirstWeek(self._loan).begin()

    @property
    def _place(self) -> str:
        return self._event.scope


def _by_key(rows: list[Any]) -> Json:
    return {row["key"]: [row["value"], row["changed_by"], row["changed_at"]] for row in rows}
