"""Changes dialogs, publishes the app's home, and says something to one person.

https://docs.slack.dev/reference/methods/views.update
https://docs.slack.dev/reference/methods/views.publish
https://docs.slack.dev/reference/methods/chat.postEphemeral
"""

from shared.actions import Mark, Receipt
from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.session import NO_UNFURL, SlackSession, act, blocks
from shared.actions.slack.text import pieces, plain
from shared.actions.slack.views.actions import (
    OfferDraft,
    PublishHome,
    SuggestPrompts,
    Tell,
    UpdateDialog,
)
from shared.events import Json
from shared.forms.submission import FormOrigin

#: Slack's errors for a dialog that nobody has open any more.
_GONE = {"not_found", "hash_conflict"}
#: Slack's errors for a place where one person cannot be told something alone.
_ELSEWHERE = {
    *("channel_not_found", "is_archived", "not_in_channel", "user_not_in_channel"),
    "messages_tab_disabled",
}


def update_dialog(session: SlackSession, update: UpdateDialog, *_: object) -> Receipt:
    person = update.person
    named = "view_id" if person.view.startswith("V") else "external_id"
    about = {named: person.view, **update.arguments}
    try:
        act(f"change the dialog of {person.user}", session.client.views_update, **about)
    except SlackRefused as err:
        if err.code not in _GONE:
            raise
        return Receipt("", data={"gone": True})
    return Receipt(person.view, data={"gone": False})


def publish_home(session: SlackSession, home: PublishHome, *_: object) -> Receipt:
    user = home.person.user
    origin = FormOrigin(home.person.channel).to_text()
    view = {"type": "home", "private_metadata": origin, **home.arguments}
    act(f"show {user} the home", session.client.views_publish, user_id=user, view=view)
    return Receipt(user)


def suggest_prompts(session: SlackSession, given: SuggestPrompts, *_: object) -> Receipt:
    """They stand in the conversation: an agent names no thread, for with one nothing happens. What
    Slack refuses of them is left out, as the prompts of the manifest stay.

    https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts
    """
    person = given.person
    about = {"channel_id": person.channel, **given.arguments}
    try:
        doing = f"suggest prompts to {person.user}"
        act(doing, session.client.assistant_threads_setSuggestedPrompts, **about)
    except SlackRefused:
        return Receipt("", data={"gone": True})
    return Receipt(person.user)


def offer_draft(session: SlackSession, offer: OfferDraft, mark: Mark, *_: object) -> Receipt:
    person, text = offer.person, pieces(offer.text, hosts=mark.hosts)[0]
    asked = f"[a question]({offer.question})" if offer.question else "a question"
    shown = [*blocks(f"Nobody else sees this yet. My answer to {asked}:"), *blocks(text)]
    about = {"channel": person.channel, "user": person.user, "text": plain(text), **NO_UNFURL}
    about["blocks"] = [*shown, {"type": "actions", "elements": _decisions(offer.value)}]
    try:
        doing = f"offer {person.user} a draft"
        act(doing, session.client.api_call, api_method="chat.postEphemeral", json=about)
    except SlackRefused as err:
        if err.code not in _ELSEWHERE:
            raise
        return Receipt("", data={"gone": True})
    return Receipt("")


def _decisions(value: str) -> list[Json]:
    """Return the buttons below a draft."""
    labels = {"press.draft-send": "Send", "open.edit-draft": "Edit", "press.draft-drop": "Drop"}
    return [
        {
            "type": "button",
            "action_id": action,
            "text": {"type": "plain_text", "text": label},
            "value": value,
        }
        for action, label in labels.items()
    ]


def tell_person(session: SlackSession, tell: Tell, mark: Mark, *_: object) -> Receipt:
    """Tell it as a message that only they see, which not every place can have."""
    person, text = tell.person, pieces(tell.text, hosts=mark.hosts)[0]
    message = {"text": plain(text), "blocks": blocks(text), **NO_UNFURL}
    doing = f"tell {person.user} something"
    if person.channel:
        try:
            about = {"channel": person.channel, "user": person.user, **message}
            act(doing, session.client.api_call, api_method="chat.postEphemeral", json=about)
            return Receipt("")
        except SlackRefused as err:
            if err.code not in _ELSEWHERE:
                raise
    about = {"channel": person.user, **message}
    act(doing, session.client.api_call, api_method="chat.postMessage", json=about)
    return Receipt("")
