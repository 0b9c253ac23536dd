"""A permission may name places besides the one that the event came from."""

from dataclasses import replace

import pytest

from flows.chat import chat
from flows.plan import plan
from shared.actions.github.actions import Comment
from shared.actions.github.queries import SearchIssues
from shared.actions.policy import Places, Policy
from shared.actions.slack.actions import Channel, Post
from shared.agent.flow import Flow
from shared.errors import PolicyError
from shared.events import Issue, Thread, Workplace
from tests.events.made import an_event

HERE = "github:acme/shop"
IN_SLACK = an_event(
    tenant="acme",
    issue_target=None,
    thread_target=Thread("T1", "C1", "1.1"),
    workplace=Workplace("acme/shop", "acme"),
)


def test_a_post_is_allowed_only_where_its_permission_says() -> None:
    policy = Policy([Post.on("#Releases", "C0GENERAL", limit=3)], Places(HERE))
    policy.spend(Post(Channel.named("releases"), "Hello"))
    policy.spend(Post(Channel("C0GENERAL"), "Hello"))
    with pytest.raises(PolicyError, match="Post names slack:#random, but the event came from"):
        policy.spend(Post(Channel("#random"), "Hello"))


def test_at_most_allows_no_channel() -> None:
    with pytest.raises(PolicyError, match="Post names slack:C0GENERAL"):
        Policy([Post.at_most(3)], Places(HERE)).spend(Post(Channel("C0GENERAL"), "Hello"))


def test_anywhere_is_still_counted() -> None:
    policy = Policy([Post.anywhere(1)], Places(HERE))
    policy.spend(Post(Channel("#random"), "Hello"))
    with pytest.raises(PolicyError, match="Post may be used 1 times in a run"):
        policy.spend(Post(Channel("#random"), "Hello"))


def test_plans_reach_into_the_repository_that_belongs_to_the_place_and_no_further() -> None:
    policy = plan.policy(IN_SLACK)
    policy.read(SearchIssues("acme/shop", "login"))
    policy.spend(Comment(Issue("acme/shop", 7), "Hello"))
    with pytest.raises(PolicyError, match="SearchIssues names github:acme/other"):
        policy.read(SearchIssues("acme/other", "login"))
    with pytest.raises(PolicyError, match="Comment names github:acme/other"):
        policy.spend(Comment(Issue("acme/other", 7), "Hello"))


@pytest.mark.parametrize("wider", [chat, replace(chat, may=plan.may), replace(plan, plans=None)])
def test_a_flow_without_plans_that_does_not_reach_for_it_reaches_nowhere(wider: Flow) -> None:
    wider = replace(wider, reaches=False)
    policy = wider.policy(IN_SLACK)
    with pytest.raises(PolicyError, match="but the event came from slack:T1:C1"):
        policy.read(SearchIssues("acme/shop", "login"))
    with pytest.raises(PolicyError):
        policy.spend(Comment(Issue("acme/shop", 7), "Hello"))


def test_chat_reads_the_repository_that_belongs_to_the_place_and_writes_nowhere_there() -> None:
    policy = chat.policy(IN_SLACK)
    policy.read(SearchIssues("acme/shop", "login"))
    with pytest.raises(PolicyError, match="SearchIssues names github:acme/other"):
        policy.read(SearchIssues("acme/other", "login"))
    with pytest.raises(PolicyError):
        policy.spend(Comment(Issue("acme/shop", 7), "Hello"))


def test_another_tenants_repository_is_out_of_reach() -> None:
    event = IN_SLACK._replace(workplace=Workplace("other/web", "other"))
    with pytest.raises(PolicyError, match="SearchIssues names github:other/web"):
        plan.policy(event).read(SearchIssues("other/web", "login"))
