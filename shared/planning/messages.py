"""The messages of a plan that change in place: one shows its progress, the others ask people."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from shared.events import Json
from shared.frozen import frozen
from shared.patterns import lazily
from shared.planning.checklist import Line, checklist
from shared.planning.next_state import NextState
from shared.planning.store import Approval, Situation, StepRow

Emphasis = Literal["", "primary", "danger"]

#: Characters of a goal that are repeated.
_GOAL = 200
#: An argument's text that is longer, or has several lines, gets a block of its own.
_SHORT = 120
_CLICK = lazily(r"(approve|change|reject) (\w{1,64}/[0-9a-f]{64})")
#: Characters of an approval's digest by which people may name it.
NAMED = 8
#: Marks a write that the first version of the plan does not have.
_BEYOND = "⚠️ Your request did not name this: it comes from what was read or said since."
#: Room that the words around the actions need.
_FRAME = 600


class MessageButton(NamedTuple):
    """A button: its label, the value that its click sends, and its look."""

    label: str
    value: str
    emphasis: Emphasis = ""


class Click(NamedTuple):
    """The value of a clicked button: a verb, and the name of the message that showed it."""

    verb: str
    name: str


@frozen
class PlanMessage:
    """A message of the plan. Its `name` is unique: the plan's id, and `live` or the digest of the
    question. It `asks` until somebody has answered."""

    name: str
    text: str
    asks: bool = False

    @property
    def buttons(self) -> tuple[MessageButton, ...]:
        if not self.asks:
            return ()
        return (
            MessageButton("Approve", f"approve {self.name}", "primary"),
            MessageButton("Change", f"change {self.name}"),
            MessageButton("Reject", f"reject {self.name}", "danger"),
        )


class _Form(NamedTuple):
    """A platform's form of message: its room in characters, whether it folds, how people answer."""

    room: int
    folds: bool
    how: str


_GITHUB = _Form(50_000, True, "Answer `/approve {id}`, `/reject {id}` or `/change TEXT`.")
_SLACK = _Form(4_000, False, "Press a button, or mention me here with `approve {id}`.")


def click(value: str) -> Click | None:
    """Read the value of a button; None for a button of others."""
    found = _CLICK.fullmatch(value)
    return Click(*found.groups()) if found else None


def live_name(situation: Situation) -> str:
    """Name the message that shows the plan's progress."""
    return f"{situation.id}/live"


def question_name(situation: Situation, asked: Approval) -> str:
    """Name the message that asks: exactly this, in this plan."""
    return f"{situation.id}/{asked.digest}"


def beginning(situation: Situation) -> PlanMessage:
    """Show that a plan is being made, always in the same words."""
    return PlanMessage(live_name(situation), _framed(situation, "⏳ I am making a plan.", ""))


def live(situation: Situation, following: NextState) -> PlanMessage:
    """Show the plan's progress; `following` is its next state."""
    if not situation.steps and not situation.over:
        return beginning(situation)
    listed = listed_steps(situation, lambda row: _state(row, situation, following))
    head = _head(situation, following)
    return PlanMessage(live_name(situation), _framed(situation, head, listed))


def question(situation: Situation, asked: Approval) -> PlanMessage:
    """Show a question as it stands: open, or answered, by whom and when."""
    if asked.state == "asked" and not situation.over and not situation.cancelled_by:
        return asking(situation, asked)
    text = f"{_decided(situation, asked)}\n\n{_body(situation, asked)}\n\nPlan `{situation.id}`"
    return PlanMessage(question_name(situation, asked), text)


def asking(situation: Situation, asked: Approval) -> PlanMessage:
    """Show exactly what would be done, or an open question, always in the same words."""
    head = "⏸ **May I do this?**" if "actions" in asked.payload else "⏸ **What shall I do?**"
    how = _form(situation).how.format(id=asked.digest[:NAMED])
    until = f"Until {time_in_utc(asked.expires_at)}; then nothing is done."
    body = _body(situation, asked)
    text = f"{head}\n\n{body}\n\n{how} {until} Plan `{situation.id}`"
    return PlanMessage(question_name(situation, asked), text, asks=True)


def in_full(situation: Situation, asked: Approval) -> list[str]:
    """Return the whole of a question that its message had to cut, in texts that fit into one."""
    form = _form(situation)
    whole = _asked(asked, form._replace(room=2**31))
    if whole == _asked(asked, form) and len(whole) <= form.room:
        return []
    plain = _asked(asked, _Form(2**31, False, ""))
    head = f"What approval `{asked.digest[:NAMED]}` is about, in full"
    sized = list(_sized(plain, form.room))
    return [
        f"{head} ({number} of {len(sized)}):\n\n{_fenced(part)}"
        for number, part in enumerate(sized, 1)
    ]


def listed_steps(situation: Situation, state_of: Callable[[StepRow], str]) -> str:
    """List the steps with their states, their links and the cost; nothing when there are none."""
    lines = [Line(row.step, state_of(row), row.reason) for row in situation.steps]
    links = {row.step.id: _url(row.output) for row in situation.in_state("done")}
    if not lines:
        return ""
    return checklist(lines, cost=situation.cost, unpriced=situation.unpriced, links=links)


def _url(output: Any) -> str:
    """Return the address of what a step has made, or an empty text."""
    url = output.get("url", "") if isinstance(output, dict) else ""
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def _form(situation: Situation) -> _Form:
    return _SLACK if situation.event.thread_target else _GITHUB


def _framed(situation: Situation, head: str, listed: str) -> str:
    goal = " ".join(situation.goal.split())
    goal = goal if len(goal) <= _GOAL else f"{goal[: _GOAL - 1]}…"
    parts = (f"**{goal or 'A plan'}**", head, listed, f"Plan `{situation.id}`")
    return "\n\n".join(part for part in parts if part)


def _head(situation: Situation, following: NextState) -> str:
    if situation.over:
        ended = {"done": "✅ Done.", "failed": "❌", "cancelled": "⏹"}[situation.state]
        return f"{ended} {situation.reason}".strip()
    if situation.cancelled_by:
        return f"⏹ Being cancelled by {situation.cancelled_by}."
    words = {
        "approve": "⏸ Waiting for an answer.",
        "plan": "⏳ I am making another plan.",
        "report": "⏳ Coming to an end.",
    }
    return words.get(following.name, "⏳ Running.")


def _state(row: StepRow, situation: Situation, following: NextState) -> str:
    """Show a step that waits only for its turn as running, or as asked about."""
    if row.state != "waiting" or situation.over or row.step.id not in following.steps:
        return row.state
    return {"wave": "running", "approve": "asked"}.get(following.name, row.state)


def _decided(situation: Situation, asked: Approval) -> str:
    when = f", {time_in_utc(asked.decided_at)}" if asked.decided_at else ""
    match asked.state:
        case "approved":
            return f"✅ Approved by {asked.decided_by}{when}."
        case "rejected":
            return f"❌ Rejected by {asked.decided_by}{when}. It was not done."
        case "changed":
            return f"✏️ {asked.decided_by} wants it changed{when}. It was not done."
        case "expired":
            return "⌛ Nobody answered in time. It was not done."
    by = f" by {situation.cancelled_by}" if situation.cancelled_by else ""
    return f"⏹ The plan ended{by} before an answer. It was not done."


def time_in_utc(seconds: float) -> str:
    """Write a moment as people read it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _body(situation: Situation, asked: Approval) -> str:
    form = _form(situation)
    body, room = _asked(asked, form), form.room
    if len(body) <= room:
        return body
    return f"{_fenced(body[:room])}\n\n{_missing(len(body) - room)}"


def _asked(asked: Approval, form: _Form) -> str:
    if "question" in asked.payload:
        return str(asked.payload["question"])
    actions = asked.payload["actions"]
    room = max(_SHORT, (form.room - _FRAME) // max(1, len(actions)))
    return "\n\n".join(_action(action, form, room) for action in actions)


def _action(action: Json, form: _Form, room: int) -> str:
    named = f"**{action['kind']}** on {action['target']}"
    parts = list(_arguments(action, room))
    if form.folds and any("\n" in part for part in parts):
        summary = f"<details><summary>{action['kind']} on {action['target']}</summary>"
        named, parts = summary, [*parts, "</details>"]
    return "\n\n".join([_BEYOND, named, *parts] if action.get("beyond") else [named, *parts])


def exactly(arguments: Json, room: int) -> str:
    """Show what would be written, each argument as it is."""
    return "\n\n".join(_arguments({"arguments": arguments}, room))


def _arguments(action: Json, room: int) -> Iterator[str]:
    """Show each argument exactly, and a file's content as the diff to the file as it is."""
    for name, value in action["arguments"].items():
        if named := _named(value):
            yield f"{name}: {named}"
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        is_diff = name == "content" and "diff" in action
        seen = _seen(action["diff"] if is_diff else text)
        if not seen or (not is_diff and len(seen) <= _SHORT and not {"\n", "`"} & set(seen)):
            yield f"{name}: `{seen}`" if seen else f"{name}: {'unchanged' if is_diff else 'empty'}"
            continue
        cut = f"\n\n{_missing(len(seen) - room)}" if len(seen) > room else ""
        yield f"{name}:\n\n{_fenced(seen[:room], 'diff' if is_diff else '')}{cut}"


def _named(value: object) -> str:
    """Write a list of short names, such as labels, as people read it; '' for anything else."""
    if value == []:
        return "none"
    names = value if isinstance(value, list) else []
    short = all(
        isinstance(one, str) and one.strip() and len(one) <= _SHORT and not {"\n", "`"} & set(one)
        for one in names
    )
    return ", ".join(f"`{_seen(one)}`" for one in names) if short else ""


def _fenced(text: str, kind: str = "") -> str:
    """Put the text into a fence that nothing in it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def _seen(text: str) -> str:
    """Write out invisible characters: they could make a text read otherwise than it is."""
    return "".join(
        sign
        if sign in "\n\t" or unicodedata.category(sign) not in {"Cc", "Cf", "Cs"}
        else f"\\u{ord(sign):04x}"
        for sign in text
    )


def _sized(text: str, room: int) -> Iterator[str]:
    """Cut the text into parts of at most `room` characters, at ends of lines where it has some."""
    while len(text) > room:
        at = text.rfind("\n", 0, room) + 1 or room
        yield text[:at].rstrip("\n")
        text = text[at:]
    yield text


def _missing(characters: int) -> str:
    return f"✂️ _{characters:,} more characters; the whole text stands above._"
