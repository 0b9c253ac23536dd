"""Pictures that people upload on GitHub: models that see get them, from GitHub's own hosts alone,
and no token goes there."""

from base64 import b64encode
from collections.abc import Iterator

import pytest

from flows.triage import TriageVerdict, triage
from infra.local.sandbox.github import GitHubSandbox
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.uploads.pictures import is_upload
from shared.events import Actor, Event, Issue
from shared.models import ChatMessage
from shared.testing import FlowRunner
from tests.actions.github.sandbox_issue import SHOP, as_token
from tests.events.made import an_event
from tests.hearing.made_files import PNG

OTHER = PNG[:-20] + b"\0" * 20


@pytest.fixture
def github() -> Iterator[GitHubSandbox]:
    with GitHubSandbox("", "secret") as sandbox:
        yield sandbox


def opened(github: GitHubSandbox, body: str, kind: str = "issues.opened") -> Event:
    number = github.open_issue(SHOP, "The till sticks", body)
    issue = {"title": "The till sticks", "body": body, "number": number}
    return an_event(
        type=f"github.{kind}",
        text=f"The till sticks\n\n{body}" if kind == "issues.opened" else "",
        payload={"issue": issue},
        issue_target=Issue(SHOP, number),
        actor=Actor(str(github.account_id("maria")), "maria", role="owner"),
    )


def triaged(github: GitHubSandbox, event: Event, sees: str = "*") -> ChatMessage:
    """What the model is asked about an issue."""
    runner = FlowRunner(model_sees=sees)
    on_github = GitHubAdapter(as_token(github), timeout=5)
    runner.adapters = lambda wanted: on_github
    runner.answers(TriageVerdict((), None, "The till sticks."))
    assert runner.deliver(triage, event) == []
    return runner.model.asked[-1].messages[-1]


@pytest.mark.parametrize("kind", ["issues.opened", "command.triage"])
@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_model_that_sees_gets_the_pictures(github: GitHubSandbox, kind: str, form: str) -> None:
    written = github.uploads.add("till.png", PNG)
    if form == "html":
        written = f'<img width="10" src="{written.partition("(")[2][:-1]}" />'
    asked = triaged(github, opened(github, f"See {written} here.", kind))
    assert [image.data for image in asked.images] == [b64encode(PNG).decode()]
    assert asked.images[0].media_type == "image/png"
    assert github.uploads.seen == [""]  # no token


def test_a_model_that_does_not_see_is_told_and_nothing_is_fetched(github: GitHubSandbox) -> None:
    event = opened(github, f"See {github.uploads.add('till.png', PNG)}")
    asked = triaged(github, event, sees="")
    assert asked.images == ()
    assert "1 image came with this that cannot be shown to you" in asked.text
    assert github.uploads.seen == []


def test_an_issue_without_pictures_asks_nothing_more(github: GitHubSandbox) -> None:
    event = opened(github, "It sticks.")
    triaged(github, event)
    assert [one for one in github.exchanges() if one.path.endswith("/issues/1")] == []


@pytest.mark.parametrize(
    "body",
    [
        "![x](https://evil.test/x.png)",
        "![x](http://169.254.169.254/latest/meta-data)",
        '<img src="https://github.com.evil.test/user-attachments/assets/1">',
        "![x](file:///etc/passwd)",
    ],
)
def test_pictures_from_elsewhere_are_not_fetched(github: GitHubSandbox, body: str) -> None:
    asked = triaged(github, opened(github, body))
    assert asked.images == ()
    assert github.uploads.seen == []


def test_limits_are_told_in_a_line(github: GitHubSandbox) -> None:
    bodies = [PNG, b"no picture", PNG + b"x" * 4_000_000, OTHER, PNG, PNG, PNG]
    named = [github.uploads.add(f"{n}.png", body) for n, body in enumerate(bodies)]
    asked = triaged(github, opened(github, " ".join(named)))
    assert len(asked.images) == 3
    assert "[1.png: it is no picture]" in asked.text
    assert "[2.png: it is gone, or larger than 3.75 MB]" in asked.text
    assert "[pictures: 2 more are not shown]" in asked.text


@pytest.mark.parametrize(
    ("api", "url", "is_one"),
    [
        (
            "https://api.github.com",
            "https://private-user-images.githubusercontent.com/1?jwt=x",
            True,
        ),
        ("https://api.github.com", "https://user-images.githubusercontent.com/1.png", True),
        ("https://api.github.com", "https://camo.githubusercontent.com/1", False),
        ("https://api.github.com", "https://github.com/user-attachments/assets/1", False),
        ("https://api.github.com", "https://user-images.githubusercontent.com.evil.test/", False),
        ("https://api.github.com", "https://user-images.githubusercontent.com@evil.test/", False),
        ("https://api.github.com", "http://user-images.githubusercontent.com/1.png", False),
        ("https://git.acme.test/api/v3", "https://git.acme.test/user-attachments/assets/1", True),
        ("https://git.acme.test/api/v3", "https://git.acme.test:8443/assets/1", False),
        ("https://git.acme.test/api/v3", "https://user-images.githubusercontent.com/1.png", False),
    ],
)
def test_where_uploads_are(api: str, url: str, is_one: bool) -> None:
    assert is_upload(url, api) is is_one
