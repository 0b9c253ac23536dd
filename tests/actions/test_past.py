"""Whatever the adapters do is taken back, and then all is as it was before; what people did since
stays."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import shared.actions.github.actions as do
import shared.actions.github.reactions as react
import shared.actions.slack.actions as say
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import GENERAL, TEAM
from shared.actions import Action, Adapter, Mark, Receipt
from shared.actions.github.adapter import ACTIONS as ON_GITHUB
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.pulls.sections import WriteSection
from shared.actions.past import PastEffect, TakeBack, TakenBack
from shared.actions.slack.adapter import ACTIONS as ON_SLACK
from shared.errors import ActionRejected, ActionUnavailable
from shared.events import Issue, Json, SlackMessage, Thread
from shared.stopping.undo import KINDS
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.actions.slack.sandbox_thread import connect
from tests.infra.local.sandbox.github.openapi import faults

MARK = Mark("key1", "plan", 1)


def past(action: Action, receipt: Receipt, mark: Mark = MARK, **more: Any) -> PastEffect:
    now = time.time()
    return PastEffect(
        mark.key, "run-1", mark.flow, type(action).__name__, action.target.ref,
        action.arguments, receipt.to_json(), now, now, now, (mark.key,),
    )._replace(**more)  # fmt: skip


def taken_back(adapter: Adapter, effect: PastEffect) -> TakenBack:
    receipt = adapter.perform(TakeBack(effect), Mark("undo", "control", 1), None)
    return TakenBack(**{**(receipt.data or {}), "changed": ()})


class Shop:
    """A repository with an issue and a pull request that people made."""

    def __init__(self, hub: GitHubSandbox) -> None:
        self.hub = hub
        hub.push(SHOP, {"a.md": "Hello\n"})
        self.issue = Issue(SHOP, hub.open_issue(SHOP, "It crashes", "At checkout."))
        self.head = hub.push(SHOP, {"a.md": "Bye\n"}, branch="change")
        self.pull = Issue(SHOP, hub.open_pull_request(SHOP, "Mend it", head="change"))
        self.said = hub.comment_on_line(
            SHOP, self.pull.number, "Why?", path="a.md", line=1, side="RIGHT"
        )
        for title in ("0.9", "1.0"):
            hub.add_milestone(SHOP, title)
        self.here = do.Repository(SHOP)
        self.adapter = GitHubAdapter(as_app(hub), timeout=5)

    def seen(self) -> Json:
        """Return what people see of it all."""
        issues = [_shown(one) for one in self.hub.issues(SHOP)]
        threads = [
            (one["resolved_by"], [said["body"] for said in one["comments"]])
            for one in self.hub.threads(SHOP, self.pull.number)
        ]
        return {"issues": issues, "threads": threads, "branches": self.hub.branches(SHOP)}


def _shown(issue: Json) -> Json:
    same = ("title", "state", "locked", "active_lock_reason")
    return {
        **{name: issue[name] for name in same},
        "body": issue["body"] or "",
        "labels": sorted(one["name"] for one in issue["labels"]),
        "people": sorted(one["login"] for one in issue["assignees"]),
        "milestone": (issue["milestone"] or {}).get("title"),
        "comments": [one["body"] for one in issue["comments"]],
        "reactions": [one["content"] for one in issue["reactions"]],
    }


@pytest.fixture(scope="module")
def built() -> Iterator[Shop]:
    with GitHubSandbox("", "secret") as hub:
        yield Shop(hub)
        answered = [one for one in hub.exchanges() if one.status]
        assert not [fault for exchange in answered for fault in faults(exchange)]


@pytest.fixture
def shop(built: Shop) -> Iterator[Shop]:
    rewind = built.hub.moment()
    yield built
    rewind()


Act = Callable[[Shop], Action]
Meanwhile = Callable[[Shop, Receipt], object]


def then(*acts: Meanwhile) -> Meanwhile:
    """Do one after the other."""

    def do_all(shop: Shop, receipt: Receipt) -> None:
        for act in acts:
            act(shop, receipt)

    return do_all


def review(shop: Shop) -> Action:
    return do.SubmitReview(shop.pull, shop.head, "It.", (do.ReviewComment("a.md", 1, 1, "Why?"),))


def draft(shop: Shop) -> Action:
    return do.OpenDraft(shop.here, "Say hello", "It.", "docs/b.md", "Hello\n")


def label(shop: Shop) -> Action:
    return do.AddLabels(shop.issue, ("bug", "security"))


def comment(shop: Shop) -> Action:
    return do.Comment(shop.issue, "Hello there\n\nIt is a bug.")


def opened(shop: Shop) -> Action:
    return do.OpenIssue(shop.here, "Tracking", "It.", ("bug",))


def described(shop: Shop) -> Action:
    return WriteSection(shop.pull, "description", "It mends.")


def reply(shop: Shop) -> Action:
    return do.ReplyOnLines(shop.pull, shop.said, "Because.")


#: What people did before, the action, and where it is named what it leaves behind.
ROUND: Mapping[str, tuple[Meanwhile, Act, str]] = {
    "AddLabels": (lambda s, _: None, label, ""),
    "AddLabels to some": (lambda s, _: s.hub.edit_issue(SHOP, 1, labels=["bug"]), label, ""),
    "Assign": (lambda s, _: None, lambda s: do.Assign(s.issue, ("@maria", "LI")), ""),
    "Assign beside": (
        lambda s, _: s.hub.assign(SHOP, 1, "li"), lambda s: do.Assign(s.issue, ("maria", "li")), "",
    ),
    "CloseIssue": (lambda s, _: None, lambda s: do.CloseIssue(s.issue, "duplicate"), ""),
    "CloseIssue of a pull request": (lambda s, _: None, lambda s: do.CloseIssue(s.pull), ""),
    "Comment": (lambda s, _: None, comment, ""),
    "LockIssue": (lambda s, _: None, lambda s: do.LockIssue(s.pull, "too heated"), ""),
    "NamedComment": (lambda s, _: None, lambda s: do.NamedComment(s.issue, "p1/live", "Hello"), ""),
    "ReopenIssue": (
        lambda s, _: s.hub.edit_issue(SHOP, 1, state="closed", state_reason="not_planned"),
        lambda s: do.ReopenIssue(s.issue), "",
    ),
    "RemoveLabels": (
        lambda s, _: s.hub.edit_issue(SHOP, 1, labels=["bug", "security"]),
        lambda s: do.RemoveLabels(s.issue, ("Bug", "question")), "",
    ),
    "ReplyOnLines": (lambda s, _: None, reply, ""),
    "ResolveThread": (lambda s, _: None, lambda s: do.ResolveThread(s.pull, s.said), ""),
    "SetMilestone": (lambda s, _: None, lambda s: do.SetMilestone(s.issue, "1.0"), ""),
    "SetMilestone from another": (
        lambda s, _: s.hub.edit_issue(SHOP, 1, milestone=1),
        lambda s: do.SetMilestone(s.issue, 2), "",
    ),
    "SetMilestone to none": (
        lambda s, _: s.hub.edit_issue(SHOP, 1, milestone=1),
        lambda s: do.SetMilestone(s.issue, None), "",
    ),
    "UnlockIssue": (
        lambda s, _: s.hub.lock_issue(SHOP, 2, "spam"), lambda s: do.UnlockIssue(s.pull), "",
    ),
    "AddReaction": (
        lambda s, _: None,
        lambda s: react.AddReaction(react.Reactable(SHOP, "issue", 2), "eyes"), "",
    ),
    "WriteSection": (lambda s, _: None, described, ""),
    "WriteSection below a text": (
        lambda s, _: s.hub.edit_issue(SHOP, 2, body="Why?\n\n\n"), described, "",
    ),
    "OpenDraft": (lambda s, _: None, draft, "issues"),
    "OpenIssue": (lambda s, _: None, opened, "issues"),
    "SubmitReview": (lambda s, _: None, review, ""),
}  # fmt: skip


def test_every_action_is_taken_back_or_says_why_not() -> None:
    ways: dict[type[Action], object] = {kind: of.take_back for kind, of in ON_GITHUB.items()}
    ways |= {kind: of.take_back for kind, of in ON_SLACK.items()}
    for kind, why in ways.items():
        is_tried = any(name.partition(" ")[0] == kind.__name__ for name in {**ROUND, **IN_SLACK})
        assert is_tried is not isinstance(why, str), kind
        assert not isinstance(why, str) or (len(why) > 20 and why[-1] != "."), kind
        assert KINDS[kind.__name__][0] is kind


@pytest.mark.parametrize("name", ROUND)
def test_all_is_as_before(shop: Shop, name: str) -> None:
    """A crash may let it be taken back twice."""
    before, act, leaves = ROUND[name]
    before(shop, Receipt(""))
    seen, action = shop.seen(), act(shop)
    receipt = shop.adapter.perform(action, MARK, None)
    assert shop.seen() != seen
    asked_at = time.time()
    for _ in range(2):
        taken = taken_back(shop.adapter, past(action, receipt, asked_at=asked_at))
        assert taken.said
        assert not taken.is_left or name in {"AddLabels to some", "Assign beside"}
    left = shop.seen()
    if leaves:
        made = left[leaves].pop()
        assert made["state"] == "closed"
    assert left == seen


#: The action, what people did since, and what is said of it.
BUILT: Mapping[str, tuple[Act, Meanwhile, str]] = {
    "reacted": (comment, lambda s, r: s.hub.react(int(r.id), "heart"), "maria reacted"),
    "quoted": (
        comment, lambda s, _: s.hub.comment(SHOP, 1, "> It is a bug.\n\nNo!", "li"), "li answered",
    ),
    "linked": (
        comment, lambda s, r: s.hub.comment(SHOP, 1, f"As in {r.url}", "li"), "li answered",
    ),
    "edited": (
        comment,
        lambda s, r: s.hub.edit_comment(int(r.id), s.hub.issue(SHOP, 1)["comments"][0]["body"]
                                        .replace("bug", "bee")),
        "somebody edited",
    ),
    "edited without its mark": (
        comment, lambda s, r: s.hub.edit_comment(int(r.id), "Mine"), "somebody edited",
    ),
    "a label that somebody put on again": (
        label,
        then(
            lambda s, _: s.hub.edit_issue(SHOP, 1, "li", labels=[]),
            lambda s, _: s.hub.edit_issue(SHOP, 1, "li", labels=["bug", "security"]),
        ),
        "li did that",
    ),
    "an issue with a comment": (
        opened, lambda s, r: s.hub.comment(SHOP, int(r.id), "Yes"), "commented",
    ),
    "an issue with a label": (
        opened, lambda s, r: s.hub.edit_issue(SHOP, int(r.id), "li", labels=["bug", "question"]),
        "li worked on it",
    ),
    "an issue with a new text": (
        opened, lambda s, r: s.hub.edit_issue(SHOP, int(r.id), title="Better"), "edited",
    ),
    "an issue that somebody took": (
        opened, lambda s, r: s.hub.assign(SHOP, int(r.id), "li", author="li"), "li worked on it",
    ),
    "a branch with other commits": (
        draft,
        lambda s, r: s.hub.push(SHOP, {"c.md": "1\n"}, branch=(r.data or {})["branch"]),
        "other commits",
    ),
    "a draft that is ready": (
        draft, lambda s, r: s.hub.set_draft(SHOP, int(r.id), draft=False, author="li"), "li worked",
    ),
    "a draft with a review": (
        draft, lambda s, r: s.hub.review(SHOP, int(r.id), "Fine"), "li reviewed",
    ),
    "a draft that was merged": (
        draft, lambda s, r: s.hub.merge_pull_request(SHOP, int(r.id)), "merged",
    ),
    "a section that somebody edited": (
        described,
        lambda s, _: s.hub.edit_issue(SHOP, 2, body=s.hub.issue(SHOP, 2)["body"]
                                      .replace("mends", "breaks")),
        "somebody edited",
    ),
    "a reply with an answer": (
        reply, lambda s, r: s.hub.answer(int(r.id), "I see."), "maria answered",
    ),
    "a thread that somebody resolved": (
        lambda s: do.ResolveThread(s.pull, s.said),
        then(
            lambda s, _: s.hub.resolve(s.said, resolved=False),
            lambda s, _: s.hub.resolve(s.said, "li"),
        ),
        "li resolved it",
    ),
    "a finding with an answer": (
        review,
        lambda s, r: s.hub.answer((r.data or {})["comments"][0]["id"], "No."), "maria answered",
    ),
    "an issue that somebody closed": (
        lambda s: do.CloseIssue(s.issue),
        then(
            lambda s, _: s.hub.edit_issue(SHOP, 1, "li", state="open"),
            lambda s, _: s.hub.edit_issue(SHOP, 1, "li", state="closed"),
        ),
        "li closed it",
    ),
    "a milestone that somebody set": (
        lambda s: do.SetMilestone(s.issue, "1.0"),
        lambda s, _: s.hub.edit_issue(SHOP, 1, "li", milestone=1), "li set it",
    ),
    "people whom somebody assigned": (
        lambda s: do.Assign(s.issue, ("li",)),
        then(
            lambda s, _: s.hub.unassign(SHOP, 1, "li"), lambda s, _: s.hub.assign(SHOP, 1, "li"),
        ),
        "maria did that",
    ),
    "a section that a newer run wrote": (
        described,
        lambda s, _: s.adapter.perform(
            WriteSection(s.pull, "description", "Newer."), Mark("key2", "explain", 1), None
        ),
        "something newer",
    ),
    "a lock of somebody's": (
        lambda s: do.LockIssue(s.issue),
        then(lambda s, _: s.hub.unlock_issue(SHOP, 1), lambda s, _: s.hub.lock_issue(SHOP, 1)),
        "maria did that",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILT)
def test_what_people_built_upon_stays(shop: Shop, name: str) -> None:
    act, meanwhile, said = BUILT[name]
    action = act(shop)
    receipt = shop.adapter.perform(action, MARK, None)
    meanwhile(shop, receipt)
    seen = shop.seen()
    taken = taken_back(shop.adapter, past(action, receipt))
    assert taken.is_left
    assert said in taken.said
    assert shop.seen() == seen


GONE: Mapping[str, tuple[Act, Meanwhile, str]] = {
    "a comment": (comment, lambda s, r: s.hub.delete_comment(int(r.id)), "is gone"),
    "a reply": (reply, lambda s, r: s.hub.delete_remark(int(r.id)), "is gone"),
    "a branch": (
        draft, lambda s, r: s.hub.delete_branch(SHOP, (r.data or {})["branch"]), "Closed",
    ),
    "a finding": (
        review, lambda s, r: s.hub.delete_remark((r.data or {})["comments"][0]["id"]), "Deleted",
    ),
    "labels": (label, lambda s, _: s.hub.edit_issue(SHOP, 1, labels=[]), "are off"),
    "people": (
        lambda s: do.Assign(s.issue, ("li",)),
        lambda s, _: s.hub.unassign(SHOP, 1, "li"), "are off",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GONE)
def test_what_is_gone_needs_no_more(shop: Shop, name: str) -> None:
    act, meanwhile, said = GONE[name]
    action = act(shop)
    receipt = shop.adapter.perform(action, MARK, None)
    meanwhile(shop, receipt)
    taken = taken_back(shop.adapter, past(action, receipt))
    assert said in taken.said
    assert not taken.is_left


def test_a_sticky_comment_says_again_what_an_earlier_run_said(shop: Shop) -> None:
    first, second = (do.Comment(shop.issue, text, sticky=True) for text in ("One", "Two"))
    before = shop.adapter.perform(first, Mark("key0", "plan", 1), None)
    receipt = shop.adapter.perform(second, MARK, before)
    told = {"key": "key0", "arguments": first.arguments}
    seen = shop.seen()
    older = past(first, before, Mark("key0", "plan", 1))
    assert "something newer" in taken_back(shop.adapter, older).said
    assert shop.seen() == seen
    for _ in range(2):
        assert not taken_back(shop.adapter, past(second, receipt, before=told)).is_left
    [text] = shop.seen()["issues"][0]["comments"]
    assert text.startswith("One\n")
    assert "key0" in text
    assert not taken_back(shop.adapter, older).is_left
    assert shop.seen()["issues"][0]["comments"] == []


@pytest.mark.parametrize("name", ["AddLabels", "Comment", "OpenDraft", "SubmitReview"])
def test_a_refusal_is_told_and_an_outage_comes_again(shop: Shop, name: str) -> None:
    action = ROUND[name][1](shop)
    effect = past(action, shop.adapter.perform(action, MARK, None))
    for status, error in ((403, ActionRejected), (502, ActionUnavailable)):
        for method in ("DELETE", "PATCH"):
            shop.hub.fail_next(status, method=method)
        with pytest.raises(error):
            taken_back(shop.adapter, effect)
        shop.hub.forget_faults()
    assert not taken_back(shop.adapter, effect).is_left


class Team:
    """A channel in which Alice asked something."""

    def __init__(self, slack: SlackSandbox) -> None:
        self.slack = slack
        self.thread = Thread(TEAM, GENERAL, slack.say(GENERAL, "Hello?"))
        self.adapter = connect(slack.api_url)

    def seen(self) -> list[Json]:
        same = ("user", "text", "reactions")
        return [
            {name: one.get(name) or [] for name in same} for one in self.slack.messages(GENERAL)
        ]


@pytest.fixture(scope="module")
def office() -> Iterator[Team]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as slack:
        yield Team(slack)


@pytest.fixture
def team(office: Team) -> Iterator[Team]:
    rewind = office.slack.workspace.moment()
    yield office
    rewind()


LONG = "\n\n".join(f"{number} " + "word " * 150 for number in range(20))
IN_SLACK: Mapping[str, Callable[[Team], Action]] = {
    "Card": lambda t: say.Card(t.thread, "p1", "May I?", (say.Button("Yes", "yes"),)),
    "Post": lambda t: say.Post(say.Channel(GENERAL), "Hello"),
    "Post of several": lambda t: say.Post(say.Channel("#general"), LONG),
    "React": lambda t: say.React(SlackMessage(*t.thread), "eyes"),
    "Reply": lambda t: say.Reply(t.thread, "Hello"),
    "Reply of several": lambda t: say.Reply(t.thread, LONG),
}


@pytest.mark.parametrize("name", IN_SLACK)
def test_slack_is_as_before(team: Team, name: str) -> None:
    action, seen = IN_SLACK[name](team), team.seen()
    receipt = team.adapter.perform(action, MARK, None)
    assert team.seen() != seen
    for _ in range(2):
        assert not taken_back(team.adapter, past(action, receipt)).is_left
    assert team.seen() == seen


@pytest.mark.parametrize("how", ["answered", "reacted", "commanded", "deleted"])
@pytest.mark.parametrize("name", [name for name in IN_SLACK if name != "React"])
def test_what_people_answered_in_slack_stays(team: Team, name: str, how: str) -> None:
    action = IN_SLACK[name](team)
    receipt = team.adapter.perform(action, MARK, None)
    said = str((receipt.data or {}).get("ts", receipt.id))
    first = receipt.id
    aside: tuple[str, ...] = ()
    if how == "reacted":
        team.slack.react(GENERAL, first, "heart")
    elif how == "deleted":
        team.slack.delete(GENERAL, first)
    else:
        in_thread = first if isinstance(action, say.Post) else team.thread.ts
        aside = (team.slack.say(GENERAL, "No!", thread_ts=in_thread),)
    seen = team.seen()
    effect = past(action, receipt, aside=aside if how == "commanded" else ())
    taken = taken_back(team.adapter, effect)
    assert taken.is_left is (how in {"answered", "reacted"}), said
    if taken.is_left:
        assert f"somebody {how}" in taken.said
        assert team.seen() == seen


def test_a_card_says_again_what_an_earlier_run_said(team: Team) -> None:
    first, second = (say.Card(team.thread, "p", text, (say.Button("Yes", "y"),)) for text in "12")
    before = team.adapter.perform(first, Mark("key0", "plan", 1), None)
    seen = team.seen()
    receipt = team.adapter.perform(second, MARK, before)
    told = {"key": "key0", "arguments": first.arguments}
    for _ in range(2):
        assert not taken_back(team.adapter, past(second, receipt, before=told)).is_left
    assert team.seen() == seen
