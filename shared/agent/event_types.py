"""The types of events that exist: one table for `@flow` and for `./scripts/flows new`.

GitHub's are those of its webhooks (https://docs.github.com/webhooks/webhook-events-and-payloads,
and the names in https://github.com/octokit/webhooks.js), Slack's those of its Events API
(https://docs.slack.dev/reference/events) and of its interactions.
"""

from collections.abc import Iterator, Mapping
from functools import cache

from shared.patterns import lazily
from shared.perception.commands import COMMANDS

#: The actions of GitHub's events; an event with actions never comes without one.
_GITHUB: Mapping[str, str] = {
    "branch_protection_configuration": "disabled enabled",
    "branch_protection_rule": "created deleted edited",
    "check_run": "completed created requested_action rerequested",
    "check_suite": "completed requested rerequested",
    "code_scanning_alert": (
        "appeared_in_branch closed_by_user created fixed reopened reopened_by_user"
    ),
    "commit_comment": "created",
    "custom_property": "created deleted promote_to_enterprise updated",
    "custom_property_values": "updated",
    "dependabot_alert": (
        "auto_dismissed auto_reopened created dismissed fixed reintroduced reopened"
    ),
    "deploy_key": "created deleted",
    "deployment": "created",
    "deployment_protection_rule": "requested",
    "deployment_review": "approved rejected requested",
    "deployment_status": "created",
    "discussion": (
        "answered category_changed closed created deleted edited labeled locked pinned "
        "reopened transferred unanswered unlabeled unlocked unpinned"
    ),
    "discussion_comment": "created deleted edited",
    "github_app_authorization": "revoked",
    "installation": "created deleted new_permissions_accepted suspend unsuspend",
    "installation_repositories": "added removed",
    "installation_target": "renamed",
    "issue_comment": "created deleted edited",
    "issue_dependencies": "blocked_by_added blocked_by_removed blocking_added blocking_removed",
    "issues": (
        "assigned closed deleted demilestoned edited labeled locked milestoned opened pinned "
        "reopened transferred typed unassigned unlabeled unlocked unpinned untyped"
    ),
    "label": "created deleted edited",
    "marketplace_purchase": "cancelled changed pending_change pending_change_cancelled purchased",
    "member": "added edited removed",
    "membership": "added removed",
    "merge_group": "checks_requested destroyed",
    "meta": "deleted",
    "milestone": "closed created deleted edited opened",
    "org_block": "blocked unblocked",
    "organization": "deleted member_added member_invited member_removed renamed",
    "package": "published updated",
    "personal_access_token_request": "approved cancelled created denied",
    "project": "closed created deleted edited reopened",
    "project_card": "converted created deleted edited moved",
    "project_column": "created deleted edited moved",
    "projects_v2": "closed created deleted edited reopened",
    "projects_v2_item": "archived converted created deleted edited reordered restored",
    "projects_v2_status_update": "created deleted edited",
    "pull_request": (
        "assigned auto_merge_disabled auto_merge_enabled closed converted_to_draft "
        "demilestoned dequeued edited enqueued labeled locked milestoned opened "
        "ready_for_review reopened review_request_removed review_requested synchronize "
        "unassigned unlabeled unlocked"
    ),
    "pull_request_review": "dismissed edited submitted",
    "pull_request_review_comment": "created deleted edited",
    "pull_request_review_thread": "resolved unresolved",
    "registry_package": "published updated",
    "release": "created deleted edited prereleased published released unpublished",
    "repository": (
        "archived created deleted edited privatized publicized renamed transferred unarchived"
    ),
    "repository_advisory": "published reported",
    "repository_ruleset": "created deleted edited",
    "repository_vulnerability_alert": "create dismiss reopen resolve",
    "secret_scanning_alert": (
        "assigned created publicly_leaked reopened resolved unassigned validated"
    ),
    "secret_scanning_alert_location": "created",
    "secret_scanning_scan": "completed",
    "security_advisory": "published updated withdrawn",
    "sponsorship": "cancelled created edited pending_cancellation pending_tier_change tier_changed",
    "star": "created deleted",
    "sub_issues": "parent_issue_added parent_issue_removed sub_issue_added sub_issue_removed",
    "team": "added_to_repository created deleted edited removed_from_repository",
    "watch": "started",
    "workflow_job": "completed in_progress queued waiting",
    "workflow_run": "completed in_progress requested",
}
#: GitHub's events without actions.
_BARE = (
    "create delete fork gollum page_build ping public push repository_import security_and_analysis"
    " status team_add workflow_dispatch"
)
#: Slack's events and the kinds of messages that are no new message, then interactions and signs.
_SLACK = (
    "app_deleted app_home_opened app_installed app_mention app_rate_limited app_requested"
    " app_uninstalled app_uninstalled_team assistant_thread_context_changed"
    " assistant_thread_started agent_session_stopped call_rejected channel_archive"
    " channel_created channel_deleted channel_history_changed channel_id_changed channel_left"
    " channel_rename channel_shared channel_unarchive channel_unshared dnd_updated"
    " dnd_updated_user email_domain_changed emoji_changed entity_details_requested file_change"
    " file_created file_deleted file_public file_shared file_unshared function_executed"
    " grid_migration_finished grid_migration_started group_archive group_close group_deleted"
    " group_history_changed group_left group_open group_rename group_unarchive im_close im_created"
    " im_history_changed im_open invite_requested link_shared member_joined_channel"
    " member_left_channel message.app_home message.channels message.groups message.im message.mpim"
    " message_metadata_deleted message_metadata_posted message_metadata_updated pin_added"
    " pin_removed reaction_added reaction_removed shared_channel_invite_accepted"
    " shared_channel_invite_approved shared_channel_invite_declined"
    " shared_channel_invite_received shared_channel_invite_requested star_added star_removed"
    " subteam_created subteam_members_changed subteam_self_added subteam_self_removed"
    " subteam_updated team_access_granted team_access_revoked team_domain_change team_join"
    " team_rename tokens_revoked user_change user_huddle_changed user_profile_changed"
    " user_status_changed"
    " assistant_app_thread bot_add bot_remove channel_convert_to_private channel_join"
    " channel_leave channel_name channel_posting_permissions channel_purpose channel_topic"
    " document_mention ekm_access_denied group_join group_leave group_name group_purpose"
    " group_topic huddle_thread message_changed message_deleted message_replied pinned_item"
    " reminder_add reply_broadcast sh_room_created tombstone unpinned_item"
    " block_actions block_suggestion command dialog_submission interactive_message message_action"
    " shortcut view_closed view_submission workflow_step_edit stop home visit thumb retry"
)
#: Those that the agent gives itself.
_OWN = (
    "memory.facts memory.vectors memory.consolidation learning.policies"
    " proposal.approved.remind proposal.approved.review proposal.done"
)
#: Those whose last part somebody chooses.
_CHOSEN = lazily(
    r"(?:github|slack)\.mention\.[a-z0-9_]{2,20}|(?:schedule|timer)\.[a-z0-9_-]+"
    r"|slack\.(?:press|opened|form|shortcut)\.[a-z0-9-]{2,40}"
    r"|github\.repository_dispatch\.[\w.:-]+"
)
#: What people call something, and what the platform calls it.
_CALLED = {"pr": "pull_request", "merged": "closed", "dm": "message.im", "mention": "app_mention"}
#: Of an event's actions, the ones that are most likely meant.
_USUAL = ("opened", "created", "published", "completed", "channels")


@cache
def event_types() -> frozenset[str]:
    """Return all types whose names are given."""
    return frozenset(_all())


def mistake_in(type_: str) -> str:
    """Say why no event of this type ever comes, with the nearest type that does; '' when one
    may."""
    if type_ in event_types() or _CHOSEN.fullmatch(type_):
        return ""
    return f"{type_!r} is no event type; did you mean {nearest(type_)!r}?"


def nearest(type_: str) -> str:
    """Return the type that looks most like this one."""
    from difflib import SequenceMatcher

    text = ".".join(_CALLED.get(part, part) for part in type_.lower().split("."))
    known = sorted([*event_types(), "schedule.nightly"])
    of_it = [name for name in known if name.startswith(f"{text}.")]

    def likeness(name: str) -> float:
        alike = SequenceMatcher(None, text, name).ratio()
        # The platform is what people leave out or get wrong.
        return alike + 0.1 * name.endswith(text.partition(".")[2] or text)

    usual = [name for name in of_it if name.endswith(_USUAL)]
    return max(usual or of_it or known, key=likeness)


def _all() -> Iterator[str]:
    for name, actions in _GITHUB.items():
        yield from (f"github.{name}.{action}" for action in actions.split())
    yield from (f"github.{name}" for name in _BARE.split())
    yield from (f"slack.{name}" for name in _SLACK.split())
    for source in ("github", "slack", "api"):
        yield from (f"{source}.command.{name}" for name in COMMANDS)
    yield from _OWN.split()
