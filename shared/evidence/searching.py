"""The tools with which a model searches before it answers. They read only, and each gives a few
texts, with their numbers."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

from shared.actions import Query
from shared.actions.asking import AskRepository
from shared.actions.github.queries import (
    ReadChecks,
    ReadIssue,
    ReadPull,
    ReadText,
    SearchCode,
    SearchIssues,
)
from shared.actions.slack.heard.queries import SearchSlack
from shared.agent.tools import Tool, tool
from shared.errors import ActionRejected
from shared.events import Event, Json
from shared.evidence.passages import GivenPassage
from shared.evidence.readers import Readers
from shared.evidence.repositories import Repositories
from shared.evidence.standing import issue_text
from shared.marks import is_marked

#: How many texts a search gives, how many comments an issue, and characters of each.
_FOUND, _COMMENTS, _CHARACTERS = 5, 8, 4_000
#: How many texts each of several repositories gives.
_EACH = 3
#: What the search of the memory gives, with the `query`.
RECALL: Json = {"recall": True}
#: How often all tools may be called in one run, and the search of Slack.
_CALLS, _SEARCHES = 8, 2


class Searching:
    """The tools of one run. What they give is kept as JSON: a list of passages, {"none": why}, or
    what is to be recalled, which is a step of its own. Of Slack only addresses and digests are
    kept: its terms allow no more."""

    #: What a flow that uses them has to name in `reads`.
    READS: tuple[type[Query], ...] = ()

    def __init__(
        self,
        event: Event,
        readers: Readers,
        repositories: Repositories,
        read: Callable[[Query], Any],
        token: str,
        *,
        offered: Callable[[bool], bool] = bool,
    ) -> None:
        """With the `token` the agent searches Slack for the person who wrote the event. `offered`
        tells if that is offered, which it was or not in an earlier attempt, or may be now."""
        self._event, self._readers, self._read = event, readers, read
        self._repositories = repositories
        self._token, self._offered = token, offered
        self._calls = self._searches = 0
        #: The repositories that were searched.
        self.looked_into: list[str] = []
        #: The texts of Slack that this process has read, by their passages' refs.
        self.heard: dict[str, str] = {}

    def tools(self) -> list[Tool]:
        """Return the tools that this event has a use for."""
        found: list[Callable[..., str]] = [self.search_memory]
        if self._repositories.connected:
            found += [self.search_issues, self.read_issue, self.pull_status]
            found += [self.search_code, self.read_file]
        if self._offers_slack:
            found.append(self.search_slack)
        return [tool(one) for one in found]

    @cached_property
    def _offers_slack(self) -> bool:
        may = bool(self._token) and not self._event.is_shared
        return self._offered(may and self._readers.see(self._workspace))

    @property
    def _workspace(self) -> str:
        """The audience of what is said in the workspace's public channels."""
        return f"team:{self._event.scope.split(':')[1]}"

    def search_memory(self, query: str) -> str:
        """Recall what the team wrote down or said before, in other words than the question's."""
        return self._given(lambda: RECALL | {"query": query})

    def search_issues(self, words: str, repository: str = "") -> str:
        """Find issues and pull requests on GitHub by words that stand in them: in a `repository`,
        as `owner/name`, or in all that people here see."""

        def found(place: str) -> list[GivenPassage]:
            kinds = (SearchIssues(place, words, kind, _FOUND) for kind in ("issue", "pr"))
            return [self._issue(place, row) for one in kinds for row in self._read(one)["items"]]

        return self._on_github(repository, found)

    def read_issue(self, number: int, repository: str = "") -> str:
        """Read an issue or a pull request on GitHub by its number, with its newest comments."""

        def found(place: str) -> list[GivenPassage]:
            row = self._read(ReadIssue(place, number, _COMMENTS))
            said = (one for one in row["comments"] if not is_marked(one["text"]))
            comments = [self._comment(place, row, at, one) for at, one in enumerate(said)]
            return [self._issue(place, row), *comments]

        return self._on_github(repository, found, one=True)

    def pull_status(self, number: int, repository: str = "") -> str:
        """Tell the status of a pull request: open, merged or closed, and which checks are red."""
        return self._on_github(
            repository, lambda place: [self._status(f"{place}#{number}")], one=True
        )

    def search_code(self, words: str, repository: str = "") -> str:
        """Find files by words in them: in a `repository`, as `owner/name`, or in all that people
        here see. Read one of them before you say what it holds."""

        def found(place: str) -> list[GivenPassage]:
            paths = [one["path"] for one in self._read(SearchCode(place, words, _FOUND))["items"]]
            return [self._file(place, path) for path in paths[:2]]

        return self._on_github(repository, found)

    def read_file(self, path: str, repository: str = "") -> str:
        """Read a text file of a repository's default branch by its path."""
        return self._on_github(repository, lambda place: [self._file(place, path)], one=True)

    def search_slack(self, words: str) -> str:
        """Find messages in the public channels of this Slack workspace."""

        def found() -> list[GivenPassage]:
            self._searches += 1
            if not self._token:
                raise ActionRejected("Slack lets nobody search for this any more")
            if self._searches > _SEARCHES:
                raise ActionRejected("Slack was searched often enough; answer with what there is")
            return self._in_slack(words)

        return self._given(found)

    def again(self) -> Mapping[str, Callable[[Collection[GivenPassage]], Mapping[str, str]]]:
        """Return what reads passages again, by their kind."""
        return {"checks": self._statuses, "slack": self._messages}

    def _statuses(self, wanted: Collection[GivenPassage]) -> Mapping[str, str]:
        places = {one.ref.partition("#")[0] for one in wanted}
        seen = {place for place in places if self._repositories.sees(place)}
        refs = [one.ref for one in wanted if one.ref.partition("#")[0] in seen]
        return {ref: self._status(ref).text for ref in refs}

    def _messages(self, wanted: Collection[GivenPassage]) -> Mapping[str, str]:
        """Search once more for the same words: the app need not be in those channels."""
        found = (one for words in {one.query for one in wanted} for one in self._in_slack(words))
        return {one.ref: one.text for one in found}

    def _in_slack(self, words: str) -> list[GivenPassage]:
        team, channel = self._event.scope.split(":")[1:]
        asking = self._event.message_target
        rows = self._read(SearchSlack(team, channel, words, self._token, _FOUND + 1))
        return [
            GivenPassage.of(
                "slack",
                f"{row['channel']}/{row['ts']}",
                f"#{row['name']} in Slack",
                row["url"],
                row["text"][:_CHARACTERS],
                audience=self._workspace,
                at=time.time(),
                query=words,
            )
            for row in rows
            if not asking or (row["channel"], row["ts"]) != asking[1:]
        ][:_FOUND]

    def _status(self, ref: str) -> GivenPassage:
        repository, _, number = ref.partition("#")
        pull = self._read(ReadPull(repository, int(number), files=1, most=1))
        checks = self._read(ReadChecks(repository, int(number), limit=5, annotations=0))
        state = f"{pull['state']}, draft" if pull["draft"] else pull["state"]
        red = ", ".join(one["name"] for one in checks["failed"])
        told = f"Checks at commit {checks['commit'][:7]}: {checks['state']}"
        counts = f"{checks['red']} red, {checks['waiting']} waiting, {checks['passed']} passed"
        text = f"{pull['title']} ({state})\n\n{told}; {counts}" + (f"\nRed: {red}" if red else "")
        return GivenPassage.of("checks", ref, f"{ref}: status", pull["url"], text, at=time.time())

    def _file(self, repository: str, path: str) -> GivenPassage:
        query = ReadText(repository, path, most=_CHARACTERS)
        found = self._read(query)
        ref = f"{query.repository}:{found['path']}"
        text = found["text"] if found["complete"] else f"{found['text']}…"
        return GivenPassage.of("file", ref, ref, found["url"], text, at=time.time())

    def _issue(self, repository: str, row: Json) -> GivenPassage:
        ref = f"{repository}#{row['number']}"
        text = _cut(issue_text(row["title"], row["state"], row["text"]))
        return GivenPassage.of(
            "issue", ref, f"{ref}: {row['title']}", row["url"], text, at=time.time()
        )

    def _comment(self, repository: str, row: Json, place: int, said: Json) -> GivenPassage:
        ref = f"{repository}#{row['number']}"
        title, text = f"{ref}: {row['title']}", _cut(said["text"])
        name = f"{ref}/{place}"
        return GivenPassage.of("issue", name, title, said["url"], text, at=time.time())

    def _on_github(
        self,
        repository: str,
        found: Callable[[str], list[GivenPassage]],
        *,
        one: bool = False,
    ) -> str:
        """Look into the repository that is named, else into all, or the only `one` that can be
        meant."""

        def given() -> list[GivenPassage]:
            places = self._places(repository, one=one)
            self.looked_into += [place for place in places if place not in self.looked_into]
            if len(places) == 1:
                return found(places[0])
            return [passage for place in places for passage in _tried(found, place)]

        return self._given(given)

    def _places(self, repository: str, *, one: bool) -> list[str]:
        visible, own = self._repositories.visible, self._event.repository
        if not visible:
            raise ActionRejected(
                "not everybody here may see that repository; AUDIENCES can open it"
            )
        listed = ", ".join(visible)
        if repository:
            if not (named := self._repositories.named(repository)):
                raise ActionRejected(f"people here see no such repository, but {listed}")
            return [named]
        if one and len(visible) > 1 and not (own in visible and self._repositories.is_certain):
            raise ActionRejected(f"name the repository: {listed}")
        return [own if own in visible else visible[0]] if one else visible

    def _given(self, found: Callable[[], list[GivenPassage] | Json]) -> str:
        self._calls += 1
        try:
            if self._calls > _CALLS:
                raise ActionRejected("that was searched often enough; answer with what there is")
            given = found()
        except ActionRejected as err:
            given = {"none": str(err)}
        kept = given if isinstance(given, dict) else [self._kept(one) for one in given]
        return json.dumps(kept, ensure_ascii=False)

    def _kept(self, passage: GivenPassage) -> Json:
        """Write a passage for the journal: of Slack without what was said."""
        if passage.kind == "slack":
            self.heard[passage.ref] = passage.text
            passage = passage._replace(text="")
        return passage._asdict()


Searching.READS = (
    AskRepository,
    ReadChecks,
    ReadIssue,
    ReadPull,
    ReadText,
    SearchCode,
    SearchIssues,
)


def _tried(found: Callable[[str], list[GivenPassage]], place: str) -> list[GivenPassage]:
    """Return what one of several repositories holds; what one refuses stops no other."""
    try:
        return found(place)[:_EACH]
    except ActionRejected:
        return []


def _cut(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"
