"""A journal with something in each field, and visits to the console as API Gateway brings them."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg

from shared.database import Database, Statement
from shared.events import Event
from shared.settings import Settings
from shared.web.console.function import Console, build
from shared.web.console.sessions import LIFE, Sessions
from shared.web.console.sign_in import SQL

NOW = 1_800_000_000.0
KEY = "a key of a test, which is long enough"
RUN, OTHER = "a" * 20, "b" * 20
PLAN = "c" * 20


class Visit(NamedTuple):
    status: int
    text: str
    headers: Mapping[str, Any]


class Visits:
    """Somebody's visits; without `role` nobody is signed in, and `local` is this machine."""

    def __init__(
        self,
        url: str,
        role: str = "",
        audiences: tuple[str, ...] = (),
        *,
        tenant: str = "acme",
        local: bool = False,
        **settings: str,
    ) -> None:
        door = "http://127.0.0.1:8080" if local else "https://agents.example"
        self.settings = Settings(
            console_key=KEY, front_door_url=door, tenants="acme=github:acme"
        )._replace(**settings)
        self.database = Database(url)
        self.published: list[Event] = []
        self.now = NOW
        console = Console(self.settings, self.database, self.published.append, lambda: self.now)
        self.app = build(console)
        self.host = "127.0.0.1:8080" if local else "agents.example"
        self.sessions = Sessions(self.settings.credential("console_key"), secure=not local)
        self.session = self.sessions.begin("ada", (tenant,), NOW)
        self.cookie = self.sessions.cookie(self.session).partition(";")[0] if role or local else ""
        if role:
            row: dict[str, object] = {
                "tenant": tenant,
                "session": self.session.hashed,
                "account": "1",
            }
            row |= {"login": "ada", "role": role, "audiences": [*audiences]}
            row |= {"ends": NOW + LIFE}
            sql = SQL["keep"].replace("expires_at < now()", "false")
            self.database.run(tenant, [Statement(sql, row)])

    def get(self, path: str, **headers: str) -> Visit:
        return self._send("GET", path, None, headers)

    def post(self, path: str, *, token: str | None = None, **fields: str) -> Visit:
        given = self.sessions.token(self.session.id) if token is None else token
        return self._send("POST", path, urlencode({"token": given, **fields}), {})

    def _send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Visit:
        where, _, query = path.partition("?")
        fields = dict(part.split("=", 1) for part in query.split("&") if part)
        sent = {"cookie": self.cookie, **headers}
        answer = self.app(
            {
                "resource": "/console/{page+}",
                "path": f"/console/{where}",
                "httpMethod": method,
                "headers": sent,
                "multiValueHeaders": {name: [value] for name, value in sent.items()},
                "queryStringParameters": fields or None,
                "multiValueQueryStringParameters": {k: [v] for k, v in fields.items()} or None,
                "pathParameters": {"page": where},
                "stageVariables": None,
                "requestContext": {
                    "resourcePath": "/console/{page+}",
                    "path": f"/live/console/{where}",
                    "domainName": self.host,
                    "httpMethod": method,
                    "stage": "live",
                },
                "body": body,
                "isBase64Encoded": False,
            },
            None,
        )
        headers = {**answer["headers"], **answer.get("multiValueHeaders", {})}
        return Visit(answer["statusCode"], answer["body"], headers)


def write_journal(url: str, said: str = "a word", tenant: str = "acme") -> None:
    """Write one of each thing that a page shows, with `said` in all that is text."""
    body = _event(said, tenant, "repo:acme/shop")
    with psycopg.connect(url) as connection:
        add = connection.execute
        for run, audience in ((RUN, "repo:acme/shop"), (OTHER, "channel:C1")):
            event = f"github:{run}"
            kept = json.dumps({**body, "id": event, "audience": audience})
            add(
                "insert into events (tenant, id, type, conversation, actor, audience, body)"
                " values (%s,%s,'github.issues.opened',%s,%s,%s,%s)",
                [
                    tenant,
                    event,
                    f"github:acme/shop#1{said}",
                    f"maria{said}".lower(),
                    audience,
                    kept,
                ],
            )
            add(
                "insert into runs (tenant, id, event_id, flow, state, reason, gave_up, finished_at)"
                " values (%s,%s,%s,%s,'failed',%s,true,now())",
                [tenant, run, event, f"triage{said}", said],
            )
            for name, model, given, output, choice in _steps(said):
                add(
                    "insert into steps (tenant, run_id, key, name, input_hash, occurrence, attempt,"
                    " input, output, model, cost, choice, started_at, duration_ms) values"
                    " (%s,%s,%s,%s,'h',0,1,%s,%s,%s,0.5,%s,now(),10)",
                    [tenant, run, name + model, name, given, output, model, choice],
                )
            receipt = json.dumps({"url": f"javascript:alert(1){said}", "id": "1021"})
            add(
                "insert into effects (tenant, key, run_id, flow, tool, target, slot, arguments,"
                " state, receipt, reason, dispatched_at, settled_at)"
                " values (%s,%s,%s,'triage',%s,'acme/shop#1','s',%s,'committed',%s,%s,now(),now())",
                [tenant, run, run, f"Comment{said}", json.dumps({"body": said}), receipt, said],
            )
            add(
                "insert into findings (tenant, id, repository, number, head, run_id, path, line,"
                " severity, category, claim, shape, reason, decided_by, decided_at)"
                " values (%s,%s,%s,1,'h',%s,%s,1,'low','bug',%s,'s',%s,%s,now())",
                [tenant, f"f-{run}{said}", f"acme/shop{said}", run, said, said, said, said],
            )
        _plan(connection, tenant, said)


def _event(said: str, tenant: str, audience: str) -> dict[str, Any]:
    return {
        "type": "github.issues.opened", "source": "github", "tenant": tenant,
        "conversation": f"github:acme/shop#1{said}",
        "actor": ["1", f"Maria{said}", False, "member"],
        "text": said, "url": f"javascript:alert(2){said}", "payload": {"said": said},
        "audience": audience, "depth": 0, "received_at": NOW,
    }  # fmt: skip


def _steps(said: str) -> list[tuple[str, str, str, str, str | None]]:
    block = f'<data source="{said}" author="@{said}" trust="member">\n{said}\n</data>'
    request = {"messages": [{"role": said, "text": block}], "system": said}
    call = {"name": said, "arguments": said}
    memory = {
        "id": f"1234567{said}", "kind": said, "author": said, "trust": said, "audience": said,
        "why": said, "text": said, "url": f"javascript:alert(3){said}", "ref": said,
    }  # fmt: skip
    choice = {"name": said, "options": [said], "chosen": said, "probability": 1.0, "version": 1}
    return [
        ("converse", f"m{said}", json.dumps({"model": said, "request": request}),
         json.dumps({"text": said, "calls": [call]}), json.dumps({"source": said, "saved": 0.1})),
        ("recall", "", "{}", json.dumps([memory]), None),
        ("choice", "", "{}", "{}", json.dumps(choice)),
        ("right", "", json.dumps({"query": said}), json.dumps({"permission": said}), None),
        (f"read{said}", "", json.dumps(said), json.dumps(said), None),
    ]  # fmt: skip


def _plan(connection: psycopg.Connection[Any], tenant: str, said: str) -> None:
    add = connection.execute
    add(
        "insert into plans (tenant, id, event_id, flow, goal, state, version, reason, cancelled_by)"
        " values (%s,%s,%s,'plan',%s,'waiting',1,%s,%s)",
        [tenant, PLAN, f"github:{RUN}", said, said, said],
    )
    for number, waits in (("s1", []), ("s2", ["s1"])):
        step = {"id": number, "tool": said, "goal": said, "depends_on": waits}
        add(
            "insert into plan_steps (tenant, plan_id, id, version, position, step, reason, output)"
            " values (%s,%s,%s,1,1,%s,%s,%s)",
            [tenant, PLAN, number, json.dumps(step), said, json.dumps(said)],
        )
    for version in (1, 2):
        steps = json.dumps([{"id": f"s{version}", "tool": said}])
        add(
            "insert into plan_versions (tenant, plan_id, version, steps) values (%s,%s,%s,%s)",
            [tenant, PLAN, version, steps],
        )
    add(
        "insert into approvals (tenant, plan_id, digest, version, steps, payload, role, said,"
        " decided_by, expires_at) values (%s,%s,%s,1,%s,%s,'member',%s,%s,"
        " now() + interval '1 day')",
        [tenant, PLAN, "d" * 64, ["s1"], json.dumps({"body": said}), said, said],
    )
