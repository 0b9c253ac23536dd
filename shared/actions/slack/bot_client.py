"""The SDK's client with the bot's token as it stands now."""

from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse, WebClient

from shared.settings import Credential

#: Slack's errors for a token that is none any more. Nothing happened then.
_REFUSED = {
    *("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"),
    "token_rotated",
}


class BotClient(WebClient):
    credential = Credential("")

    def api_call(self, api_method: str, *arguments: Any, **named: Any) -> SlackResponse:
        """Call with the present token, and once more when it is refused and another is there."""
        self.token = self.credential.value or self.token
        try:
            return self._called(api_method, *arguments, **named)
        except SlackApiError as err:
            answer = err.response.data if isinstance(err.response.data, dict) else {}
            other = ""
            if answer.get("error") in _REFUSED:
                other = self.credential.renewed(self.token or "")
            if not other:
                raise
            self.token = other
            return self._called(api_method, *arguments, **named)

    def _called(self, api_method: str, *arguments: Any, **named: Any) -> SlackResponse:
        response = super().api_call(api_method, *arguments, **named)
        assert isinstance(response, SlackResponse)
        return response
