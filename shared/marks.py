"""The mark that our own writes carry: actions write it, perception reads it.

It is an HTML comment at the end of a body on GitHub, metadata in Slack, a prefix of a branch's
name. What carries it is never a command and never causes a run, whoever its author seems to be:
with GITHUB_TOKEN the agent and a person share a login.
"""

import re

#: The event type of the metadata in our Slack messages.
EFFECT = "agent_flows_effect"

_BEGINS = "<!-- agent-flows effect="
_MARK = rf"{_BEGINS}(?P<key>[^\s>]+) flow=(?P<flow>[^\s>]+) depth=(?P<depth>\d{{1,4}}) -->"
_BRANCH = "agent-flows/"


def mark_of(key: str, flow: str, depth: int) -> str:
    """Write the mark; it belongs on a line of its own at the end of a body."""
    return f"{_BEGINS}{key} flow={flow} depth={depth} -->"


def own_mark(text: str) -> re.Match[str] | None:
    """Return the mark at the end of a text, alone on its line, where we put it: its `key`, `flow`
    and `depth`."""
    return re.search(rf"^{_MARK}\s*\Z", text, re.MULTILINE) if _BEGINS in text else None


def is_marked(text: str) -> bool:
    """Tell if a text carries our mark: also with more text behind it, as other bots add it.

    Who quotes us has the mark behind a `>`, and speaks for themselves.
    """
    if _BEGINS not in text:
        return False
    marks = re.finditer(rf"^(?P<before>.*?){_MARK}", text, re.MULTILINE)
    return any(not found["before"].lstrip().startswith(">") for found in marks)


def deepest(text: str) -> int | None:
    """Return the largest depth among all marks of a text, quoted ones too; None without a mark."""
    if _BEGINS not in text:
        return None
    return max((int(found["depth"]) for found in re.finditer(_MARK, text)), default=None)


def branch_of(key: str) -> str:
    """Name the branch of an effect."""
    return f"{_BRANCH}{key[:20]}"


def is_own_branch(name: str) -> bool:
    return name.startswith(_BRANCH)
