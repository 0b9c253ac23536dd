"""Reads what links in messages lead to: issues, pull requests, commits and files on GitHub, and
messages in Slack. Everybody who reads the answer must be one who may see it. What cannot be read is
one line that says so."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from shared.actions import Query
from shared.actions.asking import AskRepository
from shared.actions.github.queries import ListCommits, ReadIssue, ReadText
from shared.actions.slack.heard.queries import ReadLinked
from shared.agent.context import Attached
from shared.desk import Loan
from shared.errors import AgentFlowsError
from shared.events import REPOSITORY, Event, Json
from shared.evidence.readers import readers_of
from shared.journal import Outcome
from shared.memory.attribution import person, trust_label
from shared.patterns import lazily
from shared.perception.github import audience_of
from shared.settings import Settings

#: Links of one run, and characters, lines and comments of what one leads to.
_MOST, _CHARACTERS, _LINES, _COMMENTS = 5, 6_000, 200, 10
_URL = lazily(r"https?://[^\s<>|\"'`]{1,2000}")
_MESSAGE = lazily(
    r"https://[\w.-]{1,100}\.slack\.com/archives/([CDG][A-Z0-9]{2,})/p(\d{10})(\d{6})"
    r"(?:\?(?:[^#]*&)?thread_ts=(\d{10}\.\d{6}))?"
)
_PLACE = lazily(
    rf"/(?P<repository>{REPOSITORY})/(?:"
    r"(?:issues|pull)/(?P<number>\d{1,9})(?!\w)|commit/(?P<commit>[0-9a-f]{7,40})(?!\w)"
    r"|blob/(?P<ref>[^/?#]{1,200})/(?P<path>[^?#]{1,500})"
    r"(?:\?[^#]*)?(?:#L(?P<first>\d{1,7})(?:C\d+)?(?:-L(?P<last>\d{1,7}))?)?)"
)


class _Linked(NamedTuple):
    """What a link names, and the queries that its text needs."""

    url: str
    name: str
    repository: str
    query: Query
    lines: tuple[int, int] = (0, 0)


def linked(loan: Loan, said: Sequence[Event]) -> tuple[Attached, ...]:
    """Read what the links in the messages lead to, as a step."""
    found = list({one.name: one for event in said for one in _links(loan, event)}.values())
    if not found:
        return ()
    about = {"links": [one.name for one in found]}
    rows = loan.run.step(
        "read", about, lambda: Outcome([_read(loan, one) for one in found[:_MOST]]), defer=True
    )
    shown = [
        _shown(one, row)._replace(ref=f"link {one.name}", stands=partial(_stands, loan, one, row))
        for one, row in zip(found, rows, strict=False)
    ]
    shown += [_shown(one, {"note": "too many links; not read"}) for one in found[_MOST:][:1]]
    return tuple(shown)


def _links(loan: Loan, event: Event) -> Iterator[_Linked]:
    settings = loan.services[Settings]
    web = _pages_of(settings.github_api_url)
    for url in _URL.findall(event.text):
        if message := _MESSAGE.match(url):
            yield _message(loan, event, url, message)
        elif url.startswith(f"{web}/") and (place := _PLACE.match(_path(url, web))):
            yield _on_github(url, place)


def _path(url: str, web: str) -> str:
    return url[len(web) :].rstrip(".,;:!?)")


def _pages_of(api: str) -> str:
    """Return where the pages of a GitHub are, by the address of its API.

    >>> _pages_of("https://api.github.com"), _pages_of("https://git.acme.test/api/v3")
    ('https://github.com', 'https://git.acme.test')
    """
    parts = urlsplit(api)
    place = parts.netloc
    if re.fullmatch(r"api\.(?:github\.com|[\w-]+\.ghe\.com)", place):
        place = place.removeprefix("api.")
    return f"{parts.scheme}://{place}"


def _message(loan: Loan, event: Event, url: str, found: re.Match[str]) -> _Linked:
    channel, ts = found[1], f"{found[2]}.{found[3]}"
    visible = tuple(sorted(readers_of(loan).visible))
    query = ReadLinked(event.thread, channel, ts, found[4] or ts, visible)
    return _Linked(url, f"Slack message {channel}/{ts}", "", query)


def _on_github(url: str, found: re.Match[str]) -> _Linked:
    repository = found["repository"]
    if found["number"]:
        query: Query = ReadIssue(repository, int(found["number"]), _COMMENTS)
        return _Linked(url, f"{repository}#{found['number']}", repository, query)
    if found["commit"]:
        query = ListCommits(repository, found["commit"], limit=1)
        return _Linked(url, f"{repository}@{found['commit'][:12]}", repository, query)
    first = int(found["first"] or 0)
    last = min(int(found["last"] or first), first + _LINES - 1)
    path = unquote(found["path"])
    query = ReadText(repository, path, unquote(found["ref"]))
    name = f"{repository}/{path}" + (f" lines {first}-{last}" if first else "")
    return _Linked(url, name, repository, query, (first, last))


def _read(loan: Loan, link: _Linked) -> Json:
    """Return what a link leads to; a note when somebody who reads along may not see it."""
    try:
        if not _is_told(loan, link):
            return {"note": "not everybody who reads this may see it"}
        return _told(link, loan.read(link.query))
    except AgentFlowsError:
        return {"note": "I cannot read it from here"}


def _stands(loan: Loan, link: _Linked, row: Json) -> bool:
    """Does it still say so, to everybody who reads the answer?"""
    return _read(loan, link) == row


def _is_told(loan: Loan, link: _Linked) -> bool:
    """May the readers be told what is said there? Of other channels Slack is asked."""
    here, readers = loan.run.event, readers_of(loan)
    if link.repository:
        return readers.see(audience_of(loan.read(AskRepository(link.repository))))
    is_here = isinstance(link.query, ReadLinked) and link.query.channel == here.thread.channel
    return not is_here or readers.see(here.audience)


def _told(link: _Linked, found: Any) -> Json:
    match link.query:
        case ReadLinked():
            return dict(found)
        case ListCommits():
            commits = found["items"]
            said = commits[0] if commits else {}
            return {"text": said.get("message", ""), "author": str(said.get("author") or "")}
        case ReadText():
            return {"text": _lines(found["text"], link.lines)}
    head = f"{found['title']} ({found['kind']}, {found['state']})"
    comments = [f"{one['author']}: {one['text']}" for one in found["comments"]]
    return {"text": "\n\n".join([head, found["text"], *comments]), "author": found["author"]}


def _lines(text: str, asked: tuple[int, int]) -> str:
    """Return the lines that a link names, with their numbers; else the text."""
    first, last = asked
    if not first:
        return text
    lines = text.splitlines()[first - 1 : last]
    return "\n".join(f"{number} {line}" for number, line in enumerate(lines, first))


def _shown(link: _Linked, row: Json) -> Attached:
    text = str(row.get("text") or "")
    cut = f"{text[:_CHARACTERS]}\n[shortened]" if len(text) > _CHARACTERS else text
    shown = cut or f"[{link.name}: {row.get('note') or 'it says nothing'}]"
    author = person(str(row.get("author") or "")) if row.get("author") else ""
    return Attached(f"link {link.name}", shown, author, trust_label("outside"), link.url[:200])
