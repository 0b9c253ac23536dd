"""The results of the memory's commands, as values that read as Markdown."""

from collections.abc import Sequence
from itertools import groupby

from shared.frozen import frozen
from shared.memory.attribution import credit, is_trusted, place, quotation, speaker, standing
from shared.memory.control.listing import CitedMemory, Provenance

WRITERS_ONLY = "Only people with write permission here may ask for that."
NOT_THEIRS = "I keep what people say, not what bots and apps say."
UNCLEAR = "Tell me what: a few words, `me`, `@person`, `owner/repo#1` or an id like `m-1a2b3c4d`."
NOTHING_TOLD = "I have answered nothing here from memory yet."
#: How many characters of a memory a list shows.
_SHOWN = 240
#: The names of the counts of `forget`, in the order of the sentence.
_COUNTED = {
    "memories": ("memory", "memories"),
    "turns": ("turn of a conversation", "turns of conversations"),
    "events": ("recorded event", "recorded events"),
    "steps": ("step of a run", "steps of runs"),
    "effects": ("recorded action", "recorded actions"),
    "reminders": ("reminder", "reminders"),
    "findings": ("finding of a review", "findings of reviews"),
}


@frozen
class CommandRefused:
    """The reason, in one line, why nothing was done."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@frozen
class RememberResult:
    """The kind of the memory that was kept; empty when it or its place was forgotten for good."""

    kind: str

    def __str__(self) -> str:
        if not self.kind:
            return "I keep nothing from here, because I was asked to forget it."
        if self.kind == "episode":
            return "I keep it as something that was said."
        return f"I keep it as a {self.kind}."


@frozen
class ForgetResult:
    """Rows per table. `elsewhere` among them counts what this person may see but not delete."""

    counts: dict[str, int]
    is_me: bool = False
    is_finding: bool = False

    def __str__(self) -> str:
        elsewhere = self.counts.get("elsewhere", 0)
        more = f" {elsewhere} more came from elsewhere: ask there." if elsewhere else ""
        done = [
            f"{count} {one if count == 1 else many}"
            for key, (one, many) in _COUNTED.items()
            if (count := self.counts.get(key))
        ]
        if not done and not self.is_me:
            return f"I know nothing of that that you may delete from here.{more}"
        told = ["Forgotten: " + ", ".join(done) + "." if done else "I knew nothing that you said."]
        if self.is_finding:
            return f"{told[0]} A review may tell it again."
        if self.is_me:
            told.append("I will keep nothing of yours until you ask me to remember something.")
        else:
            told.append("It is not learned again from the same text.")
        told.append("What stands in GitHub or Slack stays there.")
        return " ".join(told) + more


@frozen
class KnowResult:
    """The memories about something, or, when there are none, those that are `related`."""

    found: Sequence[CitedMemory]
    total: int
    related: Sequence[CitedMemory] = ()

    def __str__(self) -> str:
        if not self.found and not self.related:
            return "I know nothing about that that may be shown here."
        known = sorted(self.found or self.related, key=lambda one: one.kind)
        lines = ["Nothing says exactly that. Related:"]
        if self.found:
            lines = [f"I know {self.total} {'thing' if self.total == 1 else 'things'} about that."]
        for kind, group in groupby(known, key=lambda one: one.kind):
            lines += ["", f"**{kind}**", *(f"- {_line(one)}" for one in group)]
        if self.total > len(self.found):
            lines += ["", f"{self.total - len(self.found)} older ones are not shown."]
        return "\n".join(lines)


@frozen
class WhyResult:
    """The source of the last answer, or, with `is_one`, of one memory."""

    provenance: Provenance
    is_one: bool = False

    def __str__(self) -> str:
        memories, uses = self.provenance.memories, self.provenance.uses
        if self.is_one and not memories:
            return "I know no such memory that may be shown here."
        lines = [f"- {_line(one)}" for one in memories]
        if self.is_one:
            runs = ", ".join(f"`{use.run}` ({use.flow})" for use in uses)
            return "\n".join([*lines, f"Recalled by {runs}." if uses else "Never recalled yet."])
        run = f"run `{uses[0].run}` ({uses[0].flow})"
        if not memories:
            return f"My last answer here, {run}, used no memory that may be shown here."
        return "\n".join([f"My last answer here, {run}, was given:", *lines])


@frozen
class ExportResult:
    """The number of memories that may be seen from here."""

    count: int
    tenant: str

    def __str__(self) -> str:
        return (
            f"{self.count} memories may be seen from here. An operator gets all as JSON lines with"
            f" `./scripts/flows memory export --tenant {self.tenant}`."
        )


def _line(one: CitedMemory) -> str:
    """Show a memory as one line with who said it, their standing, when and where."""
    text = " ".join(one.text.split())
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    where, when, id = place(one), one.remembered_at[:10], f"`m-{one.id[:8]}`"
    if one.url.startswith("https://"):
        where = f"[{where or 'source'}]({one.url})"
    if not is_trusted(one.trust):
        return f"{credit(one, where)}:{quotation(shown)} ({standing(one)}, {when}) {id}"
    return f"{shown} ({', '.join(filter(None, (speaker(one), standing(one), when, where)))}) {id}"
