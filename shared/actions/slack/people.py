"""Tells who somebody is in the workspace, and which channels other companies are in."""

from shared.actions.asking import AskMember, AskName, AskReader, AskShared
from shared.actions.slack.actions import AskClock, AskDirect
from shared.actions.slack.session import SlackSession, act, read
from shared.events import Json

#: Slack's own bot, which says what others have it say, is marked as a person.
_SLACKBOT = "USLACKBOT"
#: Each is false for a full member. https://docs.slack.dev/reference/objects/user-object
_LIMITS = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")
#: Each is true, or a list with something in it, when another company reads or is invited.
#: https://docs.slack.dev/reference/objects/conversation-object
_FOREIGN = (
    "is_ext_shared",
    "is_pending_ext_shared",
    "pending_connected_team_ids",
    "pending_shared",
)


def ask_member(session: SlackSession, query: AskMember) -> Json:
    user = read("look up a person", session.client.users_info, user=query.user).get("user") or {}
    is_member = user.get("id") == query.user and _is_full_member(user, query.team)
    is_admin = is_member and bool(user.get("is_admin") or user.get("is_owner"))
    return {"member": is_member, "name": _name(user), "admin": is_admin}


def ask_shared(session: SlackSession, query: AskShared) -> Json:
    doing = f"ask who is in channel {query.channel}"
    found = (
        read(doing, session.client.conversations_info, channel=query.channel).get("channel") or {}
    )
    return {"shared": found.get("id") != query.channel or is_shared(found)}


def ask_name(session: SlackSession, query: AskName) -> Json:
    """What Slack calls a conversation of several people is made of their names, and is none."""
    doing, info = f"look up channel {query.channel}", session.client.conversations_info
    found = read(doing, info, channel=query.channel).get("channel") or {}
    name = str(found.get("name") or "")
    is_named = bool(name) and not found.get("is_im") and not found.get("is_mpim")
    return {"name": f"#{name}" if is_named else ""}


def ask_reader(session: SlackSession, query: AskReader) -> Json:
    """A full member reads every public channel; who reads another stands in its list.
    https://docs.slack.dev/reference/methods/conversations.members"""
    doing = f"ask who is in channel {query.channel}"
    found = (
        read(doing, session.client.conversations_info, channel=query.channel).get("channel") or {}
    )
    if found.get("id") != query.channel:
        return {"reads": False}
    if found.get("is_im"):
        return {"reads": found.get("user") == query.user}
    if found.get("is_private") is False and not is_shared(found):
        member = ask_member(session, AskMember(query.team, query.user))
        if member["member"]:
            return {"reads": True}
    members = session.client.conversations_members
    pages = session.listed(doing, members, channel=query.channel, limit=1_000)
    return {"reads": any(query.user in page["members"] for page in pages)}


def ask_clock(session: SlackSession, query: AskClock) -> Json:
    """https://docs.slack.dev/reference/methods/users.info"""
    user = read("look up a person", session.client.users_info, user=query.user).get("user") or {}
    shift = user.get("tz_offset")
    return {
        "zone": str(user.get("tz") or "UTC"),
        "shift": shift if type(shift) is int else 0,
        "name": _name(user),
    }


def ask_direct(session: SlackSession, query: AskDirect) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.open"""
    opened = act("open a direct conversation", session.client.conversations_open, users=query.user)
    return {"channel": str(opened["channel"]["id"])}


def _name(user: Json) -> str:
    """Return what people in the workspace call the person; '' when Slack says nothing of it."""
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("name"))
    return next((name for name in names if isinstance(name, str) and name.strip()), "")


def _is_full_member(user: Json, team: str) -> bool:
    """What Slack leaves out counts against the person. Who is in several workspaces of one
    company is a member of each."""
    limited = any(user.get(name) is not False for name in _LIMITS)
    foreign = user.get("is_stranger") or user.get("is_workflow_bot") or user["id"] == _SLACKBOT
    teams = (user.get("enterprise_user") or {}).get("teams") or ()
    return not limited and not foreign and (user.get("team_id") == team or team in teams)


def is_shared(channel: Json) -> bool:
    """Other workspaces of the same company are not another company. Only of a direct message Slack
    leaves out what does not apply."""
    foreign = any(channel.get(name) for name in _FOREIGN)
    unexplained = bool(channel.get("is_shared")) and not channel.get("is_org_shared")
    told = channel.get("is_im") is True or channel.get("is_ext_shared") is False
    return foreign or unexplained or not told
