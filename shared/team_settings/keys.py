"""The keys of `.github/agent-flows.yml`. None can widen what the deployment allows: they name no
model, no budget and no permission.

`python -m shared.team_settings.keys` prints their JSON schema, docs/agent-flows.schema.json.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Protocol, get_args, get_type_hints

from shared.events import Json

#: Where the file is, in a repository and in the one with the defaults of its organisation.
PATH = ".github/agent-flows.yml"
#: The largest file, in bytes.
LARGEST = 65_536
Mode = Literal["on", "preview", "off"]
MinimumSeverity = Literal["low", "medium", "high", "critical"]
When = Literal["command", "opened"]
Into = Literal["comment", "body"]
OnOff = Literal["on", "off"]


class KeyKind(Protocol):
    """What a key takes."""

    def schema(self) -> Json: ...

    def problem(self, value: object) -> str:
        """Return what is wrong with the value; empty when it fits."""
        ...


class OneOf(NamedTuple):
    names: tuple[str, ...]

    def schema(self) -> Json:
        return {"enum": [*self.names]}

    def problem(self, value: object) -> str:
        fits = isinstance(value, str) and value in self.names
        return "" if fits else f"must be one of {', '.join(self.names)}"


class Whole(NamedTuple):
    low: int
    high: int

    def schema(self) -> Json:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def problem(self, value: object) -> str:
        fits = type(value) is int and self.low <= value <= self.high
        return "" if fits else f"must be a whole number from {self.low} to {self.high:,}"


class Words(NamedTuple):
    most: int

    def schema(self) -> Json:
        return {"type": "string", "maxLength": self.most}

    def problem(self, value: object) -> str:
        if not isinstance(value, str):
            return "must be text; put it in quotes"
        size = len(value)
        return "" if size <= self.most else f"has {size:,} characters; at most {self.most:,}"


class ListOf(NamedTuple):
    of: Words
    most: int

    def schema(self) -> Json:
        return {"type": "array", "items": self.of.schema(), "maxItems": self.most}

    def problem(self, value: object) -> str:
        if not isinstance(value, list):
            return "must be a list, with a line that begins with - for each item"
        if len(value) > self.most:
            return f"has {len(value):,} items; at most {self.most:,}"
        wrong = ((at, self.of.problem(item)) for at, item in enumerate(value, 1))
        return next((f"has an item, number {at}, that {what}" for at, what in wrong if what), "")


_MODE = Annotated[
    Mode,
    OneOf(get_args(Mode)),
    "on: act. preview: say in one comment what it would do, and do nothing else. off: do nothing.",
]


class FlowSettings(NamedTuple):
    """Whether the flow acts."""

    mode: _MODE = "on"


class ReviewSettings(NamedTuple):
    """How pull requests are reviewed."""

    mode: _MODE = "on"
    ignore: Annotated[
        tuple[str, ...],
        ListOf(Words(200), 100),
        "Files that nobody needs to review, such as docs/, *.snap or src/generated/**.",
    ] = ()
    max_findings: Annotated[
        int, Whole(0, 20), "Findings that are posted on lines; the others stand in the summary."
    ] = 3
    minimum_severity: Annotated[
        MinimumSeverity, OneOf(get_args(MinimumSeverity)), "Findings of less weight are left out."
    ] = "low"
    language: Annotated[str, Words(40), "The language of findings, such as German."] = ""
    instructions: Annotated[
        str, Words(2_000), "What reviews should look for. It is shown to the model as data."
    ] = ""
    wait: Annotated[
        int, Whole(0, 3_600), "Seconds without another push, after which a push is reviewed."
    ] = 60


class ExplainSettings(NamedTuple):
    """How pull requests are explained."""

    mode: _MODE = "on"
    when: Annotated[
        When,
        OneOf(get_args(When)),
        "command: describe when somebody asks. opened: also when a pull request is opened.",
    ] = "command"
    into: Annotated[
        Into,
        OneOf(get_args(Into)),
        "comment: into a comment. body: into the text of the pull request, below its author's.",
    ] = "comment"
    labels: Annotated[
        OnOff, OneOf(get_args(OnOff)), "on: add labels that the repository has. off: add none."
    ] = "on"
    ignore: Annotated[
        tuple[str, ...], ListOf(Words(200), 100), "Files that nobody needs to describe."
    ] = ()
    language: Annotated[str, Words(40), "The language of descriptions, such as German."] = ""


class Key(NamedTuple):
    """A key of a section: what it takes, what it is without a file, and what it is for."""

    kind: KeyKind
    default: Any
    about: str


#: The settings of each flow that a team may turn off, by its name.
SECTIONS: Mapping[str, type[FlowSettings] | type[ReviewSettings] | type[ExplainSettings]] = {
    "review": ReviewSettings,
    "explain": ExplainSettings,
    "triage": FlowSettings,
    "plan": FlowSettings,
}


def keys_of(section: str) -> Mapping[str, Key]:
    """Return the keys of a section, in their order."""
    of = SECTIONS[section]
    hints = get_type_hints(of, include_extras=True)
    found = {}
    for name, default in of._field_defaults.items():
        _, kind, about = get_args(hints[name])
        found[name] = Key(kind, [*default] if isinstance(default, tuple) else default, about)
    return found


def schema() -> Json:
    """Return the JSON schema of the file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of Agent Flows in a repository",
        "description": f"{PATH} on the default branch, or in the organisation's .github repository",
        "type": ["object", "null"],
        "properties": {name: _section(name) for name in SECTIONS},
        "additionalProperties": False,
    }


def _section(name: str) -> Json:
    return {
        "description": SECTIONS[name].__doc__,
        "type": ["object", "null"],
        "properties": {key: _shown(of) for key, of in keys_of(name).items()},
        "additionalProperties": False,
    }


def _shown(key: Key) -> Json:
    return {"description": key.about, "default": key.default} | key.kind.schema()


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
