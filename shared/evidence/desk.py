"""EvidenceDesk: gives a conversation its evidence, and lets only what stands be said.

evidence = agent.desk(EvidenceDesk)
answer = agent.converse(PROMPT, agent.recall(event.text), evidence=evidence)
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Self

from shared.actions import Query
from shared.actions.github.queries import ListCommits, ReadSources
from shared.actions.slack.heard.queries import SearchSlack
from shared.agent.context import LONGEST_CODE, Attached, DataBlock, Settled, Shown
from shared.agent.thinking import CUT, CUT_LONG
from shared.agent.tools import Tool
from shared.canonical import canonical, digest
from shared.database import Database, Statement
from shared.desk import Loan
from shared.errors import AgentFlowsError
from shared.events import Event, Json
from shared.evidence.answer import CheckedAnswer, sources
from shared.evidence.gaps import SQL as GAPS
from shared.evidence.gate import Gate, Showing
from shared.evidence.kinds import RULES, asks_for_facts, is_of_proposal
from shared.evidence.passages import GivenPassage, GivenPassages
from shared.evidence.readers import readers_of
from shared.evidence.repositories import Repositories
from shared.evidence.searching import Searching
from shared.evidence.small_talk import is_courtesy, is_talk, states_nothing
from shared.evidence.standing import SourceCheck
from shared.evidence.titles import named_place, titled
from shared.evidence.unknown import directly, heading, here, proposed, unknown, who_may_know
from shared.journal import Outcome
from shared.log import log
from shared.memory import Memory
from shared.memory.attribution import block
from shared.memory.conversations.turns import Turn
from shared.models import ToolCall
from shared.models.offline.similarity import terms
from shared.models.prompts import data
from shared.perception.action_token import lent

#: Stands in place of a text of Slack after a crash: the journal keeps none.
_NOT_KEPT = "[what was said is not kept; search Slack again if you need it]"
_TOOLS_OF = {"search_memory": "memory", "search_slack": "slack"}


class EvidenceDesk:
    """The evidence of one run's answer."""

    #: What a flow that borrows it names in `reads`.
    READS: tuple[type[Query], ...] = (*Searching.READS, ListCommits, ReadSources, SearchSlack)

    rules = RULES

    def __init__(self, loan: Loan) -> None:
        self._loan, self._event = loan, loan.run.event
        self._given = GivenPassages()
        self._readers = readers_of(loan)
        self._searching = Searching(
            self._event,
            self._readers,
            Repositories.lend(loan),
            loan.read,
            lent.get(),
            offered=self._is_slack_offered,
        )
        self._said: tuple[Event, ...] = (self._event,)
        self._nearest: list[Memory] = []
        self._searched = {"memory"}
        #: Another tool than these told the model something, which it may say without a source.
        self._is_told = False
        #: The terms of what the model proposed, which its answer may repeat.
        self._proposed: set[str] = set()
        #: Looks if what came along still stands, by its passage's ref.
        self._came: dict[str, Callable[[], bool]] = {}
        self._standing = SourceCheck(
            self._event,
            self._given,
            self._readers,
            database=loan.services[Database],
            read=loan.read,
            again={**self._searching.again(), "attached": self._came_again},
        )

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def _is_slack_offered(self, now: bool) -> bool:
        """A later attempt offers the same tools, so that it is no other request to the model: the
        sweep brings an event again without its token, and people change their channel."""
        return bool(self._loan.run.step("offers slack", {}, lambda: Outcome(now), defer=True))

    def tools(self) -> list[Tool]:
        """Return the tools with which a model may search for this event's readers."""
        return self._searching.tools()

    def numbered(
        self, context: Iterable[object], turns: Sequence[Turn], said: Sequence[Event]
    ) -> list[object]:
        """Number what the model is shown: the conversation, then each memory of the context. The
        answer is to what people `said`."""
        self._said = tuple(said)
        shown: list[object] = []
        people = [turn.text for turn in turns if turn.role == "user"]
        if people:
            place, url, told = said[0].conversation, said[0].url, "\0".join(people)
            passage = GivenPassage.of("conversation", place, _HERE, url, told)
            number = str(self._given.add(passage))
            shown.append(DataBlock(data("this conversation", "The turns above.", cite=number)))
            self._searched.add("conversation")
        return [*shown, *(one for thing in context for one in self._blocks(thing))]

    def _blocks(self, thing: object) -> list[object]:
        if isinstance(thing, Memory):
            self._nearest.append(thing)
            number = self._given.add(GivenPassage.of_memory(thing, time.time()))
            return [DataBlock(block(thing, cite=str(number)))]
        if isinstance(thing, Attached):
            self._searched.add("attached")
            about = (thing.source, thing.place or self._said[-1].url, thing.text)
            ref = thing.ref or thing.source
            self._came[ref] = thing.stands
            number = self._given.add(GivenPassage.of("attached", ref, *about))
            return [DataBlock(_attached(thing, str(number)))]
        if isinstance(thing, list | tuple) and not hasattr(thing, "_fields"):
            return [one for part in thing for one in self._blocks(part)]
        return [thing]

    def _came_again(self, wanted: Collection[GivenPassage]) -> Mapping[str, str]:
        """Return the texts of what came along and is still so."""
        return {one.ref: one.text for one in wanted if self._came[one.ref]()}

    def shown(
        self,
        call: ToolCall,
        kept: str,
        recall: Callable[[str], list[Memory]],
        *,
        proposes: bool = False,
    ) -> Shown:
        """Show what a tool gave, with numbers. Another flow's own tool gives text, which a model
        may use and cannot cite. One that `proposes` is none to know anything from."""
        if proposes and kept.startswith("error:"):
            return Shown(data(f"result of {call.name}", kept))
        if proposes:
            self._proposed |= self._repeatable(call.arguments) | {*terms(kept)}
            return Shown(data(f"result of {call.name}", kept))
        try:
            given = json.loads(kept)
        except ValueError:
            given = None
        is_search = call.name in {tool.name for tool in self.tools()}
        if not is_search or given is None:
            # A search with wrong arguments does nothing, and gives no leave to say what none found.
            self._is_told = self._is_told or not is_search
            return Shown(data(f"result of {call.name}", kept))
        self._searched.add(_TOOLS_OF.get(call.name, "github"))
        if isinstance(given, dict) and given.get("recall"):
            found = recall(str(given["query"]))
            self._nearest += found
            passages = [GivenPassage.of_memory(one, time.time()) for one in found]
        elif isinstance(given, dict):
            return Shown(data(f"result of {call.name}", f"nothing: {given.get('none', '')}"))
        else:
            passages = [GivenPassage(**row) for row in given]
        return self._as_blocks(call.name, passages)

    def _repeatable(self, arguments: Json) -> set[str]:
        """Return the terms of a proposal that an answer may repeat: of its names and titles, and
        what people said themselves. A longer text is the model's own, and no source."""
        said, found = {*terms(self._question)}, set[str]()
        for value in arguments.values():
            words = {*terms(value if isinstance(value, str) else canonical(value))}
            found |= words if len(words) <= _TITLE else words & said
        return found

    def _as_blocks(self, name: str, passages: Sequence[GivenPassage]) -> Shown:
        if not passages:
            return Shown(data(f"result of {name}", "nothing was found"))
        texts, kept = list[str](), list[str]()
        for one in passages:
            heard = self._searching.heard.get(one.ref, _NOT_KEPT)
            text = heard if one.kind == "slack" else one.text
            number = str(self._given.add(one._replace(text=text)))
            hidden = one.digest if one.kind == "slack" else text
            for to, said in ((texts, text), (kept, hidden)):
                to.append(_result(name, one, said, number))
        return Shown("\n\n".join(texts), "\n\n".join(kept))

    def gate(self, shows: Showing) -> Gate:
        """Return what a growing answer passes before people see it."""
        return Gate(shows, self._answer)

    def settled(self, text: str) -> Settled:
        """Return the answer as people may see it: with its sources, or "I don't know"."""
        text, ending = _without_ending(text)
        answer = self._checked(text, self._answer())
        if answer.is_silent and self._proposed and answer.kind != "unknown":
            told = proposed(self._question)
            return Settled(told, told, self._marked(unanswered=False))
        if answer.is_silent and (is_talk(self._question) or is_courtesy(self._question)):
            told = here(self._question)
            return Settled(told, told, self._marked(unanswered=False))
        if answer.is_silent:
            places = ", ".join(self._searching.looked_into) or self._event.repository
            told = unknown(self._question, self._searched, places, self._names())
            return Settled(told, told, self._marked(unanswered=True))
        text = self._with_sources(answer, ending)
        said = "\n\n".join(filter(None, [answer.plain.strip(), ending]))
        return Settled(text, said, self._marked(unanswered=False))

    def sure(self, text: str) -> str:
        """Check an answer that nobody asked for, and return it with its sources; '' unless each of
        its sentences has some, and each of them stands."""

        def work() -> Outcome:
            asked = CheckedAnswer(self._given, self._standing, asks=True)
            answer = self._checked(text, asked)
            is_sure = text and answer.kind in {"", "facts"} and not answer.is_silent
            is_sure = is_sure and not answer.dropped and not answer.bare
            return Outcome(self._with_sources(answer) if is_sure else "")

        return str(self._loan.run.step("evidence", {"answer": digest(text)}, work, defer=True))

    def _checked(self, text: str, answer: CheckedAnswer) -> CheckedAnswer:
        answer.take(text, ended=True)
        counts = {"cited": len(answer.cited), "failed": len(answer.failed), "left": answer.dropped}
        log("answer checked", run=self._loan.run.id, silent=answer.is_silent, **counts)
        return answer

    def _with_sources(self, answer: CheckedAnswer, ending: str = "") -> str:
        name = partial(named_place, self._loan, directly(self._question))
        listed = sources(titled(answer.cited, name), heading(self._question))
        return "\n\n".join(filter(None, [answer.shown.strip(), ending, listed]))

    @property
    def _question(self) -> str:
        return "\n".join(one.text for one in self._said)

    def _marked(self, *, unanswered: bool) -> list[Statement]:
        """Keep that a question found no answer; an edited one may find it."""
        first = self._said[0]
        if not unanswered and first.id == self._event.id:
            return []
        events = [one.id for one in self._said]
        about = {"conversation": first.conversation, "events": events, "unanswered": unanswered}
        return [Statement(GAPS["mark"], about | {"tenant": self._event.tenant})]

    def _answer(self) -> CheckedAnswer:
        asks = asks_for_facts(self._question) and not self._is_told
        return CheckedAnswer(
            self._given,
            self._standing,
            asks=asks,
            is_free=self._only_proposes,
            is_talk=partial(states_nothing, self._question),
        )

    def _only_proposes(self, text: str) -> bool:
        return bool(self._proposed) and is_of_proposal(text, self._proposed)

    def _names(self) -> list[str]:
        """Name people who may know: authors of what is nearest, else of the newest commits."""
        names = [self._loan.named(f"@{name}").removeprefix("@") for name in self._authors()]
        looked_into = self._searching.looked_into
        if names or not looked_into:
            return names
        try:
            found: Json = self._loan.read(ListCommits(looked_into[0], limit=10))
        except AgentFlowsError as err:
            log("committers not read", run=self._loan.run.id, error=type(err).__name__)
            return []
        committers = (one["author"] for one in found["items"])
        return [name for name in dict.fromkeys(committers) if name and not name.endswith("[bot]")]

    def _authors(self) -> list[str]:
        visible = [one for one in self._nearest if self._readers.see(one.audience)]
        return who_may_know(visible)


#: Terms of a title.
_TITLE = 12
#: The title of the conversation as a source.
_HERE = "Earlier in this conversation"


def _result(name: str, passage: GivenPassage, text: str, number: str) -> str:
    """Show what a tool found; a file, and what Slack gives, is no Markdown."""
    place, markdown = f"{passage.name} {passage.url}", passage.kind not in {"file", "slack"}
    return data(f"result of {name}", text, markdown=markdown, cite=number, place=place)


def _attached(thing: Attached, cite: str) -> str:
    about = {"author": thing.author, "trust": thing.trust, "place": thing.place, "cite": cite}
    return data(thing.source, thing.text, LONGEST_CODE, markdown=False, **about)


def _without_ending(text: str) -> tuple[str, str]:
    """Take off the line that says that an answer was cut off."""
    for line in (CUT, CUT_LONG):
        if text.endswith(line):
            return text.removesuffix(line).rstrip(), line
    return text, ""
