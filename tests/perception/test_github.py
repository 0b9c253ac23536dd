"""GitHub's deliveries: the published ones and mutations of them become events or clean errors."""

import hashlib
import hmac
import json
from collections import Counter
from random import Random
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import EventError, SignatureError
from shared.events import Actor, Event, Issue, Json
from shared.perception import github
from tests.campaigns import examples
from tests.events.mutated import mutated
from tests.events.published import Delivery, github_deliveries, github_delivery

_MARK = "<!-- agent-flows effect=ab12 flow=triage depth={} -->"
_BOT = {"id": 41, "login": "agent[bot]", "type": "Bot"}
_PERSON = {"id": 7, "login": "ada", "type": "User"}


def _headers(event: str = "issues", **more: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def _event(delivery: Delivery, **tenant_of: str) -> Event:
    body = json.dumps(delivery.payload).encode()
    return github.to_event(body, _headers(delivery.event), tenant_of, 1_700_000_000.0)


def test_published_signature_is_accepted() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    github.verify(
        b"Hello, World!", {"x-hub-signature-256": signature}, "It's a Secret to Everybody"
    )


@pytest.mark.parametrize("secret", ["", "s", "geheim 中文"])
@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha1=0a", "sha256=" + "0" * 64, "中" * 71, "\ud800", "x" * 99_999]
)
def test_other_signatures_are_refused(secret: str, signature: str) -> None:
    with pytest.raises(SignatureError, match="set GITHUB_WEBHOOK_SECRET"):
        github.verify(b"{}", {"x-hub-signature-256": signature}, secret)


def test_empty_secret_refuses_even_its_own_signature() -> None:
    signature = "sha256=" + hmac.new(b"", b"{}", "sha256").hexdigest()
    with pytest.raises(SignatureError):
        github.verify(b"{}", {"x-hub-signature-256": signature}, "")


@given(st.binary(), st.text(st.characters(codec="ascii"), min_size=1), st.binary(min_size=1))
def test_one_changed_bit_is_refused(body: bytes, secret: str, other: bytes) -> None:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    github.verify(body, headers, secret)
    with pytest.raises(SignatureError):
        github.verify(body + other, headers, secret)


def test_all_published_deliveries_become_events() -> None:
    deliveries = github_deliveries()
    assert len(deliveries) == 329
    assert len({delivery.event for delivery in deliveries}) == 58
    for delivery in deliveries:
        event = _event(delivery)
        action = delivery.payload.get("action")
        assert event.type == ".".join(filter(None, ("github", delivery.event, action)))
        assert event.payload == delivery.payload
        assert Event.from_json(event.to_json()) == event
        assert event.tenant.startswith("github:") or delivery.event == "security_advisory"
        assert event.conversation.startswith(event.tenant) or "repository" in delivery.payload
        assert event.actor.name or delivery.event == "security_advisory"
        assert event.depth == int(event.actor.is_bot)
        assert not github.is_own(event, "")


def test_published_deliveries_are_about_issues_where_they_should_be() -> None:
    kinds = Counter(d.event for d in github_deliveries() if _event(d).issue_target)
    assert set(kinds) == {
        "issue_comment",
        "issues",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_review_thread",
    }


def test_issue_says_all_that_a_flow_asks() -> None:
    event = _event(github_delivery("issues", "opened"))
    assert event._replace(payload={}) == Event(
        id="github:72d3162e-cc78-11e3-81ab-4c9367dc0958",
        type="github.issues.opened",
        source="github",
        tenant="github:Codertocat",
        conversation="github:Codertocat/Hello-World#1",
        actor=Actor("21031067", "Codertocat", False, "owner"),
        text="Spelling error in the README file\n\n"
        "It looks like you accidently spelled 'commit' with two 't's.",
        url="https://github.com/Codertocat/Hello-World/issues/1",
        payload={},
        audience="public",
        depth=0,
        received_at=1_700_000_000.0,
        issue_target=Issue("Codertocat/Hello-World", 1),
    )


@pytest.mark.parametrize(
    ("event", "action", "conversation", "text", "url"),
    [
        ("issue_comment", "created", "#1", "You are totally right!", "/issues/1#issuecomment-"),
        ("pull_request", "opened", "#2", "Update the README with new information.", "/pull/2"),
        ("pull_request_review", "submitted", "#2", "", "/pull/2#pullrequestreview-"),
        ("pull_request_review_comment", "created", "#2", "Maybe you should use", "/pull/2#disc"),
        ("commit_comment", "created", "", "This is a really good change!", "/commit/"),
        ("push", "", "", "", "/compare/"),
        ("release", "published", "", "", "/releases/tag/0.0.1"),
        ("star", "created", "", "", "/Hello-World"),
    ],
)
def test_conversation_text_and_url_follow_what_the_event_is_about(
    event: str, action: str, conversation: str, text: str, url: str
) -> None:
    made = _event(github_delivery(event, action))
    assert made.conversation == f"github:Codertocat/Hello-World{conversation}"
    assert made.text.startswith(text)
    assert url in made.url


@pytest.mark.parametrize("number", [None, "7", True, 0, -7, 7.0, [], {}])
def test_issue_number_that_is_none_makes_no_target(number: object) -> None:
    delivery = github_delivery("issues", "opened")
    delivery.payload["issue"]["number"] = number
    event = _event(delivery)
    assert event.issue_target is None
    assert event.conversation == "github:Codertocat/Hello-World"


def test_push_says_the_messages_of_its_commits() -> None:
    delivery = github_delivery("push")
    delivery.payload["commits"] = [{"message": "Fix 支付"}, {"message": None}, {"message": "Test"}]
    assert _event(delivery).text == "Fix 支付\n\nTest"


def test_discussion_is_a_conversation_but_no_issue() -> None:
    event = _event(github_delivery("discussion_comment", "created"))
    assert event.conversation.endswith("#90")
    assert event.issue_target is None


@pytest.mark.parametrize(
    ("private", "visibility", "audience"),
    [
        (False, "public", "public"),
        (False, None, "public"),
        (True, "private", "repo:Codertocat/Hello-World"),
        (False, "internal", "repo:Codertocat/Hello-World"),
        (True, None, "repo:Codertocat/Hello-World"),
        (None, None, "repo:Codertocat/Hello-World"),
        ("false", "public", "repo:Codertocat/Hello-World"),
    ],
)
def test_audience_is_public_only_when_github_says_so(
    private: object, visibility: object, audience: str
) -> None:
    delivery = github_delivery("issues", "opened")
    delivery.payload["repository"] |= {"private": private, "visibility": visibility}
    assert _event(delivery).audience == audience


def test_audience_without_a_repository_is_the_organisation() -> None:
    assert _event(github_delivery("organization", "member_added")).audience == "org:Octocoders"


def test_tenants_can_be_joined() -> None:
    delivery = github_delivery("issues", "opened")
    event = _event(delivery, **{"github:Codertocat": "acme"})
    assert event.tenant == "acme"
    assert event.conversation == "github:Codertocat/Hello-World#1"


def _comment(sender: Json, author: Json, association: str, body: str = "Hi") -> Delivery:
    delivery = github_delivery("issue_comment", "created")
    delivery.payload["repository"]["owner"]["login"] = "acme"
    delivery.payload["sender"] = sender
    delivery.payload["comment"] |= {
        "user": author,
        "author_association": association,
        "body": body,
        "performed_via_github_app": None,
    }
    return delivery


@pytest.mark.parametrize(
    ("association", "role"),
    [
        ("OWNER", "owner"),
        ("MEMBER", "member"),
        ("COLLABORATOR", "collaborator"),
        ("CONTRIBUTOR", "contributor"),
        ("FIRST_TIME_CONTRIBUTOR", "none"),
        ("MANNEQUIN", "none"),
        ("NONE", "none"),
        ("owner", "none"),
    ],
)
def test_role_is_the_association_of_the_author(association: str, role: str) -> None:
    assert _event(_comment(_PERSON, _PERSON, association)).actor.role == role


@pytest.mark.parametrize(
    ("name", "action", "mine", "by_outsider"),
    [
        ("issues", "opened", True, True),
        ("issues", "labeled", False, False),
        ("issues", "labeled", True, True),  # a form of the repository labels what a stranger opens
        ("issues", "reopened", True, True),
        ("issues", "reopened", False, False),
        ("pull_request", "closed", False, True),
        ("pull_request", "synchronize", False, True),  # somebody with rights in the fork alone
        ("push", "", False, False),
        ("fork", "", False, True),
        ("star", "created", False, True),
    ],
)
def test_who_does_what_needs_rights_is_no_outsider(
    name: str, action: str, mine: bool, by_outsider: bool
) -> None:
    delivery = github_delivery(name, action)
    subject = delivery.payload.get("issue") or delivery.payload.get("pull_request") or {}
    delivery.payload["sender"] = _PERSON
    subject |= {"user": _PERSON if mine else _BOT, "author_association": "NONE"}
    event = _event(delivery)
    assert event.by_outsider is by_outsider
    # What they do gives their text no more trust.
    assert event.actor.role == "none"


def test_association_of_somebody_else_gives_no_role() -> None:
    stranger = {"id": 8, "login": "mallory", "type": "User"}
    delivery = _comment(stranger, _PERSON, "OWNER")
    delivery.payload["issue"] |= {"user": stranger, "author_association": "OWNER"}
    assert _event(delivery).actor == Actor("8", "mallory", False, "none")


@pytest.mark.parametrize(
    ("sender", "body", "depth"),
    [
        (_PERSON, "Hi", 0),
        (_BOT, "Hi", 1),
        (_BOT, _MARK.format(0), 1),
        (_BOT, f"Hi\n\n{_MARK.format(2)}", 3),
        (_BOT, f"{_MARK.format(2)} quotes {_MARK.format(1)}", 3),
        (_BOT, "<!-- agent-flows depth=9 -->", 1),
        (_BOT, _MARK.format("9" * 999), 1),
        # A token of a user makes the agent look like a person; the mark tells.
        (_PERSON, _MARK.format(1), 2),
    ],
)
def test_depth_counts_our_effects(sender: Json, body: str, depth: int) -> None:
    assert _event(_comment(sender, sender, "NONE", body)).depth == depth


@pytest.mark.parametrize("sender", [_BOT, _PERSON])
@pytest.mark.parametrize(
    ("body", "is_ours"),
    [
        (_MARK.format(0), True),
        (f"/forget me\n\n{_MARK.format(1)}", True),
        (f"/forget me\r\n\r\n{_MARK.format(1)}\r\n", True),
        (f"Ours\n\n<!-- agent-flows-sticky -->\n{_MARK.format(1)}", True),
        # Other bots add to what we wrote.
        (f"/forget me\n\n{_MARK.format(1)}\n\n## Summary by another bot", True),
        (f"/forget me {_MARK.format(1)}", True),
        (f"/forget me\n\n> Theirs\n\n * {_MARK.format(1)}", True),
        (f"/forget me\n> quoted {_MARK.format(0)}\n{_MARK.format(1)}", True),
        # What people write around a quotation is theirs.
        (f"/forget me\n\n> Ours\n> {_MARK.format(1)}", False),
        (f"/forget me\n>{_MARK.format(1)} {_MARK.format(2)}", False),
        (f"/forget me\n\n > > {_MARK.format(1)}\n\nThanks", False),
        ("/forget me\n\n<!-- agent-flows depth=1 -->", False),
        ("/forget me", False),
    ],
)
def test_the_mark_decides_whoever_the_actor_is(sender: Json, body: str, is_ours: bool) -> None:
    event = _event(_comment(sender, sender, "OWNER", body))
    assert github.is_own(event, "99") is is_ours
    assert event.type.startswith("github.command.") is (body.startswith("/") and not is_ours)


@pytest.mark.parametrize(
    ("event", "action", "subject", "is_ours"),
    [
        ("issue_comment", "created", "comment", True),
        ("issue_comment", "edited", "comment", True),
        ("issue_comment", "deleted", "comment", False),
        ("issues", "opened", "issue", True),
        ("issues", "edited", "issue", True),
        ("issues", "reopened", "issue", False),
        ("issues", "labeled", "issue", False),
        ("pull_request", "opened", "pull_request", True),
        ("pull_request", "synchronize", "pull_request", False),
        ("pull_request_review", "submitted", "review", True),
        ("pull_request_review_comment", "created", "comment", True),
        ("discussion_comment", "created", "comment", True),
    ],
)
def test_what_is_written_with_our_mark_is_ours_and_what_people_do_to_it_is_theirs(
    event: str, action: str, subject: str, is_ours: bool
) -> None:
    delivery = github_delivery(event, action)
    delivery.payload[subject] |= {"user": _PERSON, "body": f"/plan it\n\n{_MARK.format(1)}"}
    for sender in (_PERSON, {"id": 8, "login": "maria", "type": "User"}):
        delivery.payload["sender"] = sender
        made = _event(delivery)
        assert made.type == f"github.{event}.{action}"
        assert github.is_own(made, "99", "agent") is is_ours


def test_our_mark_on_an_issue_silences_nobody_who_comments_there() -> None:
    delivery = _comment(_PERSON, _PERSON, "OWNER", "/help")
    delivery.payload["issue"]["body"] = f"Ours\n\n{_MARK.format(1)}"
    event = _event(delivery)
    assert event.type == "github.command.help"
    assert not github.is_own(event, "99", "agent")


@pytest.mark.parametrize(
    ("bot_name", "is_ours"), [("agent", True), ("Agent", True), ("other", False), ("", False)]
)
def test_what_our_bot_does_without_a_text_is_ours(bot_name: str, is_ours: bool) -> None:
    delivery = github_delivery("issues", "labeled")
    delivery.payload["sender"] = _BOT
    assert github.is_own(_event(delivery), "", bot_name) is is_ours
    delivery.payload["sender"] = {"id": 9, "login": bot_name or "x", "type": "User"}
    assert not github.is_own(_event(delivery), "", bot_name)


@pytest.mark.parametrize(("app_id", "is_own"), [("99", True), ("98", False), ("", False)])
def test_what_our_app_wrote_is_ours(app_id: str, is_own: bool) -> None:
    delivery = _comment(_BOT, _BOT, "NONE")
    delivery.payload["comment"]["performed_via_github_app"] = {"id": 99}
    assert github.is_own(_event(delivery), app_id) is is_own


@pytest.mark.parametrize(("action", "is_own"), [("completed", True), ("rerequested", False)])
def test_checks_of_our_app_are_ours_until_a_person_wants_them_again(
    action: str, is_own: bool
) -> None:
    delivery = github_delivery("check_run", action)
    app = str(delivery.payload["check_run"]["app"]["id"])
    assert github.is_own(_event(delivery), app) is is_own
    assert not github.is_own(_event(delivery), "1")


def test_form_means_the_same_as_json() -> None:
    delivery = github_delivery("issues", "opened")
    delivery.payload["issue"]["title"] = "支付 🎉 & = + %"
    body = urlencode({"payload": json.dumps(delivery.payload)}).encode()
    headers = _headers(content_type="application/x-www-form-urlencoded; charset=utf-8")
    assert github.to_event(body, headers, {}, 1_700_000_000.0) == _event(delivery)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"17",
        b'"text"',
        b"{",
        b"payload={}",
        b"\xff\xfe{}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\x00"}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain"])
def test_body_that_is_no_json_object_is_an_event_error(body: bytes, content_type: str) -> None:
    with pytest.raises(EventError, match="the body"):
        github.to_event(body, _headers(content_type=content_type), {}, 0.0)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"payload=", b"payload=%7B", b"payload=[]", b"&".join([b"a=1"] * 999)]
)
def test_form_without_a_payload_is_an_event_error_or_an_empty_event(body: bytes) -> None:
    headers = _headers(content_type="application/x-www-form-urlencoded")
    if body == b"":
        assert github.to_event(body, headers, {}, 0.0).payload == {}
        return
    with pytest.raises(EventError, match="the body"):
        github.to_event(body, headers, {}, 0.0)


@pytest.mark.parametrize("name", ["x-github-event", "x-github-delivery"])
@pytest.mark.parametrize("value", ["", " ", "中", "a b", "x" * 101, "a\nb"])
def test_malformed_headers_are_an_event_error(name: str, value: str) -> None:
    with pytest.raises(EventError, match="X-GitHub-Event"):
        github.to_event(b"{}", {**_headers(), name: value}, {}, 0.0)


def test_nul_characters_do_not_reach_the_database() -> None:
    body = rb'{"action": "a", "issue": {"title": "x\u0000\\u0000\\\u0000y"}}'
    event = github.to_event(body, _headers(), {}, 0.0)
    assert event.text == "x\ufffd\\u0000\\\ufffdy"


@pytest.mark.parametrize(
    "said", ["支付 🎉", r"\u652f \ud83c\udf89", r"half \ud83c", r"\\ud83c", "}"]
)
def test_payload_is_written_as_it_came_unless_it_holds_half_a_pair(said: str) -> None:
    body = f'{{ "action": "a", "issue": {{"title": "{said}", "n": 1.50}} }}'
    event = github.to_event(body.encode(), _headers(), {}, 0.0)
    written = event.to_json()
    assert (body in written) is (r"\ud" not in said)
    assert Event.from_json(written)._replace(payload={}) == event._replace(
        payload={}, text=event.text.replace("\ud83c", "?")
    )
    written.encode()


@examples(300)
@given(st.randoms(use_true_random=False))
def test_mutated_deliveries_become_events_or_event_errors(random: Random) -> None:
    delivery = random.choice(github_deliveries())
    payload = mutated(delivery.payload, random)
    try:
        event = _event(Delivery(delivery.event, payload))
    except EventError:
        return
    assert Event.from_json(event.to_json()).id == event.id
    assert isinstance(github.is_own(event, "99"), bool)
    assert event.type.isascii()
    if event.audience == "public" and delivery.event != "security_advisory":
        assert payload["repository"]["private"] is False


@examples(200)
@given(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["content-type", "x-github-event"]), st.text()),
)
def test_any_bytes_become_an_event_or_an_event_error(body: bytes, headers: dict[str, str]) -> None:
    try:
        github.to_event(body, _headers() | headers, {}, 0.0)
    except EventError:
        return
