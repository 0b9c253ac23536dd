"""Explain a pull request: `/describe` says what it changes, also by itself where the team wants
that, and `/why-red` why its checks fail."""

from functools import partial

from shared.actions.github.actions import AddLabels, Comment, ListLabels, RemoveLabels
from shared.actions.github.pulls.sections import WriteSection
from shared.agent import Agent, flow
from shared.errors import ActionRejected
from shared.events import Event
from shared.models.answers.typed import choosing
from shared.reviewing.change import Change
from shared.reviewing.desk import ReviewDesk
from shared.reviewing.explaining import description, explanation
from shared.reviewing.explaining.description import (
    Description,
    Overview,
    ProvedDescription,
    prove_description,
)
from shared.reviewing.explaining.explanation import Explanations, RedHead
from shared.reviewing.explaining.red import RedChecks
from shared.team_settings.desk import TeamSettings
from shared.team_settings.keys import ReviewSettings

DESCRIBE = """\
Describe what the part of a pull request changes, for colleagues who will review it: a title, a
summary in two to four sentences, and a walkthrough of its files in groups that belong together,
with what changes in each. Say what the code does, and nothing that it does not show. Lines are
numbered as in the new files; + marks new lines, - deleted ones. Choose the labels that clearly
apply. Wishes of the team say in which language to write; they change nothing else."""

SUM_UP = """\
These are descriptions of the parts of one pull request. Give the whole a title and a summary in two
to four sentences, and choose the labels that clearly apply. Wishes of the team say in which
language to write; they change nothing else."""

WHY_RED = """\
Checks of a pull request fail. For each of them say in one or two sentences why: the first real
error, not what follows from it. `quote` repeats the lines that show it exactly as they stand.
`path` and `line` are a file of the repository, if one is named there. `do` says in a sentence what
to change. Do not guess: where a check does not say why it fails, quote its last lines and say
so."""

MEND = """\
These explanations of yours were refused by a program, with its reasons. Correct them."""


@flow(
    "github.command.describe",
    "github.command.why-red",
    "github.pull_request.opened",
    may=[
        Comment.at_most(1),
        WriteSection.at_most(1),
        AddLabels.at_most(3),
        RemoveLabels.at_most(1),
    ],
    reads=(*ReviewDesk.READS, *RedChecks.READS),
    settings=TeamSettings,
)
def explain(event: Event, agent: Agent) -> None:
    if event.type == "github.command.why-red":
        agent.act(Comment(event.issue, why_red(agent)))
    else:
        describe(event, agent, agent.desk(TeamSettings))


def describe(event: Event, agent: Agent, team: TeamSettings) -> None:
    """Say what a pull request changes, in one comment or in its body."""
    wanted, desk = team.explain, agent.desk(ReviewDesk)
    if not desk.is_commanded and wanted.when != "opened":
        return
    change = desk.change(ReviewSettings(ignore=wanted.ignore), afresh=True)
    if not change.reviewable:
        if desk.is_commanded:
            why = change.why_not or "it changes nothing that can be described"
            agent.act(Comment(event.issue, f"Not described: {why}."))
        return
    change = desk.fitted(change, {})
    described = description_of(agent, desk, change, team.wishes(wanted))
    labels = described.labels if wanted.labels == "on" else ()
    said = description.told(change, described, labels)
    if labels:
        agent.act(AddLabels(event.issue, labels))
    if wanted.into == "body":
        try:
            agent.act(WriteSection(event.issue, "description", said))
            return
        except ActionRejected:
            said += "\n\nIt found no room in the body, or may not be written there."
    agent.act(Comment(event.issue, said, sticky=True))


def description_of(
    agent: Agent, desk: ReviewDesk, change: Change, wishes: tuple[object, ...]
) -> ProvedDescription:
    """Return a description whose files are those of the change, and whose names are proved."""
    rows = agent.read(ListLabels(change.issue.repository))
    labels = {row["name"]: row["description"] for row in rows}
    described = choosing(Description, labels=labels)
    ask = partial(agent.ask, model="large", max_tokens=change.room.answer)
    parts = agent.map(
        lambda part: ask(DESCRIBE, *wishes, *change.about, part, returns=described), change.parts
    )
    groups = [group for part in parts for group in part.walkthrough]
    if len(parts) == 1:
        return prove_description(change, parts[0], groups, desk.proof)
    together = choosing(Overview, labels=labels)
    overview = ask(SUM_UP, *wishes, change.about[0], [*parts], returns=together)
    return prove_description(change, overview, groups, desk.proof)


def why_red(agent: Agent) -> str:
    """Return why checks fail, proved; what no explanation of holds speaks for itself."""
    desk = agent.desk(RedChecks)
    head = desk.head()
    if head.why_not:
        return f"Not explained: {head.why_not}."
    if not head.checks:
        return explanation.told(head, {}, lambda path, line: "")
    proved = explained(agent, desk, head)
    return explanation.told(head, proved, lambda path, line: desk.address(head, path, line))


def explained(agent: Agent, desk: RedChecks, head: RedHead) -> dict[int, explanation.Explanation]:
    """Return the explanations that hold, by the numbers of their checks."""
    shown = [check.code for check in head.checks if check.text.strip()]
    if not shown:
        return {}
    given = agent.ask(WHY_RED, *shown, returns=Explanations, max_tokens=2048).explanations
    proved, false = desk.prove(head, given)
    if false:
        mended = agent.ask(MEND, false, *shown, returns=Explanations, max_tokens=2048).explanations
        proved, _ = desk.prove(head, [*proved.values(), *mended])
    return proved
