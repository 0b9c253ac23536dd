"""New rows of a workspace: a person, a channel."""

import re
import time

from shared.events import Json


def person_row(user: str, name: str, team: str, *, admin: bool, guest: bool) -> Json:
    """Return somebody of the company `team`."""
    return {
        "id": user,
        "name": name,
        "real_name": name.title(),
        "team_id": team,
        "is_stranger": False,
        "is_bot": False,
        "is_admin": admin,
        "is_owner": False,
        "deleted": False,
        "is_restricted": guest,
        "is_ultra_restricted": False,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "tz_label": "Coordinated Universal Time",
        "profile": {"real_name": name.title(), "display_name": name},
    }


def channel_row(
    name: str,
    *,
    member: bool = True,
    archived: bool = False,
    private: bool = False,
    shared: bool = False,
) -> Json:
    """Return a channel whose id is made of its name."""
    return {
        "id": f"C0{re.sub('[^A-Z0-9]', '', name.upper())}",
        "name": name,
        "is_channel": not private,
        "is_group": private,
        "is_im": False,
        "is_private": private,
        "is_archived": archived,
        "is_member": member,
        "is_shared": shared,
        "is_ext_shared": shared,
        "created": int(time.time()),
    }
