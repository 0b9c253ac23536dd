"""Takes back what was done to an issue or a pull request: labels, people, milestone, state, lock;
and closes an issue that was opened."""

from collections.abc import Mapping

from shared.actions import Mark
from shared.actions.github.actions import AddLabels, RemoveLabels, SetMilestone
from shared.actions.github.issues import (
    REASONS,
    add_labels,
    remove_labels,
    set_lock,
    set_milestone,
    turn,
)
from shared.actions.github.markdown import fingerprint
from shared.actions.github.past.history import (
    Happened,
    Present,
    first_of,
    folded,
    people,
    reacted,
)
from shared.actions.github.session import GitHubSession
from shared.actions.past import PastEffect, TakenBack, left

#: What does not build upon an issue or a pull request, as GitHub's events call it.
_PASSIVE = frozenset(
    {"closed", "mentioned", "subscribed", "unsubscribed", "referenced", "cross-referenced"}
)


def take_off_labels(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Take off the labels that the effect put on, and that are still its own."""
    now = Present(session, effect)
    if now.row is None:
        return _gone(now)
    there = {folded(one["name"]): one["name"] for one in now.row["labels"]}
    sent = [*dict.fromkeys(map(folded, effect.data.get("labels", ())))]
    wanted = [there[name] for name in sent if name in there]
    own, why = _own(now, wanted, "labeled", "unlabeled")
    if own:
        remove_labels(session, RemoveLabels(now.issue, tuple(own)))
    said = f"Took {_named(own)} off {now.issue.ref}" if own else ""
    return _partly(said, why, "stays", f"The labels are off {now.issue.ref}", own)


def put_labels_back(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Put the labels back that the effect took off."""
    now = Present(session, effect)
    if now.row is None:
        return _gone(now)
    there = {folded(one["name"]) for one in now.row["labels"]}
    missing = [name for name in effect.argument("labels") if folded(name) not in there]
    newest = now.newest_by_name(missing, "labeled", "unlabeled")
    own = [one.of for one in newest.values() if one.is_own]
    why = [(one.of, f"{now.by_whom(one)} took it off") for one in newest.values() if not one.is_own]
    lost: list[str] = []
    if own:
        lost = (add_labels(session, AddLabels(now.issue, tuple(own))).data or {})["unknown"]
    why += [(name, "the repository has no such label any more") for name in lost]
    back = [name for name in own if name not in lost]
    said = f"Put {_named(back)} on {now.issue.ref} again" if back else ""
    return _partly(said, why, "stays off", f"The labels are on {now.issue.ref}", back)


def unassign(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Take off the people whom the effect assigned."""
    now = Present(session, effect)
    if now.row is None:
        return _gone(now)
    there = {folded(one["login"]): one["login"] for one in now.row["assignees"]}
    wanted = [there[folded(one)] for one in effect.argument("people") if folded(one) in there]
    own, why = _own(now, wanted, "assigned", "unassigned")
    if own:
        path = ("issues", now.issue.number, "assignees")
        session.request(now.doing, now.issue.repository, "DELETE", path, {"assignees": own})
    said = f"Took {_named(own)} off {now.issue.ref}" if own else ""
    return _partly(said, why, "stays", f"They are off {now.issue.ref}", own)


def put_milestone_back(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Give back the milestone that the effect replaced, or none."""
    now = Present(session, effect)
    if now.row is None:
        return _gone(now)
    number = now.row["milestone"]["number"] if now.row["milestone"] else None
    events = now.events("milestoned", "demilestoned")
    last = next(events, None)
    if last is None or not last.is_own:
        done = f"{now.by_whom(last)} set it" if last else "it was like that before"
        return left(f"The milestone of {now.issue.ref} stays: {done}")
    if number != effect.data["number"]:
        return TakenBack(f"{now.issue.ref} has another milestone by now")
    # A change from one to another is two events, the newer of which enters.
    left_one = last if last.what == "demilestoned" else next(events, None)
    is_left = left_one and left_one.what == "demilestoned" and left_one.is_own
    was = left_one.of if left_one and is_left else None
    set_milestone(session, SetMilestone(now.issue, was))
    said = f"into the milestone {was} again" if was else "out of its milestone"
    return TakenBack(f"Put {now.issue.ref} {said}", changed=tuple(filter(None, [was])))


def open_again(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    return _turned(session, effect, "open")


def close_again(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    return _turned(session, effect, "closed")


def _turned(session: GitHubSession, effect: PastEffect, state: str) -> TakenBack:
    """Open or close it as before, unless somebody else did the last of it."""
    now = Present(session, effect)
    if now.row is None:
        return _gone(now)
    if now.row["state"] == state:
        return TakenBack(f"{now.issue.ref} is {state}")
    events = now.events("closed", "reopened")
    last = next(events, None)
    if last is None or not last.is_own:
        done = f"{now.by_whom(last)} {last.what} it" if last else "it was like that before"
        return left(f"{now.issue.ref} stays {now.row['state']}: {done}")
    if state == "open":
        turn(session, now.issue, "open", "reopened")
        return TakenBack(f"Opened {now.issue.ref} again")
    reason = next((one.reason for one in events if one.what == "closed"), "")
    turn(session, now.issue, "closed", reason if reason in REASONS else "completed")
    return TakenBack(f"Closed {now.issue.ref} again")


def unlock_again(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    return _locked(session, effect, locked=False)


def lock_again(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    return _locked(session, effect, locked=True)


def _locked(session: GitHubSession, effect: PastEffect, *, locked: bool) -> TakenBack:
    now = Present(session, effect)
    if now.row is None:
        return _gone(now)
    state = "locked" if locked else "unlocked"
    if now.row["locked"] is locked:
        return TakenBack(f"{now.issue.ref} is {state}")
    events = now.events("locked", "unlocked")
    last = next(events, None)
    if last is None or not last.is_own:
        done = f"{now.by_whom(last)} did that" if last else "it was like that before"
        return left(f"{now.issue.ref} does not become {state}: {done}")
    reason = next((one.reason for one in events if locked and one.what == "locked"), "")
    body = {"lock_reason": reason} if reason else None
    set_lock(session, now.doing, now.issue, body, locked=locked)
    return TakenBack(f"Locked {now.issue.ref} again" if locked else f"Unlocked {now.issue.ref}")


def close_opened(session: GitHubSession, effect: PastEffect, _: Mark) -> TakenBack:
    """Close an issue that nobody took up: an app cannot delete it."""
    now = Present(session, effect._replace(ref=f"{effect.ref}#{effect.made.id}"))
    if now.row is None:
        return _gone(now)
    if now.row["state"] == "closed":
        return TakenBack(f"{now.issue.ref} is closed")
    if why := taken_up(session, now, effect):
        return left(f"{now.issue.ref} stays: {why}")
    turn(session, now.issue, "closed", "not_planned")
    return TakenBack(f"Closed {now.issue.ref} as not planned, for GitHub lets no app delete it")


def taken_up(session: GitHubSession, now: Present, effect: PastEffect) -> str:
    """Say who built on an issue or a pull request that an effect opened; '' if nobody did."""
    row, repository = now.row or {}, now.issue.repository
    path = ("issues", now.issue.number)
    made = effect.data.get("text")
    if made and made != fingerprint(row):
        return "somebody edited it"
    return first_of(
        (
            "commented",
            lambda: people(session, session.every(now.doing, repository, (*path, "comments"))),
        ),
        ("reacted", lambda: reacted(session, now.doing, repository, path, row)),
        ("worked on it", lambda: _others(session, now)),
    )


def _others(session: GitHubSession, now: Present) -> list[str]:
    """Name the people who changed something, and did more than to be mentioned or to close it."""
    found = (one for one in now.events() if one.what not in _PASSIVE and one.by)
    return [one.by for one in found if not session.is_own(one.by) and not one.by.endswith("[bot]")]


def _own(now: Present, there: list[str], *kinds: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Part what is there into what the effect did, and the rest, each with who did it."""
    newest: Mapping[str, Happened] = now.newest_by_name(there, *kinds) if there else {}
    own, why = [], []
    for name in there:
        last = newest.get(folded(name))
        if last and last.is_own:
            own.append(name)
        else:
            done = f"{now.by_whom(last)} did that" if last else "it was there before"
            why.append((name, done))
    return own, why


def _partly(
    said: str, why: list[tuple[str, str]], stays: str, otherwise: str, changed: list[str]
) -> TakenBack:
    """Say what was done, and what stays."""
    rest = [f"`{name}` {stays}: {reason}" for name, reason in why]
    text = ". ".join(filter(None, [said, *rest])) or otherwise
    return TakenBack(text, bool(rest), tuple(changed))


def _named(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _gone(now: Present) -> TakenBack:
    return TakenBack(f"{now.issue.ref} is gone")
