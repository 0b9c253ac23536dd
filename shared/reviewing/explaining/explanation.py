"""An explanation of a failing check as a model gives it, its proof, and what people read of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from shared.agent.context import Code
from shared.frozen import frozen
from shared.models.answers.typed import Between, at_most
from shared.reviewing.explaining.logs import errors_in
from shared.reviewing.report import in_code, in_one_line, longest_fence

#: Checks that one answer explains.
EXPLAINED = 5
#: Lines of a quote that people are shown.
_QUOTED = 12


@frozen
class Explanation:
    """Why a check fails. `check` is its number. `quote` repeats lines exactly as they are shown:
    the first real error. `path` and `line` say where in the repository to look, if anywhere; `do`
    says what to do about it."""

    check: Annotated[int, Between(1, EXPLAINED)]
    cause: Annotated[str, at_most(600)]
    quote: Annotated[str, at_most(1_500)]
    path: Annotated[str, at_most(400)] | None
    line: Annotated[int, Between(1, 10_000_000)] | None
    do: Annotated[str, at_most(600)]


@frozen
class Explanations:
    """An explanation for each of the checks."""

    explanations: Annotated[tuple[Explanation, ...], at_most(EXPLAINED)]


class RedCheck(NamedTuple):
    """A check that fails: how it `ended`, its page on GitHub if it has one, and what it says, as a
    model is shown it."""

    number: int
    name: str
    ended: str
    url: str
    text: str

    @property
    def code(self) -> Code:
        return Code(f"check {self.number}: {self.name}, which ended as {self.ended}", self.text)


class RedHead(NamedTuple):
    """What fails at the head of a pull request, and how many other checks there are. `why_not` says
    why nobody looked."""

    commit: str
    checks: tuple[RedCheck, ...]
    red: int = 0
    waiting: int = 0
    passed: int = 0
    why_not: str = ""


class FalseExplanation(NamedTuple):
    """An explanation that does not hold, and why."""

    explanation: Explanation
    reason: str


#: Returns the address of a line of a file at the head commit; '' without such a line.
Locate = Callable[[str, int | None], str]


def faults_of(
    explanations: Iterable[Explanation], checks: Sequence[RedCheck]
) -> tuple[dict[int, Explanation], list[FalseExplanation]]:
    """Prove each explanation: its check is there, and what it quotes stands there, character by
    character. Return those that hold, one for each check, and the others."""
    by_number = {check.number: check for check in checks}
    proved: dict[int, Explanation] = {}
    false = []
    for one in explanations:
        if reason := _fault(one, by_number):
            false.append(FalseExplanation(one, reason))
        else:
            proved.setdefault(one.check, one)
    return proved, false


def _fault(one: Explanation, checks: Mapping[int, RedCheck]) -> str:
    check = checks.get(one.check)
    if check is None:
        return f"there is no check {one.check}"
    if not one.quote.strip():
        return "the quote is empty; repeat the lines of the first real error"
    if one.quote.strip("\n") not in check.text:
        return f"check {one.check} does not say what is quoted; repeat it character by character"
    return "" if one.cause.strip() else "the cause is empty"


def told(head: RedHead, proved: Mapping[int, Explanation], locate: Locate) -> str:
    """Return what people read: for each failing check its cause with the lines that show it; where
    no explanation holds, what the check itself says first."""
    if not head.checks:
        return _green(head)
    total = head.red + head.waiting + head.passed
    verb = "checks fail" if head.red > 1 else "check fails"
    begin = f"**Why `{head.commit[:7]}` is red:** {head.red} of {total} {verb}."
    parts = [begin]
    for check in head.checks:
        parts.append("\n\n".join(_lines_about(check, proved.get(check.number), locate)))
    if (more := head.red - len(head.checks)) > 0:
        parts.append(f"{more} more {'fail' if more > 1 else 'fails'} and not looked at.")
    if head.waiting:
        parts.append(_waiting(head.waiting))
    return "\n\n".join(parts)


def _green(head: RedHead) -> str:
    commit = f"`{head.commit[:7]}`"
    if not head.waiting + head.passed:
        return f"Nothing is red: {commit} has no checks."
    waiting = f" {_waiting(head.waiting)}" if head.waiting else ""
    noun = "check has" if head.passed == 1 else "checks have"
    return f"Nothing is red: no check of {commit} fails, and {head.passed} {noun} passed.{waiting}"


def _waiting(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'} still under way."


def _lines_about(check: RedCheck, why: Explanation | None, locate: Locate) -> Iterator[str]:
    page = f" ([its page]({check.url}))" if check.url else ""
    yield f"**{in_code(check.name)}** ended as {check.ended}{page}."
    if why is None:
        if not check.text.strip():
            yield "It says nothing that I can read; its page may tell more."
            return
        yield "The model gave no cause that could be proved. The check itself says first:"
        yield _fenced(_first_words(check.text))
        return
    yield in_one_line(why.cause)
    yield _fenced(why.quote.strip("\n"))
    if why.path and (address := locate(why.path, why.line)):
        at = f":{why.line}" if why.line else ""
        yield f"Where to look: [{in_code(why.path + at)}]({address})"
    if why.do.strip():
        yield f"**What to do:** {in_one_line(why.do)}"


def _first_words(text: str) -> str:
    """Return the first error of a text, else its first lines."""
    lines = text.split("\n")
    errors = errors_in(lines)
    if not errors:
        return "\n".join(lines[:3])
    return "\n".join(lines[errors[0].first : errors[0].last + 1][-_QUOTED:])


def _fenced(text: str) -> str:
    lines = text.split("\n")
    shown = "\n".join([*lines[:_QUOTED], *(["…"] if len(lines) > _QUOTED else [])])
    fence = "`" * max(3, longest_fence(shown) + 1)
    return f"{fence}text\n{shown}\n{fence}"
