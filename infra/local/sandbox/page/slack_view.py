"""Shows the conversations of the sandbox Slack to the page, as one of its people sees them."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER
from shared.events import Json

#: So many of the newest threads of a conversation are shown.
_THREADS = 40
#: A mention, a channel or a link, as Slack writes them: <@U1>, <#C1|name>, <https://…|label>.
_MENTION = re.compile(r"<@(\w+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#(\w+)(?:\|([^>]*))?>")
_LINK = re.compile(r"<((?:https?|mailto):[^>|\s]+)(?:\|([^>]*))?>")


class SlackView:
    def __init__(self, slack: SlackSandbox) -> None:
        self._slack = slack

    def state(self) -> list[Json]:
        return [self._channel(row) for row in self._slack.workspace.channels.values()]

    def views(self) -> Json:
        """Return the dialogs and the homes that people see, by their ids."""
        users, views = self._slack.workspace.users, self._slack.views
        dialogs = {user: views.dialog(user) for user in users}
        homes = {user: views.home(user) for user in users}
        shown = {"dialogs": dialogs, "homes": homes}
        return {
            name: {user: self._view(view) for user, view in found.items() if view}
            for name, found in shown.items()
        }

    def _view(self, part: Any) -> Any:
        """Put names and links as the page writes them into the formatted texts of a view."""
        if isinstance(part, list):
            return [self._view(one) for one in part]
        if not isinstance(part, dict):
            return part
        if part.get("type") == "mrkdwn":
            return {**part, "text": unescape(_LINK.sub(_link, self._named(part["text"])))}
        return {name: self._view(value) for name, value in part.items()}

    def people(self) -> list[Json]:
        users = self._slack.workspace.users.values()
        return [{"id": u["id"], "name": u["name"]} for u in users if not u["is_bot"]]

    def _channel(self, channel: Json) -> Json:
        threads = [*self._threads(channel["id"]), *self._whispers(channel["id"])]
        threads.sort(key=lambda thread: float(thread["ts"]))
        direct = bool(channel.get("is_im"))
        name = f"@{self._name(channel['user'])}" if direct else f"#{channel['name']}"
        return {
            "id": channel["id"],
            "name": name,
            "direct": direct,
            "user": channel.get("user", ""),
            "prompts": (self._slack.workspace.shown("prompts", channel["id"]) or {}).get(
                "prompts", []
            ),
            "threads": threads[-_THREADS:],
            "older": max(len(threads) - _THREADS, 0),
        }

    def _prompts(self, channel: str) -> list[Json]:
        """Return what the app suggests to say there, each with a title and a message."""
        found = self._slack.workspace.shown("prompts", channel) or {}
        return list(found.get("prompts", []))

    def _threads(self, channel: str) -> Iterator[Json]:
        """Yield a conversation as threads, each a first message with its replies."""
        threads: dict[str, list[Json]] = {}
        for message in self._slack.messages(channel):
            root = str(message.get("thread_ts", message["ts"]))
            shown = self._message(message, self._name(message["user"]))
            threads.setdefault(root, []).append({**shown, "reply": root != message["ts"]})
        for ts, messages in threads.items():
            works = self._slack.session(channel, ts) == "processing"
            status = self._status(channel, ts)
            yield {"ts": ts, "messages": messages, "status": status, "works": works}

    def _whispers(self, channel: str) -> Iterator[Json]:
        """Yield what only one person sees: commands that were typed, and the answers."""
        for row in self._slack.workspace.whispers(channel):
            author = self._name(row["to"] if row.get("typed") else BOT_USER)
            shown = self._message(row, author) | {"only": self._name(row["to"]), "to": row["to"]}
            shown["reply"] = False
            yield {"ts": row["ts"], "messages": [shown], "status": ""}

    def _status(self, channel: str, ts: str) -> str:
        """Return the app's status in a thread as Slack shows it: its loading line, with what it is
        doing; else that its session works."""
        found = self._slack.status(channel, ts)
        lines = [found.get("status", ""), *found.get("loading_messages", ())]
        works = self._slack.session(channel, ts) == "processing"
        return lines[-1] or ("is working…" if works else "")

    def _message(self, message: Json, author: str) -> Json:
        text, kind = self._said(message)
        return {
            "ts": message["ts"],
            "author": author,
            "bot": author == self._name(BOT_USER),
            "text": text,
            "markdown": kind == "markdown",
            "growing": self._slack.workspace.is_growing(message),
            "reactions": [reaction["name"] for reaction in message.get("reactions", [])],
            "buttons": list(_buttons(message)),
            "files": [str(file.get("name", "")) for file in message.get("files", [])],
            "only": "",
        }

    def _said(self, message: Json) -> tuple[str, str]:
        """Return what Slack shows of a message: the texts of its blocks, else its own."""
        blocks = message.get("blocks", [])
        texts = [text for block in blocks for text in _texts(block) if text]
        if any(block["type"] == "markdown" for block in blocks):
            return self._named("\n".join(texts)), "markdown"
        text = "\n".join(texts) or str(message.get("text", ""))
        return unescape(_LINK.sub(_link, self._named(text))), "mrkdwn"

    def _named(self, text: str) -> str:
        """Put names in place of the ids of people and channels."""
        channels = self._slack.workspace.channels
        text = _MENTION.sub(lambda found: f"@{self._name(found[1])}", text)
        return _CHANNEL.sub(
            lambda found: f"#{found[2] or channels.get(found[1], {}).get('name', found[1])}", text
        )

    def _name(self, user: str) -> str:
        found = self._slack.workspace.users.get(user, {})
        return str(found.get("name", user))


def _texts(block: Json) -> Iterator[str]:
    """Yield the texts of a block, which has one, or several fields or elements with one each."""
    if block["type"] == "divider":
        yield "\n---\n"
    if block["type"] in {"actions", "context_actions"}:
        return
    for part in (block, *block.get("fields", ()), *block.get("elements", ())):
        text = part.get("text", "")
        yield text if isinstance(text, str) else str(text.get("text", ""))


def _link(found: re.Match[str]) -> str:
    return f"[{found[2]}]({found[1]})" if found[2] else found[1]


def _buttons(message: Json) -> Iterator[Json]:
    """Yield the buttons under a message, with the emphasis that Slack gives them."""
    for block in message.get("blocks", []):
        if block["type"] == "context_actions":
            yield from _thumbs(block)
        for element in block["elements"] if block["type"] == "actions" else []:
            if element["type"] == "button":
                label = element["text"]["text"]
                style = element.get("style", "")
                yield {"action_id": element["action_id"], "label": label, "style": style}


def _thumbs(block: Json) -> Iterator[Json]:
    """Yield Slack's feedback buttons."""
    for element in block["elements"]:
        for name in ("positive", "negative") if element["type"] == "feedback_buttons" else ():
            label = element[f"{name}_button"]["text"]["text"]
            yield {"action_id": element["action_id"], "label": label, "style": "", "value": name}
