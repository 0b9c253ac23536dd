"""Answers commands and clicks at the address that came with them, which must be one of Slack's.

The address stands in the request of a command, so it is checked here, where it is called, and no
redirect leads from there to another.
"""

import json
import re
from http.client import HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from shared.actions.slack.errors import border
from shared.errors import ActionRejected
from shared.events import Json

#: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses and
#: https://docs.slack.dev/govslack: where the answers go, by the host of the API.
_HOOKS = {
    "slack.com": "https://hooks.slack.com",
    "slack-gov.com": "https://hooks.slack-gov.com",
}
#: No character of these means a user, a host or a port to any reader of URLs.
_PATH = r"/[A-Za-z0-9/_.~%?=&+-]{1,500}"


class _Staying(HTTPRedirectHandler):
    """Leaves a redirect as the answer."""

    def redirect_request(self, *_: Any) -> None:
        return None


def answer(doing: str, url: str, body: Json, *, api_url: str, timeout: float) -> int:
    """Post `body` to `url` and return the status; raises ActionUnavailable without an answer.

    Raises ActionRejected for an address on another server than that of the API at `api_url`.
    """
    api = urlsplit(api_url)
    root = _HOOKS.get(api.netloc.lower(), f"{api.scheme}://{api.netloc}")
    if not re.fullmatch(re.escape(root) + _PATH, url):
        raise ActionRejected(
            f"slack: could not {doing}: its response_url is not on {root}; nothing was sent"
        )
    headers = {"Content-Type": "application/json;charset=utf-8"}
    request = Request(url, json.dumps(body).encode(), headers, method="POST")
    with border(doing, acts=True):
        try:
            response: HTTPResponse = build_opener(_Staying).open(request, timeout=timeout)
        except HTTPError as err:
            err.close()
            return err.code
        with response:
            return response.status
