"""Makes a payload of what a person wants, or a model in their name: checks that the place is one
of theirs, that what it is about is there, and that a label exists."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from shared.actions.github.actions import ListLabels
from shared.actions.github.queries import ReadIssue, ReadPull
from shared.agent.agent import Agent
from shared.errors import ActionRejected, RequestUnclear
from shared.events import REPOSITORY
from shared.evidence.repositories import Repositories
from shared.patterns import lazily
from shared.proposals.proposal import Proposed

#: What a flow that proposes asks of GitHub; a pull request is read as an issue, with its own right.
READS = (ListLabels, ReadIssue, ReadPull)

#: Characters of a title; GitHub's own limit.
TITLE = 256
_ABOUT = lazily(
    rf"\s*(?:(?:the |this )?(?:issue|pull request|pull|pr|ticket)s?\b)?[\s:]*"
    rf"(?:({REPOSITORY})\s*)?#?(\d{{1,9}})\b[\s,:]*(.*)",
    re.I | re.S,
)
_AT_THE_END = lazily(rf"\s*\b(?:in|on|at|for|to) ({REPOSITORY})\s*[.!]?\s*\Z")
_HIDDEN = (
    "Not everybody here may see {0}, so I show nothing of it here. Whoever runs me can open it with"
    " the setting AUDIENCES."
)
#: What a goal on GitHub names, in several languages.
_ON_GITHUB = lazily(
    r"#\d|\b(?:issues?|tickets?|bugs?|pull[ -]requests?|merge[ -]requests?|prs?|labels?|milestones?"
    r"|repos?|repositor\w+|repositorio|dépôts?|readme|code|codebase|commits?|branch(?:es)?|diffs?"
    r"|assignees?|github|etiketten?|étiquettes?|etiquetas?)\b"
    r"|问题|仓库|代码|提交|标签|拉取请求|リポジトリ|コード|コミット|ラベル|イシュー|プルリク",
    re.I,
)
#: Labels that an answer names.
_NAMED = 30


class SeveralRepositories(RequestUnclear):
    """A request could mean each of these repositories."""

    def __init__(self, choices: Sequence[str]) -> None:
        super().__init__(f"Which repository: {', '.join(choices)}? Name it.")
        self.choices = tuple(choices)


class NamedThing(NamedTuple):
    """An issue or pull request that words name, and what they say of it."""

    repository: str
    number: int
    rest: str


def reference(words: str) -> NamedThing:
    """Read `#12 bug`, `acme/web#12 …` or `PR 12`; raises RequestUnclear."""
    if not (found := _ABOUT.fullmatch(words)):
        raise RequestUnclear("Which issue or pull request? Name it by its number, such as `#12`.")
    return NamedThing(found[1] or "", int(found[2]), found[3].strip())


def elsewhere(words: str) -> tuple[str, str]:
    """Split off the repository that words name at their end, as `… in acme/web`."""
    found = _AT_THE_END.search(words)
    return (words[: found.start()].rstrip(), found[1]) if found else (words, "")


def issue_wanted(agent: Agent, title: str, body: str, repository: str = "") -> Proposed:
    """Return an issue to open."""
    title = " ".join(title.split())
    if not title:
        raise RequestUnclear("What should the issue say? Give it a title.")
    given = {"title": title[:TITLE], "body": body.strip()}
    return Proposed("open issue", placed(agent, repository), given)


def labels_wanted(agent: Agent, number: int, labels: list[str], repository: str = "") -> Proposed:
    """Return labels to add, of those that the repository has."""
    place = placed(agent, repository, number=number)
    known = [str(label["name"]) for label in agent.read(ListLabels(place))]
    chosen = [_label(one, known, place) for one in labels if one.strip()]
    if not chosen:
        raise RequestUnclear(f"Which label? {_offered(known, place)}")
    about = _read(agent, place, number)
    given = {"issue": about["title"], "labels": [*dict.fromkeys(chosen)]}
    return Proposed("add labels", f"{place}#{number}", given, about["url"])


def comment_wanted(agent: Agent, number: int, text: str, repository: str = "") -> Proposed:
    """Return a comment to make on an issue or a pull request."""
    place = placed(agent, repository, number=number)
    if not text.strip():
        raise RequestUnclear("What should the comment say?")
    about = _read(agent, place, number)
    given = {"issue": about["title"], "text": text.strip()}
    return Proposed("comment", f"{place}#{number}", given, about["url"])


def review_wanted(
    agent: Agent, number: int, *, full: bool = False, repository: str = ""
) -> Proposed:
    """Return the review of a pull request."""
    place = placed(agent, repository, number=number, kind="pr")
    about = _read(agent, place, number)
    if about["kind"] != "pr":
        raise RequestUnclear(f"{place}#{number} is an issue; I review pull requests.")
    given = {"pull request": about["title"], "how": "full" if full else "what is new"}
    return Proposed("review", f"{place}#{number}", given, about["url"])


def meant_by(agent: Agent, goal: str) -> list[str]:
    """Return the repositories that a goal may mean, of those that everybody here may see: the ones
    that it names, or all where it is about GitHub and nothing says which. None where the place says
    it, or the goal is about something else."""
    desk = agent.desk(Repositories)
    if agent.event.source != "slack" or desk.is_certain or len(desk.connected) < 2:
        return []
    words = {one.rstrip(".").lower() for one in re.findall(r"[\w./-]+", goal)}
    if named := [one for one in desk.visible if one.lower() in words]:
        return named
    return desk.visible if _ON_GITHUB.search(goal) else []


def plan_wanted(agent: Agent, goal: str) -> Proposed:
    """Return a plan to begin, which goes on in this conversation."""
    if not goal.strip():
        raise RequestUnclear("What should I do? Tell me in steps.")
    return Proposed("plan", "", {"goal": goal.strip()})


def labels_in(words: str, known: list[str]) -> list[str]:
    """Split words into labels: a label may itself have spaces or commas."""
    words = re.sub(r"^(?:as|with|by|to)\s+", "", words.strip().rstrip("."), flags=re.I)
    words = re.sub(r"^(?:the )?labels?\s+", "", words, flags=re.I).strip(" `\"'“”")
    if _folded(words) in {_folded(name) for name in known}:
        return [words]
    parts = re.split(r"\s*(?:,|;|&|\band\b|\bund\b|和|、)\s*", words)
    return [part.strip(" `\"'“”") for part in parts if part.strip(" `\"'“”")]


def known_labels(agent: Agent, repository: str) -> list[str]:
    """Return the names of the labels of a repository that is `placed`."""
    return [str(label["name"]) for label in agent.read(ListLabels(repository))]


def placed(agent: Agent, repository: str, *, number: int = 0, kind: str = "") -> str:
    """Return the repository, if people here may use it: the one that is named, that of their
    channel, or the only one that has an issue of this number (and kind). What has a `number` is
    shown, so everybody here must see where it is. Raises RequestUnclear, SeveralRepositories where
    it could be each of some."""
    own, desk = agent.event.repository, agent.desk(Repositories)
    is_own = bool(own) and repository.lower() == own.lower()
    if number and (is_own or (not repository and desk.is_certain)) and not desk.is_shown(own):
        raise RequestUnclear(_HIDDEN.format(own))  # what people are asked about would tell of it
    if repository:
        if is_own:
            return own
        if named := desk.named(repository):
            return named
        usable = ", ".join(dict.fromkeys(filter(None, [own, *desk.visible])))
        here = f"From here I work on {usable} only." if usable else "From here I work on none."
        raise RequestUnclear(f"{here} Ask where {repository} belongs.")
    if desk.is_certain:
        return own
    choices = [one for one in desk.visible if not number or _has(agent, one, number, kind)]
    choices = choices or desk.visible
    if len(choices) > 1:
        raise SeveralRepositories(choices)
    if not choices:
        raise RequestUnclear(
            "No repository belongs to this channel, so I can do nothing on GitHub from here."
            " Whoever runs me gives it one with the setting REPOSITORIES."
        )
    return choices[0]


def _has(agent: Agent, place: str, number: int, kind: str) -> bool:
    """Does the repository have an issue or pull request of this number?"""
    try:
        found = agent.read(ReadIssue(place, number, comments=0))
    except ActionRejected:
        return False
    return not kind or found["kind"] == kind


def _read(agent: Agent, place: str, number: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = agent.read(ReadIssue(place, number, comments=0))
    except ActionRejected as err:
        raise RequestUnclear(f"I cannot find {place}#{number}.") from err
    return found


def _folded(name: str) -> str:
    """GitHub compares labels without case."""
    return " ".join(name.casefold().split())


def _label(wanted: str, known: list[str], place: str) -> str:
    """Return the label as the repository writes it; raises RequestUnclear with those it has."""
    for name in known:
        if _folded(name) == _folded(wanted):
            return name
    plain = wanted.replace("`", "")[:60]
    raise RequestUnclear(f"{place} has no label `{plain}`. {_offered(known, place)}")


def _offered(known: list[str], place: str) -> str:
    named = ", ".join(f"`{name}`" for name in known[:_NAMED])
    return f"It has {named}." if named else f"{place} has no labels."
