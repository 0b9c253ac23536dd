"""Makes the steps of a plan: each part of the goal becomes a call of the tool that it asks for."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from shared.events import Json
from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.plans.deeds import DEEDS, unknown_tool
from shared.models.offline.plans.draft import PlanDraft, PlannedDeed, PlannedTool
from shared.models.offline.plans.goal_parts import GoalPart, parts
from shared.models.offline.plans.named_things import channel, number, path, without_quotes
from shared.models.offline.plans.tasks import NO_MEANS
from shared.models.offline.plans.tool_words import place_of, verbs_of, words_of
from shared.models.offline.plans.writing import ask_about, say_undone
from shared.patterns import lazily

_TOOL = lazily(r"^- (\w+)\(([^)]*)\)( \[writes\])?: (.*)$", re.M)
#: Characters of a goal that are read: nobody writes a longer one.
_LONGEST = 4_000
#: More than so many reasons why a part is not done help nobody.
_MOST_FAULTS = 12
#: Opens the list of the tools that the place does not have.
_ABSENT = "These are missing here."
#: All of these say something to people; where decides which it is.
#: The rank of a tool that is asked for when its verb asks for no other.
_LAST = 1_000_000
_SAYING = ("reply", "comment", "post")
_WRITES = frozenset({*words_of("write_text").verbs, "list", "show", "collect"})
_AS_A_COMMENT = lazily(
    r"\b(?:in|as|into|als|en|dans|comme|como)(?: an?| the| un| einen?m?)? "
    r"(?:comment|reply|kommentar|commentaire|comentario)"
)
#: Between a name and the noun that says what it is: `the bug label`, `bug as a label`.
_GAP = lazily(r"\s?(?:(?:as|als|comme|como)\s(?:(?:an?|the|une?|una)\s)?)?")


def steps(parsed: ParsedRequest, schema: Json) -> list[Json]:
    """Return the steps for the goal. What it asks for in vain is told by a step that writes it."""
    tools = {tool.name: tool for tool in _tools(parsed.task)}
    draft = PlanDraft(tools)
    wanted = parts(parsed.question[:_LONGEST], verbs_of(tools))
    faults = [fault for part in wanted if (fault := _fault(part, draft))]
    undone = [*dict.fromkeys(faults)][:_MOST_FAULTS]
    if "write_text" in tools and undone and draft.steps:
        draft.add("write_text", "Say what is not done", {"task": say_undone(undone)})
    elif "write_text" in tools and not draft.steps:
        task = ask_about(parsed.question, undone)
        draft.add("write_text", " ".join(parsed.question.split())[:200], {"task": task})
    return [_filled(schema, step) for step in draft.steps]


def _tools(task: str) -> Iterator[PlannedTool]:
    """Read the tools of the prompt, one in each line."""
    offered = task.find(_ABSENT)
    for found in _TOOL.finditer(task):
        name, parameters, writes, _ = found.groups()
        absent = -1 < offered < found.start()
        described = [part.partition(": ") for part in parameters.split(", ") if part]
        required = {key: kind for key, _, kind in described if not key.endswith("?")}
        optional = {key.rstrip("?"): kind for key, _, kind in described if key.endswith("?")}
        yield PlannedTool(name, required, optional, bool(writes), absent)


def _fault(part: GoalPart, draft: PlanDraft) -> str:
    """Plan the part; return why it cannot be done, or '' for a part that is planned."""
    if part.fault:
        return part.fault
    reason = ""
    for name in _named(part, draft.tools):
        tool = draft.tools[name]
        if tool.absent:
            draft.add(name, part.text, {})
            return ""
        reason = DEEDS.get(name, unknown_tool)(PlannedDeed(draft, tool, part))
        if not reason:
            return ""
    return reason or NO_MEANS + part.text


def _named(part: GoalPart, tools: Mapping[str, PlannedTool]) -> list[str]:
    """Return the tools that the part asks for, the best first: its verb decides, and for a general
    verb the first noun that names one."""
    rest = without_quotes(part.text.lower()).removeprefix(part.verb)
    nouns = _nouns(rest, tools)
    found: list[tuple[int, int, str]] = []
    for order, name in enumerate(tools):
        words = words_of(name)
        if part.verb in words.verbs:
            found.append((_LAST if name == "write_text" else 0, order, name))
        elif name == "comment" and part.verb in _WRITES and _AS_A_COMMENT.search(rest):
            found.append((1, order, name))
        elif part.verb in words.general and name in nouns:
            found.append((1 + nouns[name], order, name))
        elif part.verb in words.general and _is_shown(name, part.text):
            found.append((_LAST - 1, order, name))
    chosen = [name for *_, name in sorted(found)]
    if chosen and chosen[0] in _SAYING:
        chosen = [*_said_where(part.text, tools), *(n for n in chosen if n not in _SAYING)]
    return chosen or [name for name in ("search_issues", "recall") if _may_find(name, part, tools)]


def _nouns(text: str, tools: Iterable[str]) -> dict[str, int]:
    """Return where the first noun of each tool stands. Of `the bug label` only the last counts."""
    found = [
        (place, place + len(noun), name)
        for name in tools
        for noun in words_of(name).nouns
        if (place := place_of(noun, text)) >= 0
    ]
    begins = {place for place, *_ in found}
    heads = [
        (place, name)
        for place, end, name in found
        if _past_gap(text, end) not in begins or name.endswith("labels")  # `label bug` is a label
    ]
    return {name: min(p for p, of in heads if of == name) for _, name in heads}


def _past_gap(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at


def _is_shown(tool: str, text: str) -> bool:
    """A number and a path name what to read by themselves."""
    return (tool == "read_issue" and number(text) is not None) or (
        tool == "read_file" and bool(path(text))
    )


def _said_where(text: str, tools: Mapping[str, PlannedTool]) -> list[str]:
    wanted = ["reply", "comment"]
    if channel(text):
        wanted = ["post"]
    elif number(text) is not None:
        wanted = ["comment", "reply"]
    known = [name for name in wanted if name in tools]
    return [name for name in known if not tools[name].absent] or known


def _may_find(tool: str, part: GoalPart, tools: Mapping[str, PlannedTool]) -> bool:
    return tool in tools and part.verb in words_of(tool).general


def _filled(schema: Json, step: Mapping[str, object]) -> Json:
    blank = {"string": "", "array": [], "boolean": False}
    fields = {key: blank.get(part.get("type", "")) for key, part in schema["properties"].items()}
    arguments = json.dumps(step["arguments"], ensure_ascii=False)
    return {**fields, **step, "arguments": arguments}
