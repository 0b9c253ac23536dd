"""Gets the next token of an installation before the present one expires.

A refresh token is good once (https://docs.slack.dev/authentication/using-token-rotation), so of all
functions one gets the next tokens, while the others go on with the present one.
"""

from slack_sdk.errors import SlackTokenRotationError
from slack_sdk.oauth.installation_store import Bot
from slack_sdk.oauth.token_rotation import TokenRotator

from shared.errors import ActionRejected, ActionUnavailable
from shared.installations.store import Installation

#: Slack's errors after which the same refresh token will do nothing again.
_SPENT = {"invalid_refresh_token", "token_revoked", "invalid_auth", "account_inactive"}
#: The SDK asks only for what expires within so many minutes; here that is decided before.
_ANY = 60 * 24 * 365 * 10


def rotate(rotator: TokenRotator, found: Installation) -> Installation:
    """Spend the refresh token for the next tokens.

    Raises ActionRejected when Slack takes it no more, ActionUnavailable when nobody knows.
    """
    bot = Bot(
        bot_token=found.token,
        bot_id="",
        bot_user_id=found.bot_user,
        bot_refresh_token=found.refresh_token,
        bot_token_expires_at=int(found.expires_at),
        installed_at=0.0,
    )
    doing = f"slack: could not get the next token of {found.place}"
    try:
        after = rotator.perform_bot_token_rotation(bot=bot, minutes_before_expiration=_ANY)
    except SlackTokenRotationError as err:
        code = str(err.api_error.response.get("error") or "")
        if code in _SPENT:
            raise ActionRejected(f"{doing}: {code}; install the app there again") from None
        if code in {"bad_client_secret", "invalid_client_id"}:
            raise ActionRejected(
                f"{doing}: {code}; set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET to the app's"
            ) from None
        raise ActionUnavailable(f"{doing}: {code or 'no answer of Slack'}", sent=True) from None
    except (OSError, ValueError, KeyError) as err:
        raise ActionUnavailable(f"{doing}: {type(err).__name__}", sent=True) from None
    if after is None or not after.bot_refresh_token:
        raise ActionRejected(f"{doing}: Slack gave none; install the app there again")
    return found._replace(
        token=after.bot_token,
        refresh_token=after.bot_refresh_token,
        expires_at=float(after.bot_token_expires_at or 0),
        version=found.version + 1,
    )
