"""The keys of a channel's settings."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

from shared.events import Json
from shared.team_settings.channels.hours import Hours, hours_of
from shared.team_settings.keys import Key, OneOf, OnOff

ChannelMode = Literal["mentions", "answers", "listens"]
ChannelAudience = Literal["workspace", "channel", "public"]
#: The flows that a channel may turn off. What undoes and forgets is in no channel turned off.
FLOWS = ("chat", "plan", "memory", "errands")
#: Commands that are obeyed where their flow is off: people can always ask for help, and forget.
ALWAYS = frozenset({"help", "forget"})
#: The seconds after `mode answers` in which answers are drafts, whatever `drafts` says.
DRAFT_WEEK = 7 * 86_400.0


class Language(NamedTuple):
    """The name of a language; models are shown it, so it is one to three words."""

    def schema(self) -> Json:
        return {"type": "string", "maxLength": 40}

    def problem(self, value: object) -> str:
        fits = isinstance(value, str) and len(value) <= 40
        if fits and re.fullmatch(r"(?:[^\W\d_]+(?:[ -][^\W\d_]+){0,2})?", str(value)):
            return ""
        return "must be the name of a language, such as German"


class Subset(NamedTuple):
    """Some of these names."""

    names: tuple[str, ...]

    def schema(self) -> Json:
        return {"type": "array", "items": {"enum": [*self.names]}}

    def problem(self, value: object) -> str:
        fits = isinstance(value, list) and all(one in self.names for one in value)
        return "" if fits else f"must be some of {', '.join(self.names)}"


class ChannelSettings(NamedTuple):
    """What people of a channel want of the agent."""

    mode: Annotated[
        ChannelMode,
        OneOf(get_args(ChannelMode)),
        "mentions: answer who mentions me. answers: also answer questions when I am sure, with"
        " sources. listens: answer who mentions me, and learn from what is said.",
    ] = "mentions"
    language: Annotated[str, Language(), "The language of answers; empty for that of who asks."] = (
        ""
    )
    audience: Annotated[
        ChannelAudience,
        OneOf(get_args(ChannelAudience)),
        "Whose knowledge answers here may use: all that may be seen here, what was said to the"
        " same readers and what is public, or only what is public.",
    ] = "workspace"
    drafts: Annotated[
        OnOff,
        OneOf(get_args(OnOff)),
        "on: answers that nobody asked me for go to one person first, who sends or drops them. The"
        " first week of mode answers is so in any case.",
    ] = "off"
    quiet: Annotated[
        str, Hours(), "Hours in which I say nothing unasked, such as 22:00-07:00 Europe/Berlin."
    ] = ""
    off: Annotated[tuple[str, ...], Subset(FLOWS), "Flows that do nothing here."] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "ChannelSettings":
        """Read what the table holds of a channel: by key the value, who set it, and when. What
        fits no key any more counts as not said."""
        values = {
            name: value
            for name, (value, *_) in said.items()
            if name in KEYS and not KEYS[name].kind.problem(value)
        }
        return cls(**values | {"off": tuple(values.get("off", ()))})

    def is_quiet(self, at: float) -> bool:
        """Are there quiet hours at this moment?"""
        return bool(self.quiet) and hours_of(self.quiet).hold(at)


def _keys() -> Mapping[str, Key]:
    hints = get_type_hints(ChannelSettings, include_extras=True)
    found = {}
    for name, default in ChannelSettings._field_defaults.items():
        _, kind, about = get_args(hints[name])
        plain: Any = [*default] if isinstance(default, tuple) else default
        found[name] = Key(kind, plain, about)
    return found


#: Each key with what it takes, its default and what it is for.
KEYS = _keys()
