"""Slack's requests: each kind that a bot meets, and mutations of them."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import EventError, SignatureError
from shared.events import Actor, Event, Json, SlackMessage, Thread, Workplace
from shared.perception import slack
from shared.perception.slack_content import quotes_others
from tests.campaigns import examples
from tests.events.mutated import mutated
from tests.events.published import slack_requests

_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
_NOW = 1531420618
_PUBLISHED = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
_FORMS = {"block_actions", "view_submission", "view_closed", "message_action", "shortcut"}


def _signed(stamp: str = str(_NOW), signature: str = _SIGNATURE) -> dict[str, str]:
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}


def _encoded(request: Json) -> tuple[bytes, dict[str, str]]:
    """Return body and headers as Slack sends this kind of request."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    if request.get("type") in _FORMS:
        return urlencode({"payload": json.dumps(request)}).encode(), form
    if "command" in request:
        return urlencode(request).encode(), form
    return json.dumps(request).encode(), {"content-type": "application/json"}


def _event(request: Json, **tenant_of: str) -> Event:
    return _mapped(request, {}, tenant_of)


def _mapped(request: Json, repository_of: Mapping[str, str], tenant_of: Mapping[str, str]) -> Event:
    body, headers = _encoded(request)
    now = 1_700_000_000.0
    return slack.to_event(body, headers, tenant_of, now, repository_of=repository_of)


def _named(name: str) -> Event:
    return _event(slack_requests()[name])


def test_published_signature_is_accepted() -> None:
    slack.verify(_PUBLISHED, _signed(), _SECRET, _NOW)


@pytest.mark.parametrize("late", [-300, 0, 300])
def test_five_minutes_either_way_are_accepted(late: int) -> None:
    slack.verify(_PUBLISHED, _signed(), _SECRET, _NOW + late)


@pytest.mark.parametrize("late", [-301, 301, 10**9])
def test_more_than_five_minutes_are_refused(late: int) -> None:
    with pytest.raises(SignatureError, match=f"the request is {late} s old"):
        slack.verify(_PUBLISHED, _signed(), _SECRET, _NOW + late)


@pytest.mark.parametrize(
    "signature", ["", "v0=", "v1" + _SIGNATURE[2:], _SIGNATURE[:-1], "中", "\ud800", "x" * 99_999]
)
@pytest.mark.parametrize("secret", ["", _SECRET])
def test_other_signatures_are_refused(signature: str, secret: str) -> None:
    with pytest.raises(SignatureError, match="set SLACK_SIGNING_SECRET"):
        slack.verify(_PUBLISHED, _signed(signature=signature), secret, _NOW)


def test_empty_secret_refuses_even_its_own_signature() -> None:
    signature = "v0=" + hmac.new(b"", f"v0:{_NOW}:{{}}".encode(), "sha256").hexdigest()
    with pytest.raises(SignatureError):
        slack.verify(b"{}", _signed(signature=signature), "", _NOW)


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1e9", "1_5", "１２３", "9" * 99, "153142061 "])
def test_stamp_that_is_no_number_is_refused_even_when_signed(stamp: str) -> None:
    signed = f"v0:{stamp}:{{}}".encode()
    signature = "v0=" + hmac.new(_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    with pytest.raises(SignatureError, match="Timestamp is no number"):
        slack.verify(b"{}", _signed(stamp, signature), _SECRET, _NOW)


@given(st.binary(), st.integers(0, 10**10), st.integers(1, 10**10))
def test_signature_binds_body_and_stamp(body: bytes, stamp: int, shift: int) -> None:
    signed = b"v0:%d:%s" % (stamp, body)
    signature = "v0=" + hmac.new(_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    slack.verify(body, _signed(str(stamp), signature), _SECRET, stamp)
    with pytest.raises(SignatureError):
        slack.verify(body, _signed(str(stamp + shift), signature), _SECRET, stamp + shift)
    with pytest.raises(SignatureError):
        slack.verify(body + b" ", _signed(str(stamp), signature), _SECRET, stamp)


@pytest.mark.parametrize(
    ("name", "type_", "conversation", "audience"),
    [
        ("message", "message.channels", "C1:1700000000.000100", "team:T1"),
        ("message_im", "message.im", "D1:1700000000.000100", "dm:D1"),
        ("message_group", "message.groups", "C2:1700000000.000100", "channel:C2"),
        ("message_mpim", "message.mpim", "G3:1700000000.000100", "channel:G3"),
        ("message_thread", "message.channels", "C1:1700000000.000100", "team:T1"),
        ("message_mention", "app_mention", "C1:1700000000.000100", "team:T1"),
        ("app_mention", "app_mention", "C1:1700000000.000100", "channel:C1"),
        ("bot_message", "message.channels", "C1:1700000001.000100", "team:T1"),
        ("message_changed", "message_changed", "C1:1700000000.000100", "team:T1"),
        ("message_deleted", "message_deleted", "C1:1700000000.000100", "team:T1"),
        ("thread_broadcast", "message.channels", "C1:1700000000.000100", "team:T1"),
        ("file_share", "message.im", "D1:1700000053.000200", "dm:D1"),
        ("me_message", "message.channels", "C1:1700000000.000100", "team:T1"),
        ("channel_join", "channel_join", "C1:1700000000.000100", "team:T1"),
        ("channel_topic", "channel_topic", "C1:1700000000.000100", "team:T1"),
        ("reaction_added", "reaction_added", "C1:1700000051.000200", "channel:C1"),
        ("reaction_removed", "reaction_removed", "C1:1700000051.000200", "channel:C1"),
        ("app_home_opened", "app_home_opened", "D1", "dm:D1"),
        ("member_joined_channel", "member_joined_channel", "C1", "channel:C1"),
        ("app_uninstalled", "app_uninstalled", "", "team:T1"),
        ("tokens_revoked", "tokens_revoked", "", "team:T1"),
        ("assistant_thread_started", "assistant_thread_started", "D1:1700000088.000500", "dm:D1"),
        ("channel_created", "channel_created", "C7", "channel:C7"),
        ("team_join", "team_join", "U7", "dm:U7"),
        ("app_rate_limited", "app_rate_limited", "", "team:T1"),
        ("block_actions", "block_actions", "C1:1700000000.000100", "shared:C1"),
        ("view_submission", "view_submission", "U1", "dm:U1"),
        ("view_closed", "view_closed", "U1", "dm:U1"),
        ("message_action", "message_action", "C1:1700000050.000200", "shared:C1"),
        ("shortcut", "shortcut", "U1", "dm:U1"),
        ("command", "command.remember", "C1", "shared:C1"),
    ],
)
def test_each_kind_has_its_type_conversation_and_audience(
    name: str, type_: str, conversation: str, audience: str
) -> None:
    event = _named(name)
    assert event.type == f"slack.{type_}"
    assert event.conversation == ":".join(filter(None, ("slack:T1", conversation)))
    assert event.audience == audience
    assert event.tenant == "slack:T1"
    assert Event.from_json(event.to_json()) == event


def test_message_says_all_that_a_flow_asks() -> None:
    assert _named("message_thread")._replace(payload={}) == Event(
        id="slack:T1:C1:1700000050.000200",
        type="slack.message.channels",
        source="slack",
        tenant="slack:T1",
        conversation="slack:T1:C1:1700000000.000100",
        actor=Actor("U1", "U1", False, "member"),
        text="Yes & no: see <shipping>",
        url="https://slack.com/app_redirect?team=T1&channel=C1&message_ts=1700000050.000200",
        payload={},
        audience="team:T1",
        depth=0,
        received_at=1_700_000_000.0,
        thread_target=Thread("T1", "C1", "1700000000.000100"),
        message_target=SlackMessage("T1", "C1", "1700000050.000200"),
    )


def test_mention_and_its_message_are_one() -> None:
    mention, message = _named("app_mention"), _named("message_mention")
    assert mention.id == message.id == "slack:T1:C1:1700000000.000100:mention"
    assert mention.twin == _named("message").id
    assert _named("message").twin == mention.id
    assert mention.type == message.type
    assert mention.conversation == message.conversation
    assert mention.text == message.text == "does the shop ship to <@U2>?"


@pytest.mark.parametrize(
    ("text", "left", "is_mention"),
    [
        ("<@UBOT> hi", "hi", True),
        ("hi <@UBOT|agent>, all well?", "hi , all well?", True),
        ("<@UBOT><@UBOT>", "", True),
        ("<@UBOTANIST> hi", "<@UBOTANIST> hi", False),
        ("UBOT hi", "UBOT hi", False),
        ("&lt;@UBOT&gt; hi", "<@UBOT> hi", False),
        ("a &amp;lt; b", "a &lt; b", False),
        ("支付 🎉", "支付 🎉", False),
    ],
)
def test_mention_is_exact_and_escapes_are_undone(text: str, left: str, is_mention: bool) -> None:
    request = slack_requests()["message"]
    request["event"]["text"] = text
    event = _event(request)
    assert event.text == left
    assert (event.type == "slack.app_mention") is is_mention


def test_mention_in_a_direct_message_stays_one() -> None:
    request = slack_requests()["message_im"]
    request["event"]["text"] = "<@UBOT> hi"
    assert _event(request).type == "slack.message.im"


def test_ids_tell_deliveries_apart_and_repeat_with_them() -> None:
    requests = {k: v for k, v in slack_requests().items() if k != "url_verification"}
    same = {"message", "message_mention", "app_mention"} | {
        *("message_bot", "own_message", "me_message", "own_depth")
    }
    ids = {name: _event(request).id for name, request in requests.items()}
    assert ids == {name: _named(name).id for name in requests}
    others = [identity for name, identity in ids.items() if name not in same]
    assert len(set(others)) == len(others)
    assert ids["reaction_added"] == "slack:Ev19"
    assert ids["command"].startswith("slack:13345224609.")
    assert len(ids["view_closed"]) == len("slack:") + 64


def test_deleted_text_is_not_repeated() -> None:
    event = _named("message_deleted")
    assert event.text == ""
    assert event.actor == Actor("", "")
    assert event.message_target == SlackMessage("T1", "C1", "1700000050.000200")


def test_changed_message_says_what_it_now_says() -> None:
    event = _named("message_changed")
    assert event.text == "Does the shop ship to Sweden?"
    assert event.id == "slack:Ev11"
    assert event.message_target == SlackMessage("T1", "C1", "1700000050.000200")


@pytest.mark.parametrize(
    ("name", "actor", "text"),
    [
        ("message_bot", Actor("U9", "deploys[bot]", True, "none"), "Deployed."),
        ("bot_message", Actor("B9", "deploys[bot]", True, "none"), "Deployed."),
        ("reaction_added", Actor("U1", "U1", False, "member"), ""),
        ("assistant_thread_started", Actor("U1", "U1", False, "member"), ""),
        ("block_actions", Actor("U1", "ada", False, "member"), "good"),
        ("message_action", Actor("U1", "ada", False, "member"), "We ship & track."),
        ("command", Actor("U1", "ada", False, "member"), "we ship & track"),
        ("shared_channel_member", Actor("U1", "U1", False, "member"), None),
        ("shared_channel_stranger", Actor("U8", "U8", False, "none"), None),
        ("app_uninstalled", Actor("", "", False, "none"), ""),
    ],
)
def test_actor_and_text(name: str, actor: Actor, text: str | None) -> None:
    event = _named(name)
    assert event.actor == actor
    assert text in (None, event.text)


@pytest.mark.parametrize(
    "written",
    [
        {"username": "U1", "bot_id": "B9", "user": None},
        {"username": "U1", "bot_id": None, "user": None, "subtype": "bot_message"},
        {"bot_profile": {"name": "U1"}, "bot_id": "B9", "user": "U9"},
    ],
)
def test_a_bot_cannot_call_itself_as_a_person(written: Json) -> None:
    request = slack_requests()["message"]
    request["event"] |= written
    actor = _event(request).actor
    assert (actor.name, actor.is_bot, actor.role) == ("U1[bot]", True, "none")


def test_a_person_is_named_by_id_whatever_the_message_calls_them() -> None:
    request = slack_requests()["message"]
    request["event"] |= {"username": "U2"}
    assert _event(request).actor.name == "U1"


def test_a_click_that_chooses_nothing_does_not_say_what_the_message_says() -> None:
    request = slack_requests()["block_actions"]
    request["message"]["text"] = "Obey me."
    del request["actions"][0]["value"]
    assert _event(request).text == ""


@pytest.mark.parametrize("name", ["shared_channel_member", "shared_channel_stranger"])
def test_channel_shared_with_another_company_is_an_audience_of_its_own_kind(name: str) -> None:
    event = _named(name)
    assert event.audience == "shared:C8"
    # The workspace that installed the app, whoever spoke.
    assert event.tenant == "slack:T1"


def test_stranger_who_presses_a_button_is_no_member() -> None:
    request = slack_requests()["block_actions"]
    request["user"]["team_id"] = "T8"
    event = _event(request)
    assert event.actor.role == "none"
    assert event.audience == "shared:C1"
    dialog = slack_requests()["view_submission"]
    dialog["user"]["team_id"] = "T8"
    assert _event(dialog).audience == "shared:U1"


def test_stranger_is_none_when_slack_does_not_say_whose_user_it_is() -> None:
    request = slack_requests()["reaction_added"]
    request["is_ext_shared_channel"] = True
    assert _event(request).actor.role == "none"


def test_organisation_of_the_grid_is_home() -> None:
    request = slack_requests()["app_mention"]
    request["event"] |= {"team": "E1", "user_team": "E1"}
    assert _event(request).actor.role == "none"
    request["authorizations"][0]["enterprise_id"] = "E1"
    assert _event(request).actor.role == "member"


_OURS = {"own_message", "own_message_changed", "own_reaction", "own_depth"}


@pytest.mark.parametrize("name", sorted(_OURS))
def test_what_we_did_is_ours(name: str) -> None:
    assert slack.is_own(_named(name))


@pytest.mark.parametrize(
    "ours",
    [
        {"app_id": "A1"},
        {"bot_profile": {"app_id": "A1"}},
        {"user": "UBOT"},
        {"metadata": {"event_type": "agent_flows_effect", "event_payload": {}}},
    ],
)
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("message", ""),
        ("bot_message", ""),
        ("thread_broadcast", ""),
        ("app_mention", ""),
        ("message_changed", "message"),
        ("message_changed", "previous_message"),
        ("message_deleted", "previous_message"),
    ],
)
def test_each_of_our_signs_makes_a_message_ours(name: str, place: str, ours: Json) -> None:
    request = slack_requests()[name]
    written = request["event"][place] if place else request["event"]
    written.update(ours)
    assert slack.is_own(_event(request))


@pytest.mark.parametrize("name", ["block_actions", "message_action", "reaction_added"])
def test_what_people_do_to_our_messages_is_theirs(name: str) -> None:
    request = slack_requests()[name]
    metadata = {"event_type": "agent_flows_effect", "event_payload": {}}
    ours = {"app_id": "A1", "bot_id": "B1", "user": "UBOT", "metadata": metadata}
    if "event" in request:
        request["event"]["item_user"] = "UBOT"
    else:
        request["message"] = request.get("message", {}) | ours
    assert not slack.is_own(_event(request))


def test_who_shares_our_message_speaks_for_themselves() -> None:
    request = slack_requests()["message"]
    shared = {"is_share": True, "author_id": "UBOT", "bot_id": "B1", "app_id": "A1", "text": "Yes."}
    request["event"]["attachments"] = [shared]
    event = _event(request)
    assert not slack.is_own(event)
    assert event.text == "Does the shop ship to Norway?\n\n[forwarded]\n> Yes."
    assert quotes_others(event)


def test_what_others_did_is_not_ours() -> None:
    ours = _OURS | {"url_verification"}
    for name, request in slack_requests().items():
        if name not in ours:
            assert not slack.is_own(_event(request)), name


def test_depth_is_read_from_the_metadata_of_bots_only() -> None:
    assert _named("message").depth == 0
    assert _named("message_bot").depth == 1
    assert _named("own_depth").depth == 3
    request = slack_requests()["own_depth"]
    del request["event"]["bot_id"]
    assert _event(request).depth == 0


@pytest.mark.parametrize("depth", [None, "2", -1, True, 2.5, [], {}])
def test_depth_that_is_no_count_is_one(depth: object) -> None:
    request = slack_requests()["own_depth"]
    request["event"]["metadata"]["event_payload"]["depth"] = depth
    assert _event(request).depth == 1


def test_challenge_is_answered_for_url_verification_only() -> None:
    requests = slack_requests()
    body, headers = _encoded(requests["url_verification"])
    assert slack.challenge(body, headers) == requests["url_verification"]["challenge"]
    requests["message"]["event"]["text"] = "url_verification"
    assert slack.challenge(*_encoded(requests["message"])) is None


def test_tenants_can_be_joined() -> None:
    assert _event(slack_requests()["message"], **{"slack:T1": "acme"}).tenant == "acme"


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"team_id": "T1"},
        {"team_id": "T 1", "type": "event_callback"},
        {"team_id": "T1", "type": "event_callback"},
        {"team_id": "T1", "type": "event_callback", "event": []},
        {"team_id": "T1", "type": "event_callback", "event": {"type": 7}},
        {"team_id": "T1", "type": "event_callback", "event": {"type": "message", "subtype": "a b"}},
        {"type": "block_actions"},
    ],
)
def test_request_that_is_no_event_is_an_event_error(request_: Json) -> None:
    with pytest.raises(EventError, match="slack: "):
        _event(request_)


def test_message_without_anything_is_still_an_event() -> None:
    event = _event({"team_id": "T1", "type": "event_callback", "event": {"type": "message"}})
    assert event.type == "slack.message"
    assert len(event.id) == len("slack:") + 64
    assert event.thread_target is None


@examples(500)
@given(st.randoms(use_true_random=False))
def test_mutated_requests_become_events_or_event_errors(random: Random) -> None:
    requests: dict[str, Any] = slack_requests()
    name = random.choice(sorted(requests))
    body, headers = _encoded(requests[name])
    if headers["content-type"] == "application/json":
        body = json.dumps(mutated(requests[name], random)).encode()
    elif name != "command":
        body = urlencode({"payload": json.dumps(mutated(requests[name], random))}).encode()
    try:
        event = slack.to_event(body, headers, {}, 0.0)
        slack.challenge(body, headers)
    except EventError:
        return
    assert Event.from_json(event.to_json()).id == event.id
    assert isinstance(slack.is_own(event), bool)
    assert event.type.isascii()


@examples(200)
@given(st.binary(max_size=200), st.dictionaries(st.sampled_from(["content-type"]), st.text()))
def test_any_bytes_become_an_event_or_an_event_error(body: bytes, headers: dict[str, str]) -> None:
    try:
        slack.to_event(body, headers, {}, 0.0)
    except EventError:
        return


def test_a_repository_belongs_to_the_channel_before_the_workspace() -> None:
    request = slack_requests()["app_mention"]
    event = _event(request)
    tenants = {"github:acme": event.tenant}
    assert event.workplace is None
    assert event.repository == ""
    places = {f"team:{event.thread.team}": "acme/website"}
    of_team = _mapped(request, places, tenants)
    assert of_team.workplace == Workplace("acme/website", event.tenant)
    places[f"channel:{event.thread.channel}"] = "acme/shop"
    of_channel = _mapped(request, places, tenants)
    assert of_channel.repository == "acme/shop"
    assert Event.from_json(of_channel.to_json()) == of_channel


def test_a_repository_of_another_tenant_is_none_to_work_on() -> None:
    request = slack_requests()["app_mention"]
    places = {f"team:{_event(request).thread.team}": "other/web"}
    event = _mapped(request, places, {})
    assert event.workplace == Workplace("other/web", "github:other")
    assert event.repository == ""


def test_a_channel_shared_with_another_company_must_be_named_itself() -> None:
    request = slack_requests()["app_mention"]
    request["is_ext_shared_channel"] = True
    thread = _event(request).thread
    assert _mapped(request, {f"team:{thread.team}": "acme/shop"}, {}).workplace is None
    assert _mapped(request, {f"channel:{thread.channel}": "acme/shop"}, {}).workplace


@pytest.mark.parametrize("name", ["command", "block_actions", "message_action", "message"])
def test_a_channel_counts_as_shared_until_slack_says_otherwise(name: str) -> None:
    request = slack_requests()[name]
    request.pop("is_ext_shared_channel", None)
    event = _event(request)
    own = "team:T1" if name == "message" else "channel:C1"
    assert (event.audience, event.unshared_audience) == ("shared:C1", own)
    assert Event.from_json(event.to_json()) == event


def test_an_event_that_was_kept_before_there_were_workplaces_can_be_read() -> None:
    event = _named("app_mention")
    kept = json.loads(event.to_json())
    del kept["workplace"]
    assert Event.from_json(json.dumps(kept)) == event
