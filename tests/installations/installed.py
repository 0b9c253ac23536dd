"""A sandbox Slack with several workspaces, where the app is installed, and the functions' side."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.apps.slack_manifest import manifest
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.installing.tokens import Grant
from shared.actions import Mark
from shared.actions.slack.actions import Reply
from shared.actions.slack.adapter import SlackAdapter
from shared.database import Database
from shared.events import Event, Json, Thread
from shared.installations.credentials import Installations
from shared.installations.store import Installation, InstallationTable
from shared.settings import Settings

KEYS = {name: urlsafe_b64encode(name.encode() * 16).decode() for name in ("k1", "k2")}
ONE, TWO, ORG = "T0ONE", "T0TWO", "E0ORG"


@dataclass
class Installed:
    """`app` is the id of the app that was made in the sandbox."""

    slack: SlackSandbox
    database: Database
    settings: Settings
    app: str

    @property
    def table(self) -> InstallationTable:
        return InstallationTable.of(self.settings, self.database)

    def install(self, place: str, *, rotates: bool = False, lasts: int = 43_200) -> str:
        """Install the app in a workspace or an organisation, and return its token."""
        self.slack.apps.installed.lasts = lasts
        grant = Grant(self.app, place, "chat:write")
        told = self.slack.apps.installed.issue(grant, rotates=rotates)
        expires = self.slack.apps.installed.clock() + lasts if rotates else 0.0
        token = str(told["access_token"])
        refresh = str(told.get("refresh_token", ""))
        tenant = self.table.tenant(place)
        self.table.save(
            Installation(tenant, place, self.app, token, refresh, expires, scopes="chat:write")
        )
        return token

    def adapter(self, database: Database | None = None) -> SlackAdapter:
        """The adapter of another process."""
        return SlackAdapter(self.settings, 5, database=database or self.database)

    def installations(self) -> Installations:
        return Installations.of(self.settings, self.database)


@contextmanager
def installed(database: Database, **settings: str) -> Iterator[Installed]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0) as slack:
        for team in (ONE, TWO):
            slack.neighbours.open(team)
        fresh = slack.apps.call(
            "tooling.tokens.rotate", "", {"refresh_token": slack.apps.generate()}
        )
        made = slack.apps.call(
            "apps.manifest.create",
            str(fresh["token"]),
            {"manifest": json.dumps(manifest("Agent", "https://door.example/live"))},
        )
        given = {
            "slack_api_url": slack.api_url,
            "slack_client_id": made["credentials"]["client_id"],
            "slack_client_secret": made["credentials"]["client_secret"],
            "slack_token_keys": f"k1:{KEYS['k1']}",
        }
        yield Installed(slack, database, Settings(**(given | settings)), str(made["app_id"]))


def said(team: str, ts: str = "1.0", org: str = "", **more: Any) -> Event:
    """Return the event of a message in #general of a workspace."""
    from shared.perception.slack import to_event

    authorization: Json = {"team_id": None if org else team, "enterprise_id": org or None}
    authorization |= {"is_enterprise_install": bool(org), "is_bot": True, "user_id": "U0AGENT"}
    body = {
        "type": "event_callback",
        "team_id": team,
        "enterprise_id": org or None,
        "event_id": f"Ev{team}",
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event": {
            "type": "message",
            "channel": "C0GENERAL",
            "channel_type": "channel",
            "user": "U0ALICE",
            "text": "hi",
            "ts": ts,
        },
    }
    return to_event(json.dumps(body | more).encode(), {}, {}, 1.0)


def reply(adapter: SlackAdapter, event: Event, text: str = "Hello.") -> None:
    thread = event.thread
    assert isinstance(thread, Thread)
    adapter.within(event).perform(Reply(thread, text), Mark(f"k-{text}", "chat", 1), None)
