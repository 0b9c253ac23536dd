"""Who may see which memories: every pair of audiences, and everything that is none."""

import pytest

from shared.memory.audience import visible_from

AUDIENCES = [
    "public",
    "repo:a/x",
    "repo:a/y",
    "team:T1",
    "team:T2",
    "channel:C1",
    "channel:C2",
    "dm:D1",
    "dm:D2",
]
SEEN_IN_T1 = {
    "public": {"public"},
    "repo:a/x": {"public", "repo:a/x"},
    "repo:a/y": {"public", "repo:a/y"},
    "team:T1": {"public", "team:T1", "channel:C1"},
    "team:T2": {"public", "team:T2"},
    "channel:C1": {"public", "channel:C1", "team:T1"},
    "channel:C2": {"public", "channel:C2", "team:T1"},
    "dm:D1": {"public", "dm:D1", "team:T1"},
    "dm:D2": {"public", "dm:D2", "team:T1"},
}


@pytest.mark.parametrize("memory", AUDIENCES)
@pytest.mark.parametrize("reader", AUDIENCES)
def test_a_memory_shows_only_where_its_source_could_be_read(reader: str, memory: str) -> None:
    assert (memory in visible_from(reader, "slack:T1:C1")) == (memory in SEEN_IN_T1[reader])


@pytest.mark.parametrize("reader", AUDIENCES)
def test_a_reader_of_unknown_place_sees_what_is_public_and_its_own(reader: str) -> None:
    assert visible_from(reader) == {"public", reader}


@pytest.mark.parametrize("source", ["slack:T1", "slack:T1:C1", "slack:T1:D7"])
def test_the_workspace_is_read_from_a_tenant_or_a_scope(source: str) -> None:
    assert visible_from("channel:C1", source) == {"public", "channel:C1", "team:T1"}


@pytest.mark.parametrize("source", ["", "slack", "slack:", "slack::C1", "github:T1", "acme", "T1"])
def test_a_source_that_names_no_workspace_opens_none(source: str) -> None:
    assert visible_from("channel:C1", source) == {"public", "channel:C1"}


def test_a_repository_sees_no_workspace_even_when_slack_is_named() -> None:
    assert visible_from("repo:a/x", "slack:T1") == {"public", "repo:a/x"}


@pytest.mark.parametrize(
    "audience", ["", "private", "repo:", "channel:", "user:U1", "Public", "*", ":"]
)
def test_an_audience_of_no_known_form_sees_only_what_is_public(audience: str) -> None:
    assert visible_from(audience, "slack:T1") == {"public"}
