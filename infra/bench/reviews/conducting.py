"""Reviews each case with the flow itself, and takes what would be posted."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import reduce
from hashlib import sha1
from typing import Any

from flows.review import review
from infra.bench.reviews.cases import Case
from infra.bench.reviews.diffs import row_of
from infra.bench.reviews.scores import Reviewed
from shared.actions.github.queries import ListFiles, ReadChange, ReadText, ReadTexts
from shared.agent import Agent
from shared.errors import ActionRejected, AgentFlowsError
from shared.events import Event, Json
from shared.reviewing.asking import found_in
from shared.reviewing.change import ProvedFindings
from shared.reviewing.desk import ReviewDesk
from shared.reviewing.finding import Finding
from shared.reviewing.fitting.sorting import sorted_out
from shared.reviewing.scoring import scored, together
from shared.settings import Settings
from shared.team_settings.keys import ReviewSettings
from shared.testing import FlowRunner, github_event

_REPOSITORY = "bench/cases"
#: Cases that are reviewed at a time; the model layer's limits hold within these.
_AT_ONCE = 8


class ReviewBench:
    """Pull requests in memory, one for each case, and the flow that reviews them with a model."""

    def __init__(self, cases: Sequence[Case], settings: Settings, model: str) -> None:
        """`model` reviews in every role, so its scores are its own."""
        # A bench keeps nothing, and answers from a cache would cost nothing.
        alone = settings._replace(
            model_small=model, model_large=model, model_embed="hashing", footer="off",
            prompt_cache="off", budgets="", max_attempts="1", max_pause_hours="0",
        )  # fmt: skip
        self._runner = FlowRunner(**alone._asdict())
        self._cases = dict(enumerate(cases, 1))
        self._texts = {_commit(case): _texts(case) for case in cases}
        self._posted: dict[int, tuple[Finding, ...]] = {}
        self._unscored: dict[int, tuple[Finding, ...]] = {}
        self._flow = replace(review, function=self._take)
        self._runner.platform.answers |= {
            ReadChange: self._change,
            ReadText: self._text,
            ReadTexts: lambda query: self._texts[query.ref],
            ListFiles: lambda query: [{"path": path} for path in self._texts[query.commit]],
        }

    def conduct(self) -> list[Reviewed]:
        """Review all cases, and return what would be posted about each, in their order."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [*pool.map(self._review, self._cases)]

    @property
    def cost(self) -> float | None:
        """What the calls cost so far, in dollars; None when a price is unknown."""
        costs = [reply.cost for reply in self._runner.model.replies]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    def _review(self, number: int) -> Reviewed:
        case = self._cases[number]
        event = github_event(
            "pull_request.opened", repository=_REPOSITORY, number=number, title=case.title
        )
        try:
            self._runner.run(self._flow, event)
        except AgentFlowsError as err:
            return Reviewed(case, failed=str(err))
        return Reviewed(case, self._posted[number], self._unscored[number])

    def _take(self, event: Event, agent: Agent) -> None:
        """Stands in for the flow: does all that it does, up to the posting."""
        desk, wanted, number = (
            agent.desk(ReviewDesk),
            ReviewSettings(mode="preview"),
            event.issue.number,
        )
        change = desk.change(wanted)
        change = desk.fitted(change, sorted_out(agent, change.reviewable, change.room))
        proved: list[ProvedFindings] = []

        def score(*about: Any) -> ProvedFindings:
            proved.append(about[3])
            return scored(*about)

        found = found_in(agent, desk, change, score=score)
        self._unscored[number] = desk.select(reduce(together, proved), wanted).posted
        self._posted[number] = desk.select(found, wanted).posted

    def _change(self, query: ReadChange) -> Json:
        case = self._cases[query.number]
        pull = {
            "title": case.title, "body": "", "state": "open", "draft": False,
            "user": {"type": "User"}, "base": {"ref": "main"}, "head": {"sha": _commit(case)},
        }  # fmt: skip
        return {"pull": pull, "files": [row_of(file) for file in case.files], "complete": True}

    def _text(self, query: ReadText) -> Json:
        text = self._texts[query.ref].get(query.path)
        if text is None:
            raise ActionRejected(f"there is no text {query.path}")
        return {"text": text, "complete": len(text) <= query.most}


def _texts(case: Case) -> Mapping[str, str]:
    return {file.path: file.after for file in case.files if file.after is not None}


def _commit(case: Case) -> str:
    return sha1(case.id.encode(), usedforsecurity=False).hexdigest()
