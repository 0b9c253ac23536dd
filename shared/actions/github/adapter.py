"""The table of GitHub: each action with the functions that perform it, take it back and find it,
and each query with the function that answers it."""

from collections.abc import Mapping

from shared.actions import Action, Query
from shared.actions.adapter import Answering, Handling, TableAdapter
from shared.actions.asking import AskPermission, AskRepositories, AskRepository
from shared.actions.github.actions import (
    AddLabels,
    Assign,
    CloseIssue,
    Comment,
    ListLabels,
    LockIssue,
    NamedComment,
    OpenDraft,
    OpenIssue,
    RemoveLabels,
    ReopenIssue,
    ReplyOnLines,
    ReportCheck,
    ResolveThread,
    SetMilestone,
    SubmitReview,
    UnlockIssue,
)
from shared.actions.github.comments import (
    add_reaction,
    find_comment,
    remove_reaction,
    show_comment,
    write_comment,
)
from shared.actions.github.issues import (
    add_labels,
    ask_permission,
    ask_repositories,
    ask_repository,
    assign,
    close_issue,
    find_issue,
    list_labels,
    lock_issue,
    open_issue,
    remove_labels,
    reopen_issue,
    set_milestone,
    unlock_issue,
)
from shared.actions.github.past.comments import take_back_comment, take_off_reaction
from shared.actions.github.past.issues import (
    close_again,
    close_opened,
    lock_again,
    open_again,
    put_labels_back,
    put_milestone_back,
    take_off_labels,
    unassign,
    unlock_again,
)
from shared.actions.github.past.pulls import (
    close_draft,
    take_back_reply,
    take_back_review,
    take_back_section,
    unresolve,
)
from shared.actions.github.pulls.bodies import write_section
from shared.actions.github.pulls.checks import find_check, report_check
from shared.actions.github.pulls.drafts import find_draft, open_draft
from shared.actions.github.pulls.reviews import find_review, submit_review
from shared.actions.github.pulls.sections import WriteSection
from shared.actions.github.pulls.threads import find_reply, reply_on_lines, resolve_thread
from shared.actions.github.reactions import AddReaction, RemoveReaction
from shared.actions.github.session import GitHubSession
from shared.settings import Settings

ACTIONS: Mapping[type[Action], Handling[GitHubSession]] = {
    AddLabels: Handling(add_labels, take_off_labels),
    AddReaction: Handling(add_reaction, take_off_reaction),
    Assign: Handling(assign, unassign),
    CloseIssue: Handling(close_issue, open_again),
    Comment: Handling(write_comment, take_back_comment, find_comment),
    LockIssue: Handling(lock_issue, unlock_again),
    NamedComment: Handling(show_comment, take_back_comment, find_comment),
    OpenDraft: Handling(open_draft, close_draft, find_draft),
    OpenIssue: Handling(open_issue, close_opened, find_issue),
    RemoveLabels: Handling(remove_labels, put_labels_back),
    RemoveReaction: Handling(remove_reaction, "A sign of mine that I took off stays off"),
    ReopenIssue: Handling(reopen_issue, close_again),
    ReplyOnLines: Handling(reply_on_lines, take_back_reply, find_reply),
    ResolveThread: Handling(resolve_thread, unresolve),
    SetMilestone: Handling(set_milestone, put_milestone_back),
    ReportCheck: Handling(report_check, "GitHub keeps a check that was reported", find_check),
    SubmitReview: Handling(submit_review, take_back_review, find_review),
    UnlockIssue: Handling(unlock_issue, lock_again),
    WriteSection: Handling(write_section, take_back_section),
}

ANSWERS: Mapping[type[Query], Answering[GitHubSession]] = {
    AskPermission: ask_permission,
    AskRepositories: ask_repositories,
    AskRepository: ask_repository,
    ListLabels: list_labels,
}


def more_answers() -> Mapping[type[Query], Answering[GitHubSession]]:
    """Import the other queries, which take 10 ms that a flow without them should not spend."""
    import shared.actions.github.pulls.changes as reviews
    import shared.actions.github.queries as ask
    import shared.actions.github.reading as plans
    import shared.actions.github.snapshot as ingestion
    from shared.actions.github.pulls import failures
    from shared.actions.github.uploads import pictures, queries

    return {
        ask.CompareCommits: ingestion.compare_commits,
        ask.CompareFiles: ingestion.compare_files,
        ask.FindIssues: plans.find_issues,
        ask.ListComments: ingestion.list_comments,
        ask.ListCommits: plans.list_commits,
        ask.ListFiles: ingestion.list_files,
        ask.ListIssues: ingestion.list_issues,
        ask.ListPulls: plans.list_pulls,
        ask.ReadChange: reviews.read_change,
        ask.ReadChecks: failures.read_checks,
        ask.ReadFile: ingestion.read_file,
        ask.ReadIssue: plans.read_issue,
        ask.ReadJobLog: failures.read_job_log,
        ask.ReadPull: plans.read_pull,
        ask.ReadReactions: reviews.read_reactions,
        ask.ReadTeamFiles: ingestion.read_team_files,
        ask.ReadSources: ingestion.read_sources,
        ask.ReadText: plans.read_text,
        ask.ReadReviewThread: reviews.read_review_thread,
        ask.ReadTexts: ingestion.read_texts,
        ask.RepositoryHead: ingestion.read_head,
        queries.ReadLinePictures: pictures.read_line_pictures,
        queries.ReadPictures: pictures.read_pictures,
        ask.SearchCode: plans.search_code,
        ask.SearchIssues: plans.search_issues,
    }


class GitHubAdapter(TableAdapter[GitHubSession]):
    """`timeout` is in seconds, for each request. With `permissions`, an app's tokens carry only
    these."""

    def __init__(
        self,
        settings: Settings,
        timeout: int = 10,
        permissions: Mapping[str, str] | None = None,
        session: type[GitHubSession] = GitHubSession,
    ) -> None:
        """Raises SettingsError when the settings lack credentials for GitHub."""
        connected = session(settings, timeout, permissions)
        super().__init__("github", connected, ACTIONS, ANSWERS, more_answers)
