"""Explain a pull request to whoever asks: `/why-red` says why its checks fail."""

from shared.actions.github.actions import Comment
from shared.actions.github.reactions import AddReaction, RemoveReaction
from shared.agent import Agent, flow
from shared.events import Event
from shared.reviewing.explaining.explanation import Explanations, RedHead, told
from shared.reviewing.explaining.red import RedChecks

WHY_RED = """\
Checks of a pull request fail. For each of them say in one or two sentences why: the first real
error, not what follows from it. `quote` repeats the lines that show it exactly as they stand.
`path` and `line` are a file of the repository, if one is named there. `do` says in a sentence what
to change. Do not guess: where a check does not say why it fails, quote its last lines and say
so."""

MEND = """\
These explanations of yours were refused by a program, with its reasons. Correct them."""


@flow(
    "github.command.why-red",
    may=[Comment.at_most(1), AddReaction.at_most(2), RemoveReaction.at_most(1)],
    reads=RedChecks.READS,
)
def explain(event: Event, agent: Agent) -> None:
    desk = agent.desk(RedChecks)
    head = desk.head()
    agent.act(Comment(event.issue, why_red(agent, desk, head)))


def why_red(agent: Agent, desk: RedChecks, head: RedHead) -> str:
    """Return why checks fail, proved; what no explanation of holds speaks for itself."""
    if head.why_not:
        return f"Not explained: {head.why_not}."
    if not head.checks:
        return told(head, {}, lambda path, line: "")
    shown = [check.code for check in head.checks]
    given = agent.ask(WHY_RED, *shown, returns=Explanations, max_tokens=2048).explanations
    proved, false = desk.prove(head, given)
    if false:
        mended = agent.ask(MEND, false, *shown, returns=Explanations, max_tokens=2048).explanations
        proved, _ = desk.prove(head, [*proved.values(), *mended])
    return told(head, proved, lambda path, line: desk.address(head, path, line))
