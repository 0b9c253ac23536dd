"""Which addresses may stay links: those on hosts that the run was shown, not those of a model."""

import pytest

from shared.actions import Action, Mark, Receipt
from shared.actions.effects import Effects
from shared.actions.github.actions import Comment
from shared.actions.links import hosts_in, hosts_of, known_address, link_hosts
from shared.database import Database
from shared.errors import SettingsError
from shared.events import Issue
from shared.journal import Journal, Outcome, Run
from tests.actions.test_effects import World
from tests.events.made import an_event

EVENT = an_event(text="See https://asked.test/x and https://user@named.test")


class Marks(World):
    """Remembers the hosts that it was given."""

    hosts: frozenset[str] = frozenset()

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        self.hosts = mark.hosts
        return super().perform(action, mark, previous)


def a_run(database: Database) -> Run:
    run = Journal(database).claim(EVENT, "triage", 0)
    assert run is not None
    return run


def stepped(run: Run) -> Run:
    turns = {
        "older": [["user", "ada", "https://said.test"], ["assistant", "chat", "https://made.test"]],
        "newest": [],
    }
    run.step("read", {}, lambda: Outcome({"body": "https://read.test/?a=1"}))
    run.step("recall", {}, lambda: Outcome([{"url": "https://recalled.test/"}]))
    run.step("turns", {}, lambda: Outcome(turns))
    run.step("ask", {}, lambda: Outcome("https://invented.test"))
    run.step("converse", {}, lambda: Outcome({"text": "https://invented.test"}))
    return run


def test_a_run_knows_the_hosts_that_it_was_shown_also_in_its_next_attempt(
    database: Database,
) -> None:
    for _ in range(2):
        hosts = hosts_of(stepped(a_run(database)))
        assert hosts >= {"asked.test", "read.test", "recalled.test", "said.test"}
        assert not hosts & {"invented.test", "made.test", "user"}


def test_what_was_read_later_is_not_known_before(database: Database) -> None:
    run, world = a_run(database), Marks()
    effects = Effects(run, lambda _: world, lambda: 60, link_hosts("docs.acme.test"))
    effects.perform(Comment(Issue("acme/shop", 7), "One"))
    assert "read.test" not in world.hosts
    assert "docs.acme.test" in world.hosts
    stepped(run)
    effects.perform(Comment(Issue("acme/shop", 7), "Two"))
    assert "read.test" in world.hosts


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("https://A.test/x http://b.test:81?x", {"a.test", "b.test"}),
        ('{"url":"https://a.test"}', {"a.test"}),
        ("a.test and www.b.test", set()),
        ("<https://a.test|b>", {"a.test"}),
    ],
)
def test_the_hosts_of_a_text(text: str, hosts: set[str]) -> None:
    assert hosts_in(text) == hosts


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("https://a.test", "https://a.test"),
        ("https://a.test:8080/x?y=1&z=2#w), and", "https://a.test:8080/x?y=1&z=2#w"),
        ("https://a.test.", "https://a.test"),
        ("https://a.test@b.test", ""),
        ("https://a.test,b@b.test", ""),
        ("https://a.test:b@b.test", ""),
        ("https://a.test\\@b.test", ""),
        ("https://a.test&commat;b.test", ""),
        ("https://a.test.b.test", ""),
        ("https://a.testb", ""),
        ("https://a.test\u200b.b.test", ""),
        ("https://ａ.test", ""),
        ("ftp://a.test", ""),
        ("//a.test", ""),
    ],
)
def test_an_address_is_known_by_its_whole_host(text: str, known: str) -> None:
    assert text[: known_address(text, 0, {"a.test"})] == known


def test_a_wrong_setting_is_explained() -> None:
    assert link_hosts(" docs.acme.com, *.Acme.dev ") == {"docs.acme.com", "*.acme.dev"}
    with pytest.raises(SettingsError, match=r"LINK_HOSTS has 'https://a.test'; expected hosts"):
        link_hosts("https://a.test")
