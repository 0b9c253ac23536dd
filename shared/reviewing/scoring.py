"""A second look at findings that hold: a model scores each, and only what is worth a colleague's
time is posted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from shared.agent import Agent
from shared.agent.context import Code
from shared.errors import AnswerInvalid, ModelRejected
from shared.frozen import frozen
from shared.learning.attention import URGENT
from shared.learning.choices.desk import Choices
from shared.log import log
from shared.models.answers.typed import Between, at_most
from shared.reviewing.change import Change, ProvedFindings
from shared.reviewing.desk import ReviewDesk
from shared.reviewing.finding import Finding, badness
from shared.reviewing.fitting.packing import size_of, written_near

PROMPT = """\
Colleagues will read the findings of a code review that are worth their time. Score each from 0 to
10: 10 is a fault that breaks something as soon as the code runs, 6 one that is worth a change now,
3 one of taste, 0 one that is wrong. Read the lines of the change below each finding: a claim that
they do not bear out is wrong, however sure it sounds. Say why in a few words. Leave out a finding
that you cannot judge."""

#: Scores from which a finding is posted: the first until a policy chooses, for each category. And
#: the score from which the summary tells it.
POSTED, TOLD = (6, 8, 4), 3


@frozen
class Score:
    """What a finding is worth, by its number."""

    finding: Annotated[int, Between(1, 1_000)]
    score: Annotated[int, Between(0, 10)]
    reason: Annotated[str, at_most(200)] = ""


@frozen
class Scores:
    """The scores of the findings."""

    scores: Annotated[tuple[Score, ...], at_most(200)]


def scored(
    agent: Agent, desk: ReviewDesk, change: Change, found: ProvedFindings, name: str = "scores"
) -> ProvedFindings:
    """Return the findings that are worth to be posted, the best of the worst first, with the weak
    ones apart. What is certain is not asked about, and without a valid answer all stay. The record
    of the scores has this `name`."""
    asked = [one for one in found.proved if one not in found.certain]
    shown = [*_fitting(change, asked)]
    if not shown:
        return found
    scores = desk.settled(name, _scores(agent, change, shown))
    if not scores:
        return found
    rated = [(one, scores.get(str(number))) for number, one in enumerate(asked[: len(shown)], 1)]
    posted = _thresholds(agent, change, {one.category for one, _ in rated})
    is_worth = [score is None or score >= posted[one.category] for one, score in rated]
    judged = [*zip(rated, is_worth, strict=True)]
    worth = [_rated(one, score) for (one, score), is_posted in judged if is_posted]
    weak = [one for (one, score), is_posted in judged if not is_posted and _is_told(one, score)]
    rest = asked[len(shown) :]  # found no room, and is of less weight than all of these
    kept = sorted([*(one for one in found.proved if one in found.certain), *worth], key=badness)
    return found._replace(
        proved=tuple(kept),
        weak=(*weak, *rest),
        dropped=len(asked) - len(worth) - len(weak) - len(rest),
    )


def together(one: ProvedFindings, other: ProvedFindings) -> ProvedFindings:
    """Return findings that were scored apart, as if they had been at once."""
    return other._replace(
        proved=tuple(sorted([*one.proved, *other.proved], key=badness)),
        certain=one.certain,
        weak=(*one.weak, *other.weak),
        dropped=one.dropped + other.dropped,
    )


def _scores(agent: Agent, change: Change, shown: Sequence[Code]) -> dict[str, int]:
    """Return the scores by the numbers of the findings; none without a valid answer."""
    ask = partial(agent.ask, returns=Scores, model="large", max_tokens=change.room.answer)
    try:
        answer = ask(PROMPT, *change.about, *shown)
    except (AnswerInvalid, ModelRejected) as err:
        log("findings stay without a score", reason=str(err))
        return {}
    return {str(one.finding): one.score for one in reversed(answer.scores)}


def _thresholds(agent: Agent, change: Change, categories: Iterable[str]) -> dict[str, int]:
    """Choose the score from which findings of each category are posted."""
    choices, here = agent.desk(Choices), {"repository": change.issue.repository}
    return {
        category: choices.choose("threshold", POSTED, {**here, "category": category})
        for category in sorted(categories)
    }


def _is_told(finding: Finding, score: int | None) -> bool:
    """Does the summary tell it? Text in a diff may ask for a score of 0, so what is urgent never
    goes away in silence."""
    return (score or 0) >= TOLD or finding.severity in URGENT


def _rated(finding: Finding, score: int | None) -> Finding:
    return finding if score is None else replace(finding, confidence=score / 10)


def _fitting(change: Change, findings: Sequence[Finding]) -> Iterator[Code]:
    """Yield the findings with the change around them, as many as a call holds."""
    left = change.room.part
    for number, finding in enumerate(findings, 1):
        text = _shown(change, finding)
        left -= size_of(text)
        if left < 0 and number > 1:
            return
        yield Code(f"finding {number}", text)


def _shown(change: Change, one: Finding) -> str:
    diff = next((file for file in change.files if file.path == one.path), None)
    parts = [f"lines {one.first} to {one.last}, {one.severity}, {one.category}", one.claim]
    parts += [one.evidence] if one.evidence else []
    parts += [] if one.suggestion is None else [f"suggestion:\n{one.suggestion}"]
    return "\n".join([*parts, written_near(diff, one.first, one.last) if diff else one.quote])
