"""The least that a slack-bolt app on Lambda does: acknowledge a mention, and in a lazy listener set
the status, ask a model and post its answer.

https://docs.slack.dev/tools/bolt-python/concepts/lazy-listeners
"""

import json
import os
import urllib.request
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_sdk import WebClient

app = App(
    client=WebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]),
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    process_before_response=True,
)


def acknowledge(ack: Ack) -> None:
    ack()


def answer(event: dict[str, Any], client: WebClient) -> None:
    channel, thread = event["channel"], event.get("thread_ts", event["ts"])
    client.assistant_threads_setStatus(channel_id=channel, thread_ts=thread, status="is thinking…")
    client.chat_postMessage(channel=channel, thread_ts=thread, markdown_text=_asked(event["text"]))


def _asked(text: str) -> str:
    body = {"model": "benchmark", "messages": [{"role": "user", "content": text}]}
    request = urllib.request.Request(
        f"{os.environ['MODEL_URL']}/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        said: str = json.load(response)["choices"][0]["message"]["content"]
    return said


app.event("app_mention")(ack=acknowledge, lazy=[answer])
handler = SlackRequestHandler(app).handle
