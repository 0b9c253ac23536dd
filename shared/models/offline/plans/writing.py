"""Writes the texts that the plans of the offline model ask for, out of what their steps found."""

import json
import re
from collections.abc import Sequence
from typing import Any

from shared.models.found_text import found_names, found_text, texts_of
from shared.models.offline.answering import answer, signature, summary
from shared.models.offline.parsed_request import ParsedRequest, SourceText
from shared.models.offline.plans.tasks import ASK, BODY, LIST, NO_MEANS, SUMMARY, TITLE, UNDONE
from shared.patterns import lazily

_EXAMPLES = (
    "Tell me in steps, such as: find issues about the login; label this as bug; comment a summary;"
    " assign ada; open an issue about the refund."
)
#: Characters of a title, and of the material that opens a text.
_TITLE = 120
#: Ends our own messages: the small line with the run, or the id of the plan.
_OURS = lazily(r"· run [0-9a-f]{12,}|Plan `[0-9a-f]{12,}`")
#: A field of JSON that was cut off.
_FIELD = lazily(r'"(title|message|text|url|number)": ("(?:[^"\\]|\\.)*"|\d+)')


def ask_about(goal: str, undone: Sequence[str]) -> str:
    """Return the task to ask people what they want."""
    said = " ".join(goal.split())[:200]
    return f"{ASK} {said}" + "".join(f"\n- {one}" for one in undone if one != NO_MEANS + said)


def say_undone(undone: Sequence[str]) -> str:
    """Return the task to tell people what a plan leaves out."""
    return UNDONE + "".join(f"\n- {one}" for one in undone)


def written(parsed: ParsedRequest) -> str | None:
    """Return the text that a task of these wants; None for another task."""
    task = parsed.task.split("\n\n")[0].strip()
    if task.startswith(ASK):
        goal, _, undone = task.removeprefix(ASK).partition("\n")
        told = f"{undone}\n\n" if undone else ""
        about = f" for “{goal.strip()}”" if goal.strip() else ""
        return f"{told}I do not know what to do{about}. {_EXAMPLES}"
    if task.startswith(UNDONE):
        return task.removeprefix(UNDONE).strip()
    material = _material(parsed.question)
    if material is None and task not in {SUMMARY, LIST, TITLE, BODY}:
        return None
    found = parsed.question if material is None else material
    if task == TITLE:
        return f"Follow-up: {_title(found)}"[:_TITLE]
    if task == BODY:
        return _body(found)
    if task == LIST:
        return found_text(found)
    if task == SUMMARY:
        return _signed(_summary(found), parsed)
    prose = _prose(found)
    known = ParsedRequest(parsed.task, task, (SourceText("text", prose),), (), frozenset())
    return answer(known) if prose else found_text(found)


def _summary(found: Any) -> str:
    """Return the weightiest sentences; of things that were found, their list."""
    if found_names(found):
        return found_text(found)
    request = ParsedRequest("", _prose(found), (), (), frozenset())
    return summary(request) or found_text(found) or "There is nothing to summarise."


def _prose(found: Any) -> str:
    """Return what people said, without their commands to us and without our own messages."""
    said = [text for text in texts_of(found) if not _OURS.search(text)]
    return re.sub(r"^/\w.*$", "", "\n".join(said), flags=re.M)


def _signed(text: str, parsed: ParsedRequest) -> str:
    return f"{text}\n\n{signature(parsed.question)}"


def _title(found: Any) -> str:
    first = next((line for line in _prose(found).splitlines() if line.strip()), "")
    return " ".join(first.split()) or "what was found"


def _body(found: Any) -> str:
    """Say what it follows, and what that is about."""
    about = found if isinstance(found, dict) else {}
    number, url = about.get("number"), about.get("url")
    after = f"Follow-up to #{number}" if isinstance(number, int) else "Follow-up"
    link = f" ({url})" if isinstance(url, str) and url else ""
    return f"{after}{link}.\n\n{_summary(found)}"


def _material(text: str) -> Any:
    """Read what a step found, also when its end was cut off; None if it is no JSON."""
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        found: list[dict[str, Any]] = []
        for name, value in _FIELD.findall(text):
            if not found or name in found[-1]:
                found.append({})
            found[-1][name] = json.loads(value)
        return found or None
