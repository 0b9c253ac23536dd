"""Memory follows its sources: places that are renamed, transferred, made private or deleted, and
texts that are edited or deleted."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from flows.background.uninstall import uninstall
from flows.chat import chat
from flows.ingest import ingest
from flows.triage import triage
from shared.actions.slack.actions import Reply
from shared.agent.flow import Flow
from shared.database import Statement
from shared.events import Event, Json
from shared.memory import Entry
from shared.memory.control.following import INSTEAD
from shared.memory.conversations.turns import Conversations, Origin, Turn
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore
from shared.perception import github, slack
from shared.testing import FlowRunner
from tests.memory.control.table_text import table_text

CASES = Path(__file__).parents[2] / "events" / "cases"
TENANTS = {"github:acme": "acme", "github:acme-labs": "acme", "slack:T1": "acme"}
WEB = "https://github.example"
NUMBERS = count(1)
CLOCK = count(1_700_000_000)


@pytest.fixture
def runner(runner: FlowRunner) -> FlowRunner:
    return FlowRunner(runner.database, tenants="acme=github:acme,github:acme-labs,slack:T1")


def steps(case: str) -> list[Json]:
    (file,) = CASES.glob(f"{case}-*.json")
    found: list[Json] = json.loads(file.read_text("utf-8"))["steps"]
    return found


def told(name: str, payload: Json, at: float = 0.0) -> Event:
    headers = {"x-github-event": name, "x-github-delivery": f"d{next(NUMBERS)}"}
    at = at or float(next(CLOCK))
    return github.to_event(json.dumps(payload).encode(), headers, TENANTS, at)


def follow(runner: FlowRunner, *case: Json) -> None:
    for step in case:
        assert runner.deliver(uninstall, told(step["event"], step["payload"])) == []


def remember(runner: FlowRunner, text: str, place: str, **changes: Any) -> None:
    name = place.partition(":")[2]
    about: Json = {"kind": "fact", "ref": f"{place}#{text}", "audience": "public", "source": place}
    about |= {"url": f"{WEB}/{name}/issues/7#issuecomment-1"} | changes
    store = MemoryStore(runner.database, HashingEmbedder())
    runner.database.run("acme", store.remember_all("acme", [Entry(text, **about)]))


def memories(runner: FlowRunner, *columns: str) -> list[tuple[Any, ...]]:
    names = columns or ("source", "audience")
    asked = f"select {', '.join(names)} from memories order by text, source"
    [rows] = runner.database.run("acme", [Statement(asked, {})])
    return [tuple(row[name] for name in names) for row in rows]


def repository(name: str, number: int = 5001, *, private: bool = False) -> Json:
    owner = {"login": name.partition("/")[0], "id": 77, "type": "Organization"}
    about = {"id": number, "name": name.partition("/")[2], "full_name": name, "owner": owner}
    return about | {"private": private, "default_branch": "main"}


MARIA = {"id": 11, "login": "maria", "type": "User"}


def issue(name: str, number: int, body: str, **more: Any) -> Json:
    about = {"id": 9000 + number, "number": number, "title": "Staging", "body": body}
    about |= {"html_url": f"{WEB}/{name}/issues/{number}", "user": MARIA, "labels": []}
    about |= {"author_association": "MEMBER"}
    shown = {"issue": about, "repository": repository(name), "sender": MARIA}
    return {"action": "opened"} | shown | more


#: What reviews keep of a repository.
OF_REVIEWS = ("findings", "reviewed_commits")
FINDINGS = (
    "insert into findings (tenant, id, repository, number, head, run_id, path, line, severity,"
    " category, claim, shape, state) values ('acme', 'f-1', 'acme/shop', 7, 'c1', 'r1', 'a.py', 1,"
    " 'low', 'bug', 'It leaks.', 'a = 1', 'posted')",
    "insert into reviewed_commits (tenant, repository, number, base, head, run_id)"
    " values ('acme', 'acme/shop', 7, 'main', 'c1', 'r1')",
)

# Repositories and their owners


def test_a_renamed_repository_takes_its_memory_along_and_to_its_end(runner: FlowRunner) -> None:
    renamed, privatized, deleted = steps("16")
    remember(runner, "We deploy on Tuesdays.", "github:acme/shop")
    remember(runner, "Elsewhere.", "github:acme/shop-two")
    follow(runner, renamed)
    here = ("github:acme/store", "public")
    other = ("github:acme/shop-two", "public")
    assert memories(runner) == [other, here]
    ref, url = memories(runner, "ref", "url")[1]
    assert ref == "github:acme/store#We deploy on Tuesdays."
    assert url == f"{WEB}/acme/store/issues/7#issuecomment-1"
    follow(runner, privatized)
    assert memories(runner) == [other, ("github:acme/store", "repo:acme/store")]
    follow(runner, deleted)
    assert memories(runner) == [other]


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0), (2, 0), (1, 2), (2, 1, 0)])
def test_the_steps_may_come_in_any_order(runner: FlowRunner, order: tuple[int, ...]) -> None:
    case = steps("16")
    runner.deliver(triage, told("issues", issue("acme/shop", 2, "It says hunter2.")))
    assert memories(runner) == [("github:acme/shop", "public")]
    follow(runner, *(case[number] for number in order))
    found = [] if 2 in order else [("github:acme/store", "repo:acme/store")]
    assert memories(runner) == found


@pytest.mark.parametrize(
    ("step", "first"), [(0, "acme/vault"), (1, "acme/vault"), (1, "acme/ledger")]
)
def test_a_transferred_repository_is_forgotten_by_whom_it_leaves(
    runner: FlowRunner, step: int, first: str
) -> None:
    opened = issue(first, 1, "The key is under the mat.")
    opened["repository"]["id"] = 5002
    runner.deliver(triage, told("issues", opened))
    remember(runner, "We deploy on Tuesdays.", "github:acme/shop")
    remember(runner, "Another.", f"github:{first}")
    follow(runner, steps("17")[step])
    assert memories(runner) == [("github:acme/shop", "public")]
    assert "under the mat" not in table_text(runner.database, "events", tenant="acme")


def test_a_repository_that_goes_to_another_owner_of_the_tenant_moves(runner: FlowRunner) -> None:
    remember(runner, "We deploy on Tuesdays.", "github:acme/vault", audience="repo:acme/vault")
    old = {"owner": {"from": {"organization": {"login": "acme"}}}}
    payload = {"action": "transferred", "changes": old, "sender": MARIA}
    moved = payload | {"repository": repository("acme-labs/vault", private=True)}
    follow(runner, {"event": "repository", "payload": moved})
    assert memories(runner) == [("github:acme-labs/vault", "repo:acme-labs/vault")]


@pytest.mark.parametrize("name", ["organization", "installation_target"])
@pytest.mark.parametrize("now", ["acme-labs", "globex"])
def test_an_organisation_that_is_renamed(runner: FlowRunner, name: str, now: str) -> None:
    remember(runner, "A", "github:acme/shop", audience="repo:acme/shop")
    remember(runner, "B", "github:acme", audience="org:acme", url=f"{WEB}/acme")
    account = {"organization": {"login": now}} if name == "organization" else {}
    account |= {"account": {"login": now}} if not account else {}
    payload = {"action": "renamed", "changes": {"login": {"from": "acme"}}, "sender": MARIA}
    follow(runner, {"event": name, "payload": payload | account})
    kept = [("github:acme-labs/shop", "repo:acme-labs/shop"), ("github:acme-labs", "org:acme-labs")]
    assert memories(runner) == (kept if now == "acme-labs" else [])


def test_an_organisation_that_is_its_own_tenant_stays_one(runner: FlowRunner) -> None:
    store = MemoryStore(runner.database, HashingEmbedder())
    about: Json = {"kind": "fact", "source": "github:solo/shop", "audience": "repo:solo/shop"}
    texts = [f"Fact {number}" for number in range(450)]
    entries = [Entry(text, ref=f"solo/shop#{text}", **about) for text in texts]
    block = (
        "insert into memory_blocks (tenant, by, value, grounds, audiences)"
        " values ('github:solo', 'ref', 'solo/shop#3', 'github:solo/shop', '{repo:solo/shop}')"
    )
    kept = store.remember_all("github:solo", entries)
    runner.database.run("github:solo", [*kept, Statement(block, {})])
    payload = {"action": "renamed", "changes": {"login": {"from": "solo"}}, "sender": MARIA}
    event = told("organization", payload | {"organization": {"login": "duo"}})
    assert event.tenant == "github:solo"
    assert runner.deliver(uninstall, event) == []
    asked = "select source, audience, ref from memories order by ref"
    assert runner.database.run("github:solo", [Statement(asked, {})]) == [[]]
    [rows] = runner.database.run("github:duo", [Statement(asked, {})])
    assert len(rows) == 450
    moved = ("github:duo/shop", "repo:duo/shop", "duo/shop#Fact 0")
    assert tuple(rows[0].values()) == moved
    [[blocked]] = runner.database.run(
        "github:duo", [Statement("select value, grounds from memory_blocks", {})]
    )
    assert blocked == {"value": "duo/shop#3", "grounds": "github:duo/shop"}


def test_an_archived_repository_is_remembered(runner: FlowRunner) -> None:
    remember(runner, "A", "github:acme/shop")
    archived = {"action": "archived", "repository": repository("acme/shop"), "sender": MARIA}
    runner.deliver(uninstall, told("repository", archived))
    assert memories(runner) == [("github:acme/shop", "public")]


def test_documents_conversations_and_blocks_move_too(runner: FlowRunner) -> None:
    insert = (
        "insert into memory_files (tenant, source, kind, path, hash, passages) values"
        " ('acme', 'github:acme/shop', 'document', 'a.md', 'h', '{\"acme/shop:a.md#1\": \"d\"}')",
        "insert into memory_sources (tenant, source, audience, head)"
        " values ('acme', 'github:acme/shop', 'public', 'c1')",
        "insert into memory_blocks (tenant, by, value, grounds, audiences)"
        " values ('acme', 'ref', 'acme/shop#3', 'github:acme/shop', '{repo:acme/shop}')",
        *FINDINGS,
    )
    remember(runner, "Doc", "github:acme/shop", kind="document", ref="acme/shop:a.md#1")
    turn = Conversations(runner.database).append(
        "acme",
        "github:acme/shop#7",
        Turn("user", "maria", "Hello"),
        "e1",
        Origin(f"{WEB}/acme/shop/issues/7", "public", "github:acme/shop"),
    )
    runner.database.run("acme", [*(Statement(sql, {}) for sql in insert), turn])
    renamed = steps("16")[0]
    follow(runner, renamed, renamed)
    tables = ("memories", "memory_files", "memory_sources", "turns", *OF_REVIEWS)
    for table in tables:
        held = table_text(runner.database, table, tenant="acme")
        assert "acme/store" in held, table
        assert "acme/shop" not in held, table
    assert memories(runner, "ref") == [("acme/store:a.md#1",)]
    remember(runner, "Forgotten", "github:acme/store", ref="acme/store#3")
    remember(
        runner, "Kept out", "github:acme/store", ref="acme/store#3", audience="repo:acme/store"
    )
    assert memories(runner, "text") == [("Doc",), ("Forgotten",)]


def test_what_reviews_found_goes_with_its_repository(runner: FlowRunner) -> None:
    runner.database.run("acme", [Statement(sql, {}) for sql in FINDINGS])
    deleted = steps("16")[2]
    elsewhere = Statement(FINDINGS[0].replace("shop", "shop-two").replace("'f-1'", "'f-2'"), {})
    runner.database.run("acme", [elsewhere])
    follow(runner, steps("16")[0], deleted)
    held = table_text(runner.database, "findings", tenant="acme")
    assert "f-2" in held and "f-1" not in held
    assert "acme/" not in table_text(runner.database, "reviewed_commits", tenant="acme")


def test_where_the_new_name_has_a_memory_that_is_the_newer_one(runner: FlowRunner) -> None:
    remember(runner, "old", "github:acme/shop", ref="acme/shop#7", kind="issue")
    remember(runner, "new", "github:acme/store", ref="acme/store#7", kind="issue")
    follow(runner, steps("16")[0])
    assert memories(runner, "text", "ref") == [("new", "acme/store#7")]


# What is kept only after a change


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_is_kept_late_follows_as_well(runner: FlowRunner, number: int, late: bool) -> None:
    case = steps("16")
    follow(runner, *case[: number + 1])
    name = "acme/shop" if late else "acme/store"
    opened = issue(name, 2, "It says hunter2.")
    at = 1_600_000_000.5 if late else 1_800_000_000.5
    runner.deliver(triage, told("issues", opened, at))
    store = "github:acme/store"
    kept = (
        [[(store, "public")], [(store, "repo:acme/store")], []][number]
        if late
        else [(store, "public")]
    )
    assert memories(runner) == kept


def test_turns_that_are_kept_late_follow_as_well(runner: FlowRunner) -> None:
    question = said("What is the password?")
    runner.deliver(uninstall, deleted(question, at=1_900_000_000.5))
    runner.deliver(chat, question)
    assert table_text(runner.database, "turns", tenant="acme") == ""


# Issues and comments


def test_an_edited_issue_is_replaced_and_a_deleted_one_forgotten(runner: FlowRunner) -> None:
    edited, gone, _ = steps("18")
    opened = issue("acme/shop", 2, "The staging password is hunter2-zebra.")
    runner.deliver(triage, told("issues", opened))
    remember(runner, "hunter2-zebra it is", "github:acme/shop", url=f"{WEB}/acme/shop/issues/2")
    remember(runner, "Staging is slow.", "github:acme/shop")
    follow(runner, edited)
    assert "hunter2-zebra" not in table_text(runner.database, "memories", tenant="acme")
    assert memories(runner, "text") == [
        ("Staging is slow.",),
        ("Staging password leaked\n\n(removed)",),
    ]
    comment = f"{WEB}/acme/shop/issues/2#issuecomment-9"
    remember(runner, "Said in a comment.", "github:acme/shop", url=comment)
    follow(runner, gone)
    assert memories(runner, "text") == [("Staging is slow.",)]
    assert "hunter2" not in table_text(runner.database, "events", tenant="acme")
    assert "hunter2" not in table_text(runner.database, "steps", tenant="acme")


@pytest.mark.parametrize("new", ["acme/secret", "globex/secret"])
def test_a_transferred_issue_is_as_private_as_its_new_place(runner: FlowRunner, new: str) -> None:
    transferred = steps("18")[2]
    place = transferred["payload"]["changes"]["new_repository"]
    place |= {"full_name": new, "owner": {"login": new.partition("/")[0]}}
    runner.deliver(triage, told("issues", issue("acme/shop", 2, "The password.")))
    runner.deliver(triage, told("issues", issue("acme/shop", 21, "Another.")))
    follow(runner, transferred)
    other = ("acme/shop#21", "github:acme/shop", "public")
    moved = ("acme/secret#4", "github:acme/secret", "repo:acme/secret")
    found = memories(runner, "ref", "source", "audience")
    assert found == ([other, moved] if new == "acme/secret" else [other])


@pytest.mark.parametrize("action", ["edited", "deleted"])
@pytest.mark.parametrize(
    "parts",
    [
        ("issue_comment", "issue", "issues", "issuecomment-9"),
        ("pull_request_review_comment", "pull_request", "pull", "discussion_r9"),
        ("discussion_comment", "discussion", "discussions", "discussioncomment-9"),
    ],
)
def test_comments_of_each_kind(
    runner: FlowRunner, parts: tuple[str, str, str, str], action: str
) -> None:
    event, kind, path, fragment = parts
    url = f"{WEB}/acme/shop/{path}/2"
    remember(runner, "It is hunter2.", "github:acme/shop", url=f"{url}#{fragment}")
    remember(runner, "Tuesdays.", "github:acme/shop", url=f"{url}#{fragment}", ref="two")
    remember(runner, "Another.", "github:acme/shop", url=f"{url}#{fragment}1")
    parent = {"number": 2, "title": "t", "body": "b", "html_url": url, "user": MARIA}
    comment = {"id": 9, "body": "We deploy on Tuesdays.", "user": MARIA}
    comment |= {"html_url": f"{url}#{fragment}"}
    payload: Json = {"action": action, kind: parent, "comment": comment, "sender": MARIA}
    follow(runner, {"event": event, "payload": payload | {"repository": repository("acme/shop")}})
    kept = ["Another.", "Tuesdays."] if action == "edited" else ["Another."]
    assert [text for (text,) in memories(runner, "text")] == kept


@pytest.mark.parametrize("flows", [(ingest, uninstall), (uninstall, ingest)])
def test_an_edited_comment_goes_on_with_its_new_text(
    runner: FlowRunner, flows: tuple[Flow, Flow]
) -> None:
    """Two flows take the edit, in any order."""
    url = f"{WEB}/acme/shop/issues/2"
    parent = {"number": 2, "title": "t", "body": "b", "html_url": url, "user": MARIA}
    comment = {"id": 9, "body": "It is *hunter2*.", "user": MARIA, "html_url": f"{url}#c9"}
    payload: Json = {"issue": parent, "comment": comment, "sender": MARIA}
    payload |= {"repository": repository("acme/shop")}
    runner.deliver(ingest, told("issue_comment", payload | {"action": "created"}))
    payload["comment"] = comment | {"body": "It is *secret*, ask <!-- not me --> Li."}
    for flow in flows:
        runner.deliver(flow, told("issue_comment", payload | {"action": "edited"}))
    [(text, ref)] = memories(runner, "text", "ref")
    assert "hunter2" not in text and "Li" in text and ref == "acme/shop#2:9"


@pytest.mark.parametrize("damage", ["issue", "repository", "changes", "comment"])
def test_a_change_that_does_not_say_of_what_changes_nothing(
    runner: FlowRunner, damage: str
) -> None:
    remember(runner, "A", "github:acme/shop")
    for step in [*steps("16"), *steps("17"), *steps("18")]:
        payload = {name: value for name, value in step["payload"].items() if name != damage}
        event = told(step["event"], payload)
        if damage == "repository" or step["event"] != "repository":
            assert runner.deliver(uninstall, event) == []
    assert memories(runner) == [("github:acme/shop", "public")]


# Slack


def said(text: str = "", ts: str = "1700000001.000100", **changes: Any) -> Event:
    inner = {"type": "message", "channel": "D1", "channel_type": "im", "user": "U1", "team": "T1"}
    return in_slack(inner | {"text": text, "ts": ts} | changes, at=float(ts))


def in_slack(inner: Json, at: float) -> Event:
    bot = {"team_id": "T1", "user_id": "UBOT", "is_bot": True}
    envelope: Json = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event": inner}
    envelope |= {"event_id": f"Ev{next(NUMBERS)}", "authorizations": [bot]}
    body = json.dumps(envelope | {"is_ext_shared_channel": False}).encode()
    return slack.to_event(body, {}, TENANTS, at)


def changed(before: Event, text: str, at: float = 1_800_000_000.5, **now: Any) -> Event:
    old = before.payload["event"]
    inner = {"type": "message", "subtype": "message_changed", "channel": "D1", "ts": "1.1"}
    inner |= {"message": old | {"text": text} | now, "previous_message": old}
    return in_slack(inner | {"channel_type": "im"}, at)


def deleted(before: Event, at: float = 1_800_000_000.5) -> Event:
    old = before.payload["event"]
    inner = {"type": "message", "subtype": "message_deleted", "channel": "D1", "ts": "1.1"}
    inner |= {"deleted_ts": old["ts"], "previous_message": old, "channel_type": "im"}
    return in_slack(inner, at)


def turns(runner: FlowRunner) -> list[tuple[str, str]]:
    asked = Statement("select role, text from turns order by seq", {})
    return [(row["role"], row["text"]) for row in runner.database.run("acme", [asked])[0]]


def test_an_edited_message_is_replaced_in_its_conversation(runner: FlowRunner) -> None:
    first, root = said("The staging password is hunter2-zebra."), "1700000001.000100"
    question = "What is the staging password?"
    runner.deliver(chat, first, said(question, "1700000002.000100", thread_ts=root))
    assert "hunter2-zebra" in turns(runner)[3][1]
    runner.deliver(uninstall, changed(first, "The staging password is elsewhere."))
    assert turns(runner)[0] == ("user", "The staging password is elsewhere.")
    assert turns(runner)[2:] == [("user", question), ("assistant", INSTEAD)]
    runner.deliver(chat, said(question, "1700000003.000100", thread_ts=root))
    answers = [act.text for act in runner.platform.done if isinstance(act, Reply)]
    assert "hunter2" not in answers[-1]
    assert "elsewhere" in answers[-1]


def test_an_edit_of_a_letter_leaves_the_answer(runner: FlowRunner) -> None:
    first = said("We deploy on Tuesdays.")
    runner.deliver(chat, first)
    (_, answer), *_ = reversed(turns(runner))
    runner.deliver(uninstall, changed(first, "We deploy on Tuesdays!!"))
    runner.deliver(uninstall, changed(first, "We deploy on Tuesdays.", attachments=[]))
    assert turns(runner) == [("user", "We deploy on Tuesdays!!"), ("assistant", answer)]


@pytest.mark.parametrize("stone", [False, True])
def test_a_deleted_message_leaves_with_its_answer(runner: FlowRunner, stone: bool) -> None:
    first, root = said("The login of staging is hunter2."), "1700000001.000100"
    second = said("What is the login of staging?", "1700000002.000100", thread_ts=root)
    runner.deliver(chat, first, second)
    assert "hunter2" in turns(runner)[3][1]
    remember(runner, "hunter2", "slack:T1:D1", audience="dm:D1", url=first.url)
    tombstone = changed(first, "This message was deleted.", subtype="tombstone")
    gone = tombstone if stone else deleted(first)
    for _ in range(2):
        assert runner.deliver(uninstall, gone) == []
    assert memories(runner) == []
    assert turns(runner) == [("user", second.text), ("assistant", INSTEAD)]
    assert "hunter2" not in table_text(runner.database, "turns", tenant="acme")


def test_a_deleted_channel_is_forgotten(runner: FlowRunner) -> None:
    remember(runner, "A", "slack:T1:C1", url="")
    remember(runner, "B", "slack:T1:C11", url="")
    runner.deliver(uninstall, in_slack({"type": "channel_deleted", "channel": "C1"}, 1.0))
    assert memories(runner) == [("slack:T1:C11", "public")]


MENTION = {"type": "app_mention", "text": "<@UBOT> When do we deploy?"}


def places_of_turns(runner: FlowRunner) -> set[tuple[str, str]]:
    asked = Statement("select source, audience from turns", {})
    return {(row["source"], row["audience"]) for row in runner.database.run("acme", [asked])[0]}


def test_a_channel_that_becomes_private_is_shown_to_its_own_readers(runner: FlowRunner) -> None:
    in_channel = {"channel": "C1", "channel_type": "channel"} | MENTION
    remember(runner, "A", "slack:T1:C1", audience="team:T1", url="")
    remember(runner, "B", "slack:T1:C2", audience="team:T1", url="")
    remember(runner, "C", "slack:T1:C1", audience="shared:C1", url="")
    runner.deliver(chat, said(**in_channel))
    assert places_of_turns(runner) == {("slack:T1:C1", "team:T1")}
    private = {"type": "message", "subtype": "channel_convert_to_private", "user": "U1"}
    private |= {"channel": "C1", "channel_type": "group", "ts": "1800000000.5", "text": "…"}
    for _ in range(2):
        assert runner.deliver(uninstall, in_slack(private, 1_800_000_000.5)) == []
    found = memories(runner, "text", "audience")
    assert found == [("A", "channel:C1"), ("B", "team:T1"), ("C", "shared:C1")]
    # What was said before, and is kept only now, follows.
    runner.deliver(chat, said(ts="1700000009.000100", **in_channel))
    assert places_of_turns(runner) == {("slack:T1:C1", "channel:C1")}


def test_a_channel_with_a_new_id_takes_its_memory_along(runner: FlowRunner) -> None:
    in_channel = {"channel": "G1", "channel_type": "group"}
    first = said("It is hunter2-zebra.", **in_channel)
    remember(runner, "A", "slack:T1:G1", audience="channel:G1", url=first.url)
    remember(runner, "B", "slack:T1:G11", audience="channel:G11", url="")
    runner.deliver(chat, said(**in_channel | MENTION))
    moved = {"type": "channel_id_changed", "old_channel_id": "G1", "new_channel_id": "C1"}
    for _ in range(2):
        assert runner.deliver(uninstall, in_slack(moved, 1_800_000_000.5)) == []
    url = "https://slack.com/app_redirect?team=T1&channel=C1&message_ts=1700000001.000100"
    assert memories(runner, "text", "source", "audience", "url") == [
        ("A", "slack:T1:C1", "channel:C1", url),
        ("B", "slack:T1:G11", "channel:G11", ""),
    ]
    runner.deliver(chat, said(ts="1700000009.000100", **in_channel | MENTION))
    assert places_of_turns(runner) == {("slack:T1:C1", "channel:C1")}
    # A deletion names the channel as it is called now.
    gone = deleted(first).payload["event"] | {"channel": "C1", "channel_type": "group"}
    assert runner.deliver(uninstall, in_slack(gone, 1_800_000_001.5)) == []
    assert memories(runner, "text") == [("B",)]


def test_an_edit_waits_for_a_run_that_is_at_work_on_the_text(runner: FlowRunner) -> None:
    first = said("The password is hunter2-zebra.")
    runner.platform.fails[1] = RuntimeError("lost")
    assert runner.deliver(chat, first) == [first.id]
    edit = changed(first, "The password is elsewhere.")
    assert runner.deliver(uninstall, edit) == [edit.id]
    assert runner.deliver(chat, first, receives=2) == []
    assert runner.deliver(uninstall, edit, receives=2) == []
    assert "hunter2" not in str(turns(runner))
    assert len(turns(runner)) == 2
