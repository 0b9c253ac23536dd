"""An answer's citations are checked at their sources: memory, conversation, GitHub, Slack."""

import pytest

from flows.chat import chat
from infra.local.sandbox.slack.workspace import DM, GENERAL, SUPPORT, TEAM
from shared.database import Statement
from shared.errors import ModelUnavailable
from shared.evidence import small_talk
from shared.memory import Trust
from tests.evidence.team import FACT, QUESTION, SHOP, Team, after, calls, steps


def test_what_the_memory_says_is_cited_with_a_link(team: Team) -> None:
    team.knows()
    team.says("On Tuesdays at ten [1].")
    assert team.hears(team.asks()) == (
        "On Tuesdays at ten [1].\n\n**Sources**\n"
        "1. [acme/shop#7: The shop is deployed on Tuesdays at ten.]"
        "(https://github.com/acme/shop/issues/7)"
    )


def test_the_offline_model_quotes_and_cites(team: Team) -> None:
    team.knows()
    reply = team.hears(team.asks())
    assert reply.startswith("The shop is deployed on Tuesdays at ten. [1]")
    assert reply.endswith("(https://github.com/acme/shop/issues/7)")


@pytest.mark.parametrize(
    "answer",
    [
        "On Fridays.",  # it says from where nothing is known
        "On Fridays [7].",  # no such passage was given
        "Yes. On Fridays [2]. So wait.",
        "[facts] On Fridays.",
        "[unknown] I am not sure.",
        "- On Fridays [9]\n- or Mondays [8]",
        "",
    ],
)
def test_without_a_source_it_does_not_know(team: Team, answer: str) -> None:
    team.knows()
    team.says(answer or "[unknown]")
    reply = team.hears(team.asks())
    assert reply.startswith("I don't know. I looked in what I remember, and found nothing")
    assert "Friday" not in reply and "http" not in reply
    assert reply.endswith("You could ask ada.")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Hello", "Hello, what can I do?"),
        ("How are you?", "Fine."),
        ("hello?", "Hello! How can I help you?"),
        ("thanks, can you hear me?", "Yes, I can hear you!"),
        ("Are you an AI?", "Yes, I am."),
        ("How do I reverse a list in Python?", "[general] With `reversed(one)`."),
        ("What are you?", "[talk] A program that answers."),
        ("Tell a story", "Once upon a time. It was."),
    ],
)
def test_talk_and_what_everybody_knows_needs_no_source(team: Team, asked: str, answer: str) -> None:
    team.says(answer)
    assert team.hears(team.asks(asked)) == answer.partition("] ")[2] or answer


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ("hello?", "I am here. What would you like to know?"),
        ("Wie geht es dir?", "Ich bin da. Was möchtest du wissen?"),
        ("你能听到我吗？", "我在。你想知道什么？"),
    ],
)
def test_what_a_greeting_does_not_ask_is_not_stated(team: Team, asked: str, reply: str) -> None:
    team.knows()
    team.says("Yes. The shop is deployed on Fridays.")
    assert team.hears(team.asks(asked)) == reply
    sql = "select count(*) as n from turns where unanswered"
    assert team.database.run("github:acme", [Statement(sql, {})])[0] == [{"n": 0}]


def test_an_answer_may_ask_back(team: Team) -> None:
    team.says("Which service do you mean?")
    assert team.hears(team.asks()) == "Which service do you mean?"


def test_what_fails_is_dropped_and_the_rest_is_numbered_anew(team: Team) -> None:
    team.knows()
    team.knows(
        "Ada has the key of the shop.", "acme/shop#8", url="https://github.com/acme/shop/issues/8"
    )
    [one, two] = [n for n in (1, 2)]
    team.says(f"Nobody knows [9]. Really.\n\nAda has it [{two}]. It is at ten [{one}].")
    reply = team.hears(team.asks("When is the shop deployed, and who has the key of the shop?"))
    assert reply.startswith("Ada has it [1]. It is at ten [2].\n\n**Sources**\n1. [")
    assert "Nobody" not in reply and "Really" not in reply


def test_a_follow_up_rests_on_the_conversation(team: Team) -> None:
    first = team.asks("We deploy on Tuesdays.")
    team.hears(first)
    team.says("On Tuesdays [1].")
    again = team.asks(QUESTION, conversation=first.conversation, thread_target=first.thread)
    assert team.hears(again).endswith(
        "1. [Earlier in this conversation](https://slack.com/app_redirect?"
        f"team={TEAM}&channel={SUPPORT}&message_ts={again.message.ts})"
    )


def test_a_message_that_was_deleted_meanwhile_is_no_source(team: Team) -> None:
    first = team.asks("We deploy on Tuesdays.")
    team.hears(first)
    sql = "delete from turns where role = 'user'"
    team.says(after(lambda: run(team, sql), "On Tuesdays [1]."))
    again = team.asks(QUESTION, conversation=first.conversation, thread_target=first.thread)
    assert team.hears(again).startswith("I don't know. I looked in what I remember and this conv")


@pytest.mark.parametrize(
    "sql",
    [
        "delete from memories",
        "update memories set valid_until = now()",
        "update memories set text = 'Fridays.', digest = 'other'",
        "update memories set audience = 'repo:acme/shop'",
        "update memories set audience = 'channel:C2'",
        "update memories set audience = 'shared:C0SUPPORT'",
    ],
)
def test_a_memory_that_changed_meanwhile_is_no_source(team: Team, sql: str) -> None:
    team.knows()
    team.says(after(lambda: run(team, sql), "At ten [1]."))
    assert team.hears(team.asks()).startswith("I don't know.")


@pytest.mark.parametrize(
    ("said", "is_courtesy"),
    [
        ("Danke dir!", True),
        ("Super, merci", True),
        ("Guten Morgen zusammen", True),
        ("ça marche", True),
        ("¡Muchas gracias a todos!", True),
        ("Thank you very much", True),
        ("Danke, die Kasse geht wieder", False),
        ("Morgen Deploy", False),
        ("Ok, ship it", False),
        ("Guten Morgen, wer deployt?", False),
        ("Danke 42", False),
        ("", False),
    ],
)
def test_a_greeting_asks_nothing_that_one_could_not_know(said: str, is_courtesy: bool) -> None:
    assert small_talk.is_courtesy(said) is is_courtesy


@pytest.mark.parametrize("said", ["Danke dir!", "Super, merci", "Guten Morgen zusammen"])
def test_a_model_that_does_not_know_greets_all_the_same(team: Team, said: str) -> None:
    team.knows()
    team.says("[unknown]")
    reply = team.hears(team.asks(said))
    assert "know." not in reply and "weiß" not in reply
    assert "Friday" not in reply


@pytest.mark.parametrize("trust", ["inside", "outside"])
def test_nobody_is_notified_or_named_who_is_an_outsider(team: Team, trust: Trust) -> None:
    team.knows(trust=trust)
    team.says("[unknown]")
    reply = team.hears(team.asks())
    assert ("You could ask ada." in reply) == (trust == "inside")
    assert "@" not in reply


def test_issues_are_searched_read_and_cited(team: Team) -> None:
    number = team.github.open_issue(SHOP, "Deploys", "We deploy on Tuesdays.")
    team.github.comment(SHOP, number, "From May on Wednesdays.")
    team.says(
        calls("search_issues", words="deploy"),
        calls("read_issue", number=number),
        "It was Tuesday [1]. Now it is Wednesday [2].",
    )
    reply = team.hears(team.asks())
    assert reply.startswith("It was Tuesday [1]. Now it is Wednesday [2].\n\n**Sources**\n1. [")
    assert f"/{SHOP}/issues/{number})" in reply and "#issuecomment-" in reply
    assert sum("graphql" in one.path for one in team.github.exchanges()) == 1


def test_a_run_that_cites_nothing_of_github_asks_it_nothing(team: Team) -> None:
    team.knows()
    team.says("At ten [1].")
    team.hears(team.asks())
    assert team.github.exchanges() == []


def test_files_and_code_are_read_and_cited(team: Team) -> None:
    team.github.push(SHOP, {"docs/deploy.md": "# Deploys\n\nOn Tuesdays.\n"})
    team.says(calls("read_file", path="docs/deploy.md"), "On Tuesdays [1].")
    reply = team.hears(team.asks())
    assert "1. [acme/shop:docs/deploy.md](" in reply

    def push() -> None:
        team.github.push(SHOP, {"docs/deploy.md": "# Deploys\n\nOn Fridays.\n"})

    team.says(calls("read_file", path="docs/deploy.md"), after(push, "On Tuesdays [1]."))
    assert team.hears(team.asks()).startswith("I don't know. I looked in what I remember and acme/")


def test_the_status_of_a_pull_request_is_told_while_it_is_so(team: Team) -> None:
    number = team.github.open_pull_request(SHOP, "Sum up", files={"a.py": "x\n"})
    team.says(calls("pull_status", number=number), f"#{number} is open [1].")
    assert f"1. [{SHOP}#{number}: status](" in team.hears(team.asks("What is the status?"))

    def close() -> None:
        team.github.edit_issue(SHOP, number, state="closed")

    team.says(calls("pull_status", number=number), after(close, f"#{number} is open [1]."))
    assert team.hears(team.asks("What is the status?")).startswith("I don't know.")


def test_slack_is_searched_with_the_persons_token_and_its_words_are_not_kept(team: Team) -> None:
    other = team.slack.workspace.add_channel("releases", member=False)
    team.slack.say(other, "The shop goes live on Mondays with kangaroos.")
    team.says(calls("search_slack", words="shop live"), "On Mondays [1].")
    reply = team.hears(team.asks())
    assert "1. [#releases in Slack](https://acme.slack.com/archives/" in reply
    assert "kangaroos" in team.asked().messages[-1].text
    kept = [
        row["input"] + row["output"]
        for name in ("tool", "converse")
        for row in steps(team.database, name)
    ]
    assert kept and not any("kangaroos" in row for row in kept)
    [search] = team.slack.calls("assistant.search.context")[:1]
    assert search["action_token"] and "public_channel" in str(search["channel_types"])


@pytest.mark.parametrize("kind", ["private", "shared"])
def test_slack_is_not_searched_where_not_everybody_may_read(team: Team, kind: str) -> None:
    other = team.slack.workspace.add_channel("releases", **{kind: True})
    team.slack.say(other, "The shop goes live on Mondays.")
    team.says(calls("search_slack", words="shop live"), "On Mondays [1].")
    assert "Mondays" not in team.hears(team.asks())
    assert "nothing was found" in team.asked().messages[-1].text


def test_a_channel_that_another_company_reads_gets_no_search_of_slack(team: Team) -> None:
    team.says("[unknown]")
    team.hears(team.asks(audience=f"shared:{SUPPORT}"))
    names = [tool.name for tool in team.asked().tools]
    assert "search_slack" not in names and "search_memory" in names


def test_an_event_that_comes_again_without_its_token_asks_the_model_the_same(team: Team) -> None:
    """The sweep sends what the journal has, in which no token is."""
    other = team.slack.workspace.add_channel("releases", member=False)
    team.slack.say(other, "The shop goes live on Mondays.")
    event = team.asks()
    team.says(calls("search_slack", words="shop live"), ModelUnavailable("away"))
    assert team.runner.deliver(chat, event)
    team.says("[unknown]")
    assert "I don't know" in team.hears(event._replace(payload={"event": {}}))
    first, _, last = team.runner.model.asked
    assert [one.name for one in first.tools] == [one.name for one in last.tools]
    assert len(last.messages) == len(first.messages) + 2


@pytest.mark.parametrize("wish", ["public", "channel", "workspace"])
def test_a_channel_that_wants_less_gets_no_search_of_slack(team: Team, wish: str) -> None:
    told = team.asks(audience=f"channel:{SUPPORT}")
    keep = """insert into channel_settings (tenant, place, key, value)
        values (%(tenant)s, %(place)s, 'audience', to_json(%(wish)s::text))"""
    about = {"tenant": told.tenant, "place": told.scope, "wish": wish}
    team.database.run(told.tenant, [Statement(keep, about)])
    team.says("[unknown]")
    team.hears(told)
    names = [tool.name for tool in team.asked().tools]
    assert ("search_slack" in names) is (wish == "workspace")


@pytest.mark.parametrize("arguments", [{}, {"number": "seven"}, {"number": 7, "more": "x"}])
def test_a_search_that_cannot_be_made_is_no_leave_to_guess(
    team: Team, arguments: dict[str, object]
) -> None:
    team.says(calls("read_issue", **arguments), "We deploy on Fridays.")
    reply = team.hears(team.asks())
    assert reply.startswith("I don't know.") and "Fridays" not in reply


def test_a_private_repository_is_searched_only_for_those_who_may_see_it(team: Team) -> None:
    team.github.set_private(SHOP, private=True)
    number = team.github.open_issue(SHOP, "Deploys", "We deploy on Tuesdays.")
    told = (calls("read_issue", number=number), "On Tuesdays [1].")
    team.says(*told)
    assert "Tuesdays" not in team.hears(team.asks())
    assert "AUDIENCES" in team.asked().messages[-1].text
    team.start(audiences='{"team:T0SANDBOX": ["repo:acme/*"]}')
    team.says(*told)
    assert team.hears(team.asks()).startswith("On Tuesdays [1].")


def test_the_memory_is_searched_in_other_words(team: Team) -> None:
    team.knows("Kangaroos are fed at noon.", "acme/shop#9")
    team.says(calls("search_memory", query="kangaroos noon"), "At noon [1].")
    assert team.hears(team.asks("When is lunch of the animals?")).startswith("At noon [1].")


def run(team: Team, sql: str) -> None:
    from shared.database import Statement

    team.database.run("github:acme", [Statement(sql, {})])


def in_slack(channel: str, ts: str = "1700000000.000100") -> str:
    return f"https://slack.com/app_redirect?team={TEAM}&channel={channel}&message_ts={ts}"


@pytest.mark.parametrize(
    ("asked", "heading", "title"),
    [
        (QUESTION, "Sources", "our direct messages"),
        ("Wann wird der shop deployed, und wer macht das?", "Quellen", "unsere Direktnachrichten"),
    ],
)
def test_direct_messages_are_named_as_ours(
    team: Team, asked: str, heading: str, title: str
) -> None:
    dm = f"dm:{DM}"
    team.knows(ref="m", audience=dm, url=in_slack(DM))
    team.says("At ten [1].")
    reply = team.hears(team.asks(asked, DM, type="slack.message.im", audience=dm))
    assert f"**{heading}**\n1. [{title}: {FACT}]({in_slack(DM)})" in reply
    assert DM not in reply.replace(in_slack(DM), "")


def test_a_channel_is_named_by_its_name(team: Team) -> None:
    team.knows(ref="m", audience=f"team:{TEAM}", url=in_slack(GENERAL))
    team.says("At ten [1].")
    assert f"1. [#general: {FACT}](" in team.hears(team.asks())
    team.slack.fail_next("conversations.info")
    team.says("At ten [1].")
    reply = team.hears(team.asks(f"{QUESTION} Again."))
    assert f"1. [Slack: {FACT}](" in reply
    team.says("At ten [2].")
    ts = team.slack.say(SUPPORT, "Deployed at ten.")
    link = f"https://acme.slack.com/archives/{SUPPORT}/p{ts.replace('.', '')}"
    assert f"1. [#support: Deployed at ten.]({link})" in team.hears(team.asks(f"{link} when?"))
