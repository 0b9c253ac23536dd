"""The function `redelivery`: every 15 minutes a turn of the redelivery, without a database.

An outage leaves no traffic to hang a timer on, and may be one of the database. So the schedule
calls this function directly, and all that it needs is GitHub.
"""

import time
from datetime import datetime
from typing import Any

from shared.aws.secrets import function_settings
from shared.events import Json
from shared.github_app.deliveries import DeliveryList
from shared.github_app.redelivery import Redelivery
from shared.log import log

#: Seconds that are left for the report when the function's time ends.
_REPORTING = 15.0


def handler(event: Json, context: Any) -> Json:
    """Do a turn; `event` may say `at` when the schedule wanted it."""
    # Anew for each turn, so that a key that was changed counts from the next.
    settings = function_settings()
    if not settings.github_app_id:
        # The lists of repositories' and organisations' webhooks are for their admins alone.
        log("no GitHub App, so nothing is redelivered")
        return {}
    listed = DeliveryList.of_app(settings)
    try:
        left = context.get_remaining_time_in_millis() / 1000 - _REPORTING
        return Redelivery(listed).turn(context.function_name, _wanted(event), left)._asdict()
    finally:
        listed.close()


def _wanted(event: Json) -> float:
    try:
        return datetime.fromisoformat(str(event["at"])).timestamp()
    except (KeyError, TypeError, ValueError):
        return time.time()
