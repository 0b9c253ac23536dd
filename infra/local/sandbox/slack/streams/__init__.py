"""What the app shows while it works: messages that grow, its status in a thread, its session there.

streaming    chat.startStream, appendStream and stopStream, with Slack's end after five minutes
sessions     the status with its loading lines, suggested prompts, titles, and agents.sessions
"""

from collections.abc import Callable, Mapping

from infra.local.sandbox.slack.streams import sessions, streaming
from infra.local.sandbox.slack.workspace import Workspace
from shared.events import Json

METHODS: Mapping[str, Callable[[Workspace, Json], Json]] = {
    **sessions.METHODS,
    **streaming.METHODS,
}
