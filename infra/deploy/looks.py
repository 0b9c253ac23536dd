"""Wakes what looks after waiting work, at once: after a deployment, a restore or a redrive."""

import time
from collections.abc import Iterable
from typing import Any

from shared.aws.bus import publication
from shared.aws.looks import KINDS, tick
from shared.errors import SettingsError


def wake(sns: Any, stack: str, kinds: Iterable[str] = KINDS) -> None:
    """Publish a look of each kind to the bus of `stack`, with boto3's client `sns`.

    Raises SettingsError when there is no such bus, and botocore's errors.
    """
    end = f":{stack}-events.fifo"
    pages = sns.get_paginator("list_topics").paginate()
    arns = (str(topic["TopicArn"]) for page in pages for topic in page["Topics"])
    topic = next((arn for arn in arns if arn.endswith(end)), None)
    if topic is None:
        raise SettingsError(f"there is no topic {end[1:]}; name the stack that is deployed")
    for kind in sorted(kinds):
        look = tick(kind, now := time.time())
        # Two looks in one second are two: the first may have looked already.
        sns.publish(**publication(topic, look._replace(id=f"{look.type}:{now:.6f}")))
