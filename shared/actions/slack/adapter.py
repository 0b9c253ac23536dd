"""The table of Slack: each action with the functions that perform it, take it back and find it,
and each query with the function that answers it."""

from collections.abc import Mapping
from copy import copy
from typing import Self

from shared.actions import Action, Mark, Query, Receipt
from shared.actions.adapter import Answering, Handling, TableAdapter
from shared.actions.asking import AskChannel, AskMember, AskName, AskReader, AskShared
from shared.actions.slack.actions import (
    AskClock,
    AskDirect,
    Card,
    Correct,
    Draft,
    FindEffect,
    FindThread,
    Post,
    React,
    ReadThread,
    Reply,
    ShowStatus,
    Whisper,
)
from shared.actions.slack.bot_client import BotClient
from shared.actions.slack.cards import find_card, show_card
from shared.actions.slack.channels import (
    ask_channel,
    find_effect,
    find_post,
    find_thread,
    read_thread,
    send_post,
)
from shared.actions.slack.drafts import find_draft, show_draft
from shared.actions.slack.heard.queries import SearchSlack
from shared.actions.slack.past import (
    take_back_card,
    take_back_post,
    take_back_reply,
    take_off_reaction,
)
from shared.actions.slack.people import (
    ask_clock,
    ask_direct,
    ask_member,
    ask_name,
    ask_reader,
    ask_shared,
)
from shared.actions.slack.replies import (
    add_reaction,
    correct_reply,
    find_reply,
    post_reply,
    send_whisper,
)
from shared.actions.slack.search import search_slack
from shared.actions.slack.session import SlackSession
from shared.actions.slack.sessions import SlackSessions
from shared.actions.slack.streaming.status import show_status
from shared.actions.slack.views.actions import (
    OfferDraft,
    PublishHome,
    SuggestPrompts,
    Tell,
    UpdateDialog,
)
from shared.actions.slack.views.performing import (
    offer_draft,
    publish_home,
    suggest_prompts,
    tell_person,
    update_dialog,
)
from shared.database import Database
from shared.errors import ActionRejected, EffectUnknown
from shared.events import Event
from shared.installations import Workspace
from shared.settings import Settings

_TOLD = "Slack lets nobody take back what one person was told"

ACTIONS: Mapping[type[Action], Handling[SlackSession]] = {
    Card: Handling(show_card, take_back_card, find_card),
    Correct: Handling(correct_reply, "What it said before its question was edited", find_reply),
    Draft: Handling(show_draft, "A draft goes by itself", find_draft),
    Post: Handling(send_post, take_back_post, find_post),
    React: Handling(add_reaction, take_off_reaction),
    Reply: Handling(post_reply, take_back_reply, find_reply),
    ShowStatus: Handling(show_status, "A status goes by itself"),
    Whisper: Handling(send_whisper, _TOLD),
    # What one person sees.
    OfferDraft: Handling(offer_draft, _TOLD),
    PublishHome: Handling(publish_home, "The home shows how things are"),
    SuggestPrompts: Handling(suggest_prompts, "Suggestions follow how things are"),
    Tell: Handling(tell_person, _TOLD),
    UpdateDialog: Handling(update_dialog, "A dialog closes by itself"),
}

ANSWERS: Mapping[type[Query], Answering[SlackSession]] = {
    AskChannel: ask_channel,
    AskClock: ask_clock,
    AskDirect: ask_direct,
    AskMember: ask_member,
    AskReader: ask_reader,
    AskShared: ask_shared,
    AskName: ask_name,
    FindEffect: find_effect,
    FindThread: find_thread,
    ReadThread: read_thread,
    SearchSlack: search_slack,
}


def more_answers() -> Mapping[type[Query], Answering[SlackSession]]:
    """Import what only flows that talk with people ask."""
    from shared.actions.slack.heard.files import read_slack_file
    from shared.actions.slack.heard.linked import read_linked
    from shared.actions.slack.heard.queries import (
        ReadLinked,
        ReadSince,
        ReadSlackFile,
        ReadSpan,
    )
    from shared.actions.slack.heard.since import read_since
    from shared.actions.slack.heard.span import read_span

    return {
        ReadLinked: read_linked,
        ReadSince: read_since,
        ReadSlackFile: read_slack_file,
        ReadSpan: read_span,
    }


class SlackAdapter(TableAdapter[SlackSession]):
    """Acts in the workspace that it is `within`. `timeout` is in seconds, for each call."""

    def __init__(
        self,
        settings: Settings,
        timeout: int = 10,
        client: type[BotClient] = BotClient,
        database: Database | None = None,
    ) -> None:
        """Raises SettingsError without a token, or when the address is invalid."""
        self._sessions = SlackSessions(settings, database, timeout, client)
        super().__init__("slack", self._sessions.given, ACTIONS, ANSWERS, more_answers)

    def within(self, event: Event) -> Self:
        """Return the adapter of the event's workspace; raises as SlackSessions.of."""
        bound = copy(self)
        bound._bound = self._sessions.of(Workspace.of(event))
        return bound

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Look for the whole effect. When pieces of a text are missing, `perform` posts only
        those."""
        try:
            return super().find(action, mark)
        except ActionRejected as err:
            raise EffectUnknown(f"{err}; until then look at {action.target.ref} yourself") from err
