"""The SDK's client of one workspace: with the bot's token as it stands now, and with the pauses
that Slack asks for, each for one method."""

import time
from collections.abc import Callable
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse, WebClient

from shared.errors import ActionUnavailable
from shared.settings import Credential

#: Slack's errors for a token that is none any more. Nothing happened then.
_REFUSED = {
    *("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"),
    "token_rotated",
}


#: Seconds; Slack asks for a minute at most, for the methods that few calls may be made of.
_LONGEST = 300.0


class BotClient(WebClient):
    """It calls no method before the pause is over that Slack asked for.

    Slack counts calls per method and workspace, so other methods and workspaces go on.
    https://docs.slack.dev/apis/web-api/rate-limits
    """

    credential = Credential("")
    now: Callable[[], float] = time.monotonic

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._paused: dict[str, float] = {}

    def api_call(self, api_method: str, *arguments: Any, **named: Any) -> SlackResponse:
        """Call with the present token, and once more when it is refused and another is there.

        Raises ActionUnavailable while Slack takes no more calls of this method here.
        """
        if (left := self._paused.get(api_method, 0.0) - type(self).now()) > 0:
            raise ActionUnavailable(
                f"slack: {api_method} is rate limited, retry in {left:.0f} s", left, sent=False
            )
        self.token = self.credential.value or self.token
        try:
            return self._called(api_method, *arguments, **named)
        except SlackApiError as err:
            self._heed(api_method, err.response)
            answer = err.response.data if isinstance(err.response.data, dict) else {}
            other = ""
            if answer.get("error") in _REFUSED:
                other = self.credential.renewed(self.token or "")
            if not other:
                raise
            self.token = other
            return self._called(api_method, *arguments, **named)

    def _heed(self, api_method: str, response: SlackResponse) -> None:
        """Remember the pause that Slack asks for."""
        headers = {name.lower(): str(value) for name, value in response.headers.items()}
        after = headers.get("retry-after", "")
        if response.status_code == 429 and after.isdigit():
            self._paused[api_method] = type(self).now() + min(float(after), _LONGEST)

    def _called(self, api_method: str, *arguments: Any, **named: Any) -> SlackResponse:
        response = super().api_call(api_method, *arguments, **named)
        assert isinstance(response, SlackResponse)
        return response
