"""A person who connects a Slack app, and a Slack where that can be done: for tests."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar

import pytest
import urllib3

from infra.apps.person import NobodyThere, Person
from infra.local.sandbox.slack import SlackSandbox
from shared.settings import Settings

#: An answer, or what finds one.
Answer = str | Callable[[], str]


class Died(BaseException):
    """The process was killed here."""


class Typing(Person):
    """Answers each question that begins so. A page that Slack would ask to install on is allowed at
    once, and its address is what the browser ends at."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(asked=False)
        self.is_there = True
        self.answers = dict(answers)
        self.said: list[str] = []
        self.asked_for: list[str] = []
        self.opened: list[str] = []
        self.address = ""

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def say(self, line: str = "") -> None:
        self.said.append(line)

    def ask(self, question: str, proposal: str = "") -> str:
        return self._answer(question) or proposal

    def secret(self, question: str) -> str:
        return self._answer(question)

    def open(self, url: str) -> None:
        self.opened.append(url)
        if "/oauth/v2/authorize" in url:
            answer = urllib3.request("GET", url, redirect=False)
            self.address = answer.headers["Location"]

    def _answer(self, question: str) -> str:
        self.asked_for.append(question)
        for start, answer in self.answers.items():
            if question.startswith(start):
                return answer() if callable(answer) else answer
        raise NobodyThere(f"nobody answers: {question}")


T = TypeVar("T", bound=Typing)


def answering(slack: SlackSandbox, **more: Answer) -> Typing:
    """Return a person who generates a configuration token, and allows the installation."""
    return taught(Typing({}), slack, **more)


def taught(person: T, slack: SlackSandbox, **more: Answer) -> T:
    """Let a person answer so."""
    person.answers = {
        "Refresh token": slack.apps.generate,
        "Its App ID": lambda: next(iter(slack.apps.manifests), ""),
        "Signing Secret": lambda: next(iter(slack.apps.credentials.values()))["signing_secret"],
        "Address": lambda: person.address,
        "Bot token": slack.bot_token,
        "App-level token": slack.app_token,
        "Update": "yes",
        **{name.replace("_", " "): one for name, one in more.items()},
    }
    return person


def settings_of(slack: SlackSandbox, **more: str) -> Settings:
    return Settings(slack_api_url=slack.api_url)._replace(**more)


@contextmanager
def killed_at(number: int, owners: Mapping[type, str]) -> Iterator[list[str]]:
    """Die at the boundary of that number: before each request is sent, after its answer came, and
    after each call of the methods of `owners`. Yields the boundaries passed by."""
    passed: list[str] = []

    def pass_by(what: str) -> None:
        passed.append(what)
        if len(passed) == number:
            raise Died(what)

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ({HTTPConnection: "getresponse"} | dict(owners)).items():
            patch.setattr(owner, name, _around(getattr(owner, name), pass_by, after=True))
        before = _around(HTTPConnection.putrequest, pass_by, after=False)
        patch.setattr(HTTPConnection, "putrequest", before)
        yield passed


def _around(call: Callable[..., Any], pass_by: Callable[[str], None], *, after: bool) -> Any:
    def passing(*arguments: Any, **options: Any) -> Any:
        if not after:
            pass_by(f"before {call.__name__}")
        result = call(*arguments, **options)
        if after:
            pass_by(f"after {call.__name__}")
        return result

    return passing


def files(folder: Path) -> str:
    """The text of all files that the sitting left."""
    return "\n".join(one.read_text("utf-8") for one in folder.rglob("*") if one.is_file())
