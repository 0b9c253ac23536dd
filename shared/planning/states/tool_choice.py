"""Chooses which tools the planner is told to think of first: a policy learns them over whole plans,
from how they end.

The state is abstract: the kind of goal, the last tool, and what became of it. The arms are the
tools that read, and none. A hint is a name of a list that the model sees anyway, so a plan can do
no more with it than without: it is checked, bounded and approved in the same way.
"""

import re
from collections.abc import Mapping

from shared.choosing import Context
from shared.patterns import lazily
from shared.planning import Chooser
from shared.planning.own_words import own_words
from shared.planning.store import Situation
from shared.planning.validation import ToolFacts
from shared.planning.verifier import NOTHING

#: The name of the choice, the arm that hints at nothing and ends the hints, and how many tools are
#: hinted at for one version.
CHOICE, NONE, _MOST = "tool", "", 3
#: The words that tell the kind of a goal, in the order in which they are looked for.
_KINDS: Mapping[str, str] = {
    "pulls": r"pull[ -]?requests?|PRs?|merge[ds]?|reviews?",
    "commits": r"commits?|history|releases?|changelog",
    "code": r"code|files?|functions?|class(?:es)?|modules?|tests?",
    "labels": r"labels?|triage|milestones?|assign\w*",
    "issues": r"issues?|bugs?|tickets?|duplicates?",
    "talk": r"threads?|channels?|conversations?|discussions?|messages?",
}
_FOUND = {kind: lazily(rf"\b(?:{words})\b", re.IGNORECASE) for kind, words in _KINDS.items()}


def features(situation: Situation) -> Context:
    """Return the state in which a plan's next version is made: by the kind of its goal, the last
    tool that failed, and how; all three are words of this file, names of tools, or faults."""
    failed, latest = situation.in_state("failed"), situation.latest
    state = {"goal": _kind(situation), "last": "", "outcome": latest.fault if latest else ""}
    if failed and latest:
        last = failed[-1]
        how = "nothing" if last.reason == NOTHING else latest.fault
        state |= {"last": last.step.tool, "outcome": how}
    return state


def hinted(choose: Chooser, state: Context, tools: Mapping[str, ToolFacts]) -> tuple[str, ...]:
    """Choose the tools to hint at, one after the other, until one is none; `tools` are those on
    offer. Without a policy there are none."""
    arms = [NONE, *(name for name, tool in tools.items() if not tool.writes)]
    found: list[str] = []
    while len(found) < _MOST:
        tool = choose(CHOICE, arms, state)
        if tool == NONE or tool in found:
            break
        found.append(tool)
        state = {**state, "last": tool, "outcome": "hinted"}
    return tuple(found)


def _kind(situation: Situation) -> str:
    goal = own_words(situation.goal, situation.event.source)
    return next((kind for kind, words in _FOUND.items() if words.search(goal)), "other")
