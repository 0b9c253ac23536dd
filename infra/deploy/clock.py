"""Compares this machine's clock with those that judge its signatures: AWS's and GitHub's.

AWS refuses what was signed more than five minutes ago or from now, GitHub an App's token from the
future or for more than ten minutes.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import urllib3

#: Seconds that are no matter: a date has whole seconds, and an answer takes a moment.
_ALLOWED = 30.0
_TIMEOUT = 10


def difference(date: str, whose: str, now: Callable[[], float] = time.time) -> str:
    """Say how far this clock is from a server's, given as its Date; '' when that is no matter."""
    try:
        ahead = now() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return ""
    if abs(ahead) <= _ALLOWED:
        return ""
    side = "ahead of" if ahead > 0 else "behind"
    return (
        f"this machine's clock is {abs(ahead):.0f} s {side} {whose}'s, which refuses what it signs;"
        " set it (timedatectl set-ntp true)"
    )


def of_server(url: str, whose: str, now: Callable[[], float] = time.time) -> str:
    """As `difference`, for a server that has to be asked; also say when it does not answer."""
    try:
        answer = urllib3.request("GET", url, timeout=_TIMEOUT, retries=False, redirect=False)
    except urllib3.exceptions.HTTPError as err:
        return f"{whose} does not answer at {url} ({type(err).__name__}); check its address"
    return difference(answer.headers.get("date", ""), whose, now)
