"""Compares this machine's clock with those that judge its signatures: AWS's and GitHub's.

AWS refuses what was signed more than five minutes ago or from now, GitHub an App's token from the
future or for more than ten minutes.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import NamedTuple

#: Seconds that are no matter.
_ALLOWED = 30.0
_TIMEOUT = 10


class Dated(NamedTuple):
    """A server's Date, and between which moments of this clock it was written: when the request
    began and when its answer was there."""

    date: str
    began: float
    ended: float


def difference(dated: Dated, whose: str) -> str:
    """Say how far this clock is from a server's at least; '' when that is no matter."""
    try:
        theirs = parsedate_to_datetime(dated.date).timestamp()
    except ValueError:
        return ""
    ahead = max(0.0, dated.began - theirs) + min(0.0, dated.ended - theirs)
    if abs(ahead) <= _ALLOWED:
        return ""
    side = "ahead of" if ahead > 0 else "behind"
    return (
        f"this machine's clock is {abs(ahead):.0f} s {side} {whose}'s, which refuses what it signs;"
        " set it (timedatectl set-ntp true)"
    )


def of_server(url: str, whose: str, now: Callable[[], float] = time.time) -> str:
    """As `difference`, for a server that has to be asked; also say when it does not answer."""
    import urllib3

    began = now()
    try:
        answer = urllib3.request("GET", url, timeout=_TIMEOUT, retries=False, redirect=False)
    except urllib3.exceptions.HTTPError as err:
        return f"{whose} does not answer at {url} ({type(err).__name__}); check its address"
    return difference(Dated(answer.headers.get("date", ""), began, now()), whose)
