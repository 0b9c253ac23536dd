"""Signals by the webhooks that a GitHub sends: people merge, label and close, and the payloads are
those of the sandbox."""

from collections.abc import Iterator

import pytest

from flows.learn import learn
from flows.review import review
from flows.triage import TriageVerdict, triage
from infra.local.sandbox.github import GitHubSandbox
from shared.database import Database
from tests.actions.github.sandbox_issue import SHOP
from tests.flows.test_review import FAULTY
from tests.flows.test_review_delivered import Organisation
from tests.infra.local.conftest import fresh, receiver, sandbox
from tests.infra.local.sandbox.github.receiver import Receiver
from tests.learning.signals.test_github import COMMITTED, told

__all__ = ["fresh", "receiver", "sandbox"]


class Learning(Organisation):
    """An organisation whose webhooks reach what is learnt from, and what learns."""

    def deliver(self) -> None:
        while events := self.arrived():
            for event in events:
                for flow in (triage, review, learn):
                    if event.type in flow.types:
                        self.runner.run(flow, event)


@pytest.fixture
def organisation(
    sandbox: GitHubSandbox, receiver: Receiver, database: Database
) -> Iterator[Learning]:
    sandbox.webhook_url = receiver.url
    yield Learning(sandbox, receiver, database)


def test_a_merge_tells_what_became_of_the_lines(organisation: Learning, database: Database) -> None:
    number = organisation.open({"a.py": FAULTY})
    assert len(organisation.told(number)) == 2
    organisation.push({"a.py": COMMITTED})
    organisation.sandbox.merge_pull_request(SHOP, number)
    organisation.deliver()
    assert told(database) == [
        ("changed_before_merge", 0.75, "review"),
        ("committed", 1.0, "review"),
    ]


def test_a_label_and_a_close_tell_what_triage_was_worth(
    organisation: Learning, database: Database
) -> None:
    sandbox = organisation.sandbox
    for name in ("bug", "question"):
        sandbox.add_label(SHOP, name)
    older = sandbox.open_issue(SHOP, "Pay crashes", "A stack trace")
    organisation.deliver()
    named = f"{SHOP}#{older}"
    organisation.runner.answers(TriageVerdict(("bug",), named, "It crashes again."))
    number = sandbox.open_issue(SHOP, "Pay crashes again", "A stack trace")
    organisation.deliver()
    sandbox.edit_issue(SHOP, number, labels=["question"])
    organisation.deliver()
    found = [(kind, value) for kind, value, _ in told(database)]
    assert ("relabelled", -1.0) in found
    sandbox.edit_issue(SHOP, number, state="closed", state_reason="duplicate")
    organisation.deliver()
    assert ("closed_as_duplicate", 1.0, "triage") in told(database)
