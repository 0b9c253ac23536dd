"""A permission may name places besides the one that the event came from."""

import pytest

from shared.actions.policy import Policy
from shared.actions.slack import Channel, Post
from shared.errors import PolicyError

HERE = "github:acme/shop"


def test_a_post_is_allowed_only_where_its_permission_says() -> None:
    policy = Policy([Post.to("#Releases", "C0GENERAL", limit=3)], HERE)
    policy.spend(Post(Channel.named("releases"), "Hello"))
    policy.spend(Post(Channel("C0GENERAL"), "Hello"))
    with pytest.raises(PolicyError, match="Post names slack:#random, but the event came from"):
        policy.spend(Post(Channel("#random"), "Hello"))


def test_at_most_allows_no_channel() -> None:
    with pytest.raises(PolicyError, match="Post names slack:C0GENERAL"):
        Policy([Post.at_most(3)], HERE).spend(Post(Channel("C0GENERAL"), "Hello"))


def test_anywhere_is_still_counted() -> None:
    policy = Policy([Post.anywhere(1)], HERE)
    policy.spend(Post(Channel("#random"), "Hello"))
    with pytest.raises(PolicyError, match="Post may be used 1 times in a run"):
        policy.spend(Post(Channel("#random"), "Hello"))
