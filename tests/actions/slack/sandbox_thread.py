"""A thread in the sandbox Slack where the adapter's tests reply and react."""

from dataclasses import dataclass

from infra.local.sandbox.slack import SlackSandbox
from shared.actions import Adapter, Mark
from shared.actions.slack.adapter import SlackAdapter
from shared.events import SlackMessage, Thread
from shared.settings import Settings

MARK = Mark("key-1", "chat", 1)


@dataclass
class SandboxThread:
    """A thread in #general to reply in."""

    slack: SlackSandbox
    adapter: Adapter
    thread: Thread

    @property
    def message(self) -> SlackMessage:
        return SlackMessage(*self.thread)

    def replies(self) -> list[str]:
        """The texts of the replies, from their Markdown."""
        posted = self.slack.thread(self.thread.channel, self.thread.ts)[1:]
        return [message["blocks"][0]["text"] for message in posted]


def connect(url: str, token: str = SlackSandbox.bot_token, timeout: int = 5) -> SlackAdapter:
    return SlackAdapter(Settings(slack_bot_token=token, slack_api_url=url), timeout)
