"""What AUDIENCES may open, and what nothing opens: for all readers, places and mappings."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SettingsError
from shared.memory.audience import Grants, grants_from, visible_from

READERS = ["team:T1", "team:T2", "channel:C1", "dm:D1", "org:acme", "repo:acme/x", "repo:acme/*"]
PLACES = ["team:T1", "team:T2", "channel:C1", "channel:C2", "shared:C9", "org:acme", "org:beta"]
PLACES += ["repo:acme/x", "repo:acme/y", "repo:acme/*", "repo:beta/z"]
AUDIENCES = sorted({"public", "dm:D2", "", "user:U1", *READERS, *PLACES})
SOURCES = ["", "slack:T1:C1", "slack:T1", "slack:T2:C1", "github:acme/x"]

grants_of = st.dictionaries(st.sampled_from(READERS), st.frozensets(st.sampled_from(PLACES)))
audiences = st.sampled_from(AUDIENCES)
sources = st.sampled_from(SOURCES)


def granted_to(reader: str, grants: Grants) -> set[str]:
    keys = {reader}
    if reader.startswith("repo:acme/"):
        keys.add("repo:acme/*")
    return {place for key in keys for place in grants.get(key, ())}


@given(audiences, sources, grants_of)
def test_nothing_is_seen_but_what_always_was_and_what_is_granted(
    audience: str, source: str, grants: Grants
) -> None:
    always = visible_from(audience, source)
    _, team, channel = (*source.split(":"), "", "")[:3]
    readers = always & {audience, f"team:{team}", f"channel:{channel}"}
    granted = {place for reader in readers for place in granted_to(reader, grants)}
    assert visible_from(audience, source, grants) <= always | granted
    assert always == {"public", *readers}


@given(audiences, sources, grants_of, grants_of)
def test_a_grant_takes_nothing_away(audience: str, source: str, one: Grants, two: Grants) -> None:
    both = {key: one.get(key, frozenset()) | two.get(key, frozenset()) for key in {*one, *two}}
    seen = visible_from(audience, source, both)
    assert visible_from(audience, source, one) | visible_from(audience, source, two) == seen


@given(st.permutations(["org:acme", "team:T2", "channel:C1", "repo:acme/x"]))
def test_what_is_granted_is_not_granted_on(order: list[str]) -> None:
    chain = {reader: frozenset({place}) for reader, place in pairwise(order)}
    assert visible_from(order[0], "", chain) == {"public", order[0], order[1]}


@given(st.sampled_from(["public", "shared:C9", "", "user:U1", "repo:acme/*"]), sources, grants_of)
def test_what_strangers_read_never_gets_more(audience: str, source: str, grants: Grants) -> None:
    hostile = {**grants, audience: frozenset(PLACES)}
    assert visible_from(audience, source, hostile) <= {"public", audience}


@given(audiences, sources, grants_of)
def test_a_direct_message_is_seen_by_itself_alone(
    audience: str, source: str, grants: Grants
) -> None:
    assert ("dm:D2" in visible_from(audience, source, grants)) == (audience == "dm:D2")


def test_a_workspaces_grants_hold_in_its_channels_and_direct_messages() -> None:
    grants = grants_from('{"team:T1": ["org:acme"], "org:acme": ["repo:acme/x"]}')
    for audience in ("team:T1", "channel:C1", "dm:D1"):
        assert "org:acme" in visible_from(audience, "slack:T1:C1", grants)
        assert "repo:acme/x" not in visible_from(audience, "slack:T1:C1", grants)
    assert "org:acme" not in visible_from("channel:C1", "slack:T2:C1", grants)


def test_an_organisations_grant_covers_no_private_repository() -> None:
    grants = grants_from('{"team:T1": ["org:acme"], "org:acme": ["team:T1"]}')
    assert visible_from("team:T1", "slack:T1", grants) == {"public", "team:T1", "org:acme"}
    assert visible_from("repo:acme/x", "github:acme/x", grants) == {"public", "repo:acme/x"}


@given(grants_of)
def test_the_setting_is_read_as_it_is_written(grants: Grants) -> None:
    assert grants_from(json.dumps({key: sorted(grants[key]) for key in grants})) == grants


@pytest.mark.parametrize(
    "setting",
    [
        "team:T1=org:acme",
        "[]",
        '"team:T1"',
        "null",
        '{"team:T1": "org:acme"}',
        '{"team:T1": {"org:acme": []}}',
        '{"team:T1": [["org:acme"]]}',
        '{"team:T1": [1]}',
        '{"team:T1": ["orgs:acme"]}',
        '{"team:T1": ["acme"]}',
        '{"team:T1": ["org:"]}',
        '{"team:T1": ["*"]}',
        '{"team:T1": ["repo:*"]}',
        '{"team:T1": ["repo:*/*"]}',
        '{"team:T1": ["repo:acme/s*"]}',
        '{"team:T1": ["repo:acme"]}',
        '{"team:T1": ["repo:acme/x\\n"]}',
        '{"team:T1": ["dm:D1"]}',
        '{"team:T1": ["public"]}',
        '{"Team:T1": ["org:acme"]}',
        '{"team:t1": ["org:acme"]}',
        '{"user:U1": ["org:acme"]}',
        '{"": ["org:acme"]}',
        '{"public": ["org:acme"]}',
        '{"shared:C9": ["org:acme"]}',
        '{"shared:C9": []}',
        '{"team:T1": ["org:acme"], "team:T1": ["org:beta"]}',
        '{"org:acme": ["team:T1"], "org:Acme": ["team:T2"]}',
    ],
)
def test_what_is_no_grant_is_a_clear_error(setting: str) -> None:
    with pytest.raises(SettingsError, match="AUDIENCES"):
        grants_from(setting)


@pytest.mark.parametrize("setting", ["", "  ", "{}"])
def test_nothing_is_granted_by_default(setting: str) -> None:
    assert grants_from(setting) == {}
