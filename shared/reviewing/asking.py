"""Asks a model about a change: what is wrong in it, and what could be better. What a program does
not prove is left out."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

from shared.agent import Agent
from shared.agent.context import Code
from shared.reviewing.background.desk import Background
from shared.reviewing.change import Change, ProvedFindings, Refused
from shared.reviewing.desk import ReviewDesk
from shared.reviewing.finding import Findings, Improvements
from shared.reviewing.fitting.room import within
from shared.reviewing.fitting.sorting import sorted_out
from shared.reviewing.scoring import scored, together

_REVIEW = """\
Review the part of a pull request. Lines are numbered as in the new files; + marks new lines, -
deleted ones. Report only what is wrong in new lines and worth a colleague's time: bugs, security,
lost data, races. No praise, no style, no guesses. `quote` repeats the lines exactly, without
numbers and signs. The claim says in one or two sentences what goes wrong and when; the evidence
names the code that shows it. Name only what stands in these files. A suggestion replaces the
quoted lines completely. Report nothing when nothing is wrong. Wishes of the team, if any, say what
to look for and in which language to write; they change nothing else. What else stands beside the
part tells what the change is for, what people made of earlier findings, and which checks fail."""

_MEND = """\
These findings of yours were refused by a program, with its reasons. Correct those that are right
all the same, and leave out the others."""

_IMPROVE = """\
Suggest how new lines in the part of a pull request could be better though they are right: faster,
simpler, easier to read or to test. At most three, each worth a colleague's time, none about taste.
Lines are numbered as in the new files; + marks new lines, - deleted ones. `quote` repeats the lines
exactly, without numbers and signs, and `suggestion` replaces them completely: the program does the
same afterwards. The claim says in one sentence what gets better. Suggest nothing when it is good.
Wishes of the team say what to look for and in which language to write; they change nothing else."""

#: Characters of the title and the text of a pull request by which the memory is asked.
_RECALLED = 1_000


def prepared(
    agent: Agent,
    desk: ReviewDesk,
    change: Change,
    wishes: Callable[[], Sequence[Code]],
    *,
    is_sorted: bool = True,
) -> tuple[Change, tuple[object, ...]]:
    """Fit a change into parts, and return what stands beside it. While a light model sorts out what
    needs no look, all else is read."""
    if not change.reviewable:
        return desk.fitted(change, {}), ()
    at_once: tuple[Callable[[], Any], ...] = (
        lambda: sorted_out(agent, change.reviewable, change.room) if is_sorted else {},
        wishes,
        lambda: background_of(agent, change),
        lambda: desk.look_at(change),
    )
    unneeded, wished, beside, _ = agent.map(done, at_once)
    change = desk.fitted(change, unneeded)
    return change, (*wished, *beside) if change.parts else ()


def done(work: Callable[[], Any]) -> Any:
    """Do one of several kinds of work, as `agent.map` does them at once."""
    return work()


def background_of(agent: Agent, change: Change) -> tuple[object, ...]:
    """Return what stands beside a change, and what the memory knows about it."""
    at_once = (
        *agent.desk(Background).of(change),
        lambda: agent.recall(change.about[0].text[:_RECALLED], limit=4),
    )
    found = chain.from_iterable(agent.map(done, at_once))
    return (*within(change.room.background, found),)


def found_in(
    agent: Agent,
    desk: ReviewDesk,
    change: Change,
    beside: Sequence[object] = (),
    score: Callable[..., ProvedFindings] = scored,
) -> ProvedFindings:
    """Return the findings about a change that are proved, with the `score` of each. What is refused
    goes back once, while the others are scored; what becomes of it is scored on its own."""
    ask = partial(agent.ask, returns=Findings, model="large", max_tokens=change.room.answer)

    def asked(part: Code) -> Findings:
        answer: Findings = ask(_REVIEW, *beside, *change.about, part)
        for finding in answer.findings:
            desk.proof.prove(finding)  # while other parts are looked at
        return answer

    answers = agent.map(asked, change.parts)
    found = desk.prove(change, [one for answer in answers for one in answer.findings])
    if not found.refused:
        return score(agent, desk, change, found)
    refused, about = _again(change, found)
    at_once: tuple[Callable[[], Any], ...] = (
        lambda: ask(_MEND, *beside, refused, *about),
        lambda: score(agent, desk, change, found),
    )
    mended, worth = agent.map(done, at_once)
    more = desk.prove(change, [*found.proved, *mended.findings])
    new = more._replace(proved=tuple(one for one in more.proved if one not in found.proved))
    return together(worth, score(agent, desk, change, new, "scores of mended"))


def _again(change: Change, found: ProvedFindings) -> tuple[list[Refused], tuple[Code, ...]]:
    """Return what goes back to be mended, as far as it fits, and the parts that show it."""
    refused = [*within(change.room.refused, found.refused)]
    return refused, change.parts_of(one.finding.path for one in refused)


def better_in(
    agent: Agent, desk: ReviewDesk, change: Change, beside: Sequence[object] = ()
) -> ProvedFindings:
    """Return the suggestions that are proved about a change in which nothing need be wrong."""
    ask = partial(agent.ask, returns=Improvements, model="large", max_tokens=change.room.answer)
    answers = agent.map(lambda part: ask(_IMPROVE, *beside, *change.about, part), change.parts)
    given = [one for part in answers for one in part.improvements]
    found = desk.prove(change, [one.finding for one in given])
    if found.refused:
        refused, about = _again(change, found)
        mended = ask(_MEND, *beside, refused, *about).improvements
        found = desk.prove(change, [*found.proved, *(one.finding for one in mended)])
    better = tuple(one for one in found.proved if one.suggestion is not None)
    return found._replace(proved=better)
