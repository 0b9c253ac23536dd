"""Who may see what: the audiences whose memories an event's readers may be shown."""

from shared.events import PUBLIC

_WITHIN_WORKSPACE = frozenset({"channel", "dm"})
_KNOWN = _WITHIN_WORKSPACE | {"team", "repo", "org", "shared"}


def visible_from(audience: str, source: str = "") -> frozenset[str]:
    """Return the audiences whose memories may be shown where `audience` reads along.

    What anybody may read, and what was said to the same audience; in Slack also what was said to
    its whole workspace, and in a channel that the whole workspace reads also what was said there
    when Slack did not tell who reads it, as with mentions. Channels and direct messages do not name
    their workspace, so `source` does: an event's scope or tenant, such as `slack:T1:C1` or
    `slack:T1`. Everything else, and every audience of another form, sees no more than is public.
    """
    kind, _, name = audience.partition(":")
    if kind not in _KNOWN or not name:
        return frozenset({PUBLIC})
    visible = {PUBLIC, audience}
    platform, _, rest = source.partition(":")
    team, _, channel = rest.partition(":")
    if kind in _WITHIN_WORKSPACE and platform == "slack" and team:
        visible.add(f"team:{team}")
    if kind == "team" and platform == "slack" and team == name and channel:
        visible.add(f"channel:{channel}")
    return frozenset(visible)
