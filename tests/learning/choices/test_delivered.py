"""The simulated organisation at a GitHub: people label, close and react over HTTP, its webhooks
reach the flows, the collector keeps what counts, and of that a policy learns what they like."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from urllib3 import request

from flows.triage import PROMPTS, TriageVerdict
from infra.local.sandbox.github import GitHubSandbox
from shared.choosing import Arm
from shared.database import Database, Statement
from shared.learning.choices.examples import Example, read_examples
from shared.learning.choices.trials import Trials
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.versions import PolicyStore
from shared.learning.evaluation.estimators import RewardBounds
from shared.learning.rewards import RewardSum, accepted, dismissed, relabelled
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.conftest import fresh, receiver, sandbox
from tests.infra.local.sandbox.github.receiver import Receiver
from tests.learning.signals.test_delivered import Learning

__all__ = ["fresh", "receiver", "sandbox"]

TENANT, CHOICE = "github:acme", "prompt"
REWARDS = RewardSum((accepted, dismissed, relabelled))
ARMS: tuple[Arm, ...] = (*PROMPTS,)
#: How probable it is that people take what a prompt gave.
TASTES = {"plain": 0.2, "strict": 0.9}
PEOPLE = ("maria", "noor", "li", "sam")


class Delivered(Learning):
    """People open issues, and like what triage makes of them or do not."""

    def __init__(self, sandbox: GitHubSandbox, receiver: Receiver, database: Database) -> None:
        super().__init__(sandbox, receiver, database)
        self.database, self._random = database, random.Random(3)
        for name in PEOPLE:
            sandbox.set_permission(SHOP, name, "write")
        self.taken: list[bool] = []

    def live(self, issues: int, *, brigade: int = 0) -> float:
        for _ in range(issues):
            self._issue(brigade)
        return sum(self.taken[-issues:]) / issues

    def _issue(self, brigade: int) -> None:
        who = PEOPLE[len(self.taken) % len(PEOPLE)]
        self.runner.answers(TriageVerdict(("bug",), None, "Pay crashes."))
        opened = self._do(who, "POST", "", title=f"Pay crashes {len(self.taken)}", body="A trace")
        number = opened["number"]
        self.deliver()
        likes = self._random.random() < TASTES[str(self._arm())]
        self.taken.append(likes)
        [comment] = self._do(who, "GET", f"/{number}/comments")
        for stranger in range(brigade):
            self._do(
                f"outsider{stranger}", "POST", f"/comments/{comment['id']}/reactions", content="-1"
            )
        if likes:
            self._do(who, "POST", f"/comments/{comment['id']}/reactions", content="+1")
        else:
            self._do(who, "PATCH", f"/{number}", labels=["question"])
        self.deliver()
        self._do(who, "PATCH", f"/{number}", state="closed")
        self.deliver()

    def _do(self, who: str, method: str, path: str, **fields: object) -> Any:
        api = f"{self.sandbox.api_url}/repos/{SHOP}/issues{path}"
        token = {"authorization": f"Bearer {self.sandbox.person_token(who)}"}
        sent = {"json": fields} if fields else {}
        answer = request(method, api, headers=token, **sent)  # type: ignore[arg-type]
        assert answer.status < 300, answer.data
        return answer.json()

    def _arm(self) -> Arm:
        return self.examples[-1].arm

    @property
    def examples(self) -> list[Example]:
        return read_examples(self.database, TENANT, "triage", CHOICE, REWARDS)

    @property
    def store(self) -> PolicyStore:
        return PolicyStore(self.database, TENANT, "triage", CHOICE, "ada")

    @property
    def trials(self) -> Trials:
        return Trials(self.store, RewardBounds(REWARDS.low, REWARDS.high), self.examples)

    def likes(self, arm: str) -> float:
        """Return how probable the newest candidate makes an arm here."""
        state = self.store.state()
        assert state and state.candidate
        chances = self.store.versions()[state.candidate].chances
        return chances.of({"repository": SHOP}, ARMS)[ARMS.index(arm)]

    def speakers(self) -> set[str]:
        query = "select distinct actor from signals where weight > 0 and actor is not null"
        [rows] = self.database.run(TENANT, [Statement(query, {})])
        return {row["actor"] for row in rows}


@pytest.fixture
def organisation(
    sandbox: GitHubSandbox, receiver: Receiver, database: Database
) -> Iterator[Delivered]:
    sandbox.webhook_url = receiver.url
    yield Delivered(sandbox, receiver, database)


def test_what_people_do_on_github_turns_the_policy_and_a_brigade_does_not(
    organisation: Delivered,
) -> None:
    fixed = organisation.live(4)
    organisation.trials.make("thompson", Tuning(ARMS, share=0.2))
    organisation.trials.explore(1.0)
    points = []
    for _ in range(2):
        points.append(organisation.live(8))
        organisation.trials.update()
    print(f"fixed {fixed:.2f}: {points}, strict {organisation.likes('strict'):.2f}")
    assert organisation.likes("strict") >= 0.8 and points[-1] >= 1.5 * fixed
    told = [one.reward for one in organisation.examples]
    organisation.live(2, brigade=20)
    organisation.trials.update()
    assert [one.reward for one in organisation.examples][: len(told)] == told
    assert {one.reward for one in organisation.examples[len(told) :]} <= {*told}
    assert organisation.likes("strict") >= 0.8
    known = {str(organisation.sandbox.account_id(name)) for name in PEOPLE}
    assert organisation.speakers() <= known
