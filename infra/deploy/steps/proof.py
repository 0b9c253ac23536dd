"""Proves that what is connected delivers: something goes through each platform to our front door,
which answers 200."""

from collections.abc import Callable, Mapping

from infra.deploy.steps import github, slack
from infra.deploy.steps.step import Sitting

_Platform = tuple[Callable[[Sitting], str], Callable[[Sitting], str]]
#: For each platform: what tells why it is left out, and what proves it and says where to say hi.
PLATFORMS: Mapping[str, _Platform] = {
    "GitHub": (github.left, github.prove),
    "Slack": (slack.left, slack.prove),
}


def done(sitting: Sitting) -> str:
    """Tell if nothing is connected."""
    reasons = [left(sitting) for left, _ in PLATFORMS.values()]
    return "" if not all(reasons) else "nothing is connected yet"


def run(sitting: Sitting) -> None:
    hints = [prove(sitting) for left, prove in PLATFORMS.values() if not left(sitting)]
    for hint in hints:
        sitting.say(f"Say hi: {hint}")
