"""Every form of the system. The front door and the flows read the same table."""

from collections.abc import Mapping

from shared.events import REPOSITORY, Json
from shared.forms import Choice, Field, Form

#: The beginnings of an `action_id`: of what opens a form, and of what a flow takes as a press.
OPENS, PRESS = "open.", "press."

FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form(
            "open-issue",
            "Open an issue",
            (
                Field(
                    "repository",
                    "Repository",
                    "choice",
                    pattern=REPOSITORY,
                    expected="a repository, such as acme/shop",
                ),
                Field("title", "Title", longest=250, shortest=3),
                Field(
                    "body",
                    "Description",
                    "lines",
                    required=False,
                    hint="Markdown. Readers of the repository will see it.",
                ),
            ),
            submit="Open it",
            opened_by=("shortcut:new-issue",),
            fills=True,
            waits="Opening the issue …",
        ),
        Form(
            "why-bad",
            "What was wrong?",
            (
                Field(
                    "kind",
                    "What was it?",
                    "choice",
                    choices=(
                        Choice("wrong", "It is wrong"),
                        Choice("missing", "Something is missing"),
                        Choice("unasked", "Nobody asked for it"),
                        Choice("style", "How it is said"),
                        Choice("other", "Something else"),
                    ),
                ),
                Field("reason", "In your words", "lines", required=False, longest=1_000),
            ),
            submit="Send",
            intro="Your team sees nothing of this; it teaches the agent.",
            opened_by=("feedback:bad",),
        ),
        Form(
            "channel-settings",
            "Settings of a channel",
            (
                Field(
                    "mode",
                    "When do I say something?",
                    "choice",
                    choices=(
                        Choice("mentions", "When somebody mentions me"),
                        Choice("answers", "Also to answer questions, when I am sure"),
                        Choice("listens", "When somebody mentions me; and I listen and learn"),
                    ),
                ),
                Field(
                    "language", "Language of answers", required=False, longest=40, hint="As German"
                ),
                Field(
                    "audience",
                    "Whose knowledge may answers use?",
                    "choice",
                    choices=(
                        Choice("workspace", "All that people here may see"),
                        Choice("channel", "What was said to the same people, and what is public"),
                        Choice("public", "Only what is public"),
                    ),
                ),
                Field(
                    "drafts",
                    "Answers that nobody asked me for",
                    "choice",
                    choices=(
                        Choice("off", "Post them"),
                        Choice("on", "Show them to one person first, who sends or drops them"),
                    ),
                    hint="The first week of answering questions is in drafts in any case.",
                ),
                Field(
                    "quiet",
                    "Quiet hours",
                    required=False,
                    longest=100,
                    hint="As 22:00-07:00 Europe/Berlin; add weekends for Saturdays and Sundays.",
                ),
                Field(
                    "flows",
                    "What may I do here?",
                    "several",
                    required=False,
                    choices=(
                        Choice("chat", "Answer"),
                        Choice("plan", "Work on plans"),
                        Choice("memory", "Remember and recall"),
                        Choice("errands", "Remind, summarise and other errands"),
                    ),
                ),
            ),
            opened_by=("command:settings",),
            fills=True,
            waits="Saving …",
        ),
        Form(
            "edit-draft",
            "Edit the answer",
            (
                Field("draft", "Draft", "choice"),
                Field("text", "Answer", "lines", hint="Markdown. Everybody here will see it."),
            ),
            submit="Send",
            fills=True,
            waits="Sending …",
        ),
    )
}
_OPENED_BY = {key: form for form in FORMS.values() for key in form.opened_by}


def opened_by(payload: Json, command: str = "") -> Form | None:
    """Return the form that an interaction opens; None for all else. `command` is the name of a
    slash command that came without an argument."""
    if command:
        return _OPENED_BY.get(f"command:{command}")
    if payload.get("type") in {"shortcut", "message_action"}:
        name = str(payload.get("callback_id"))
        return FORMS.get(name) or _OPENED_BY.get(f"shortcut:{name}")
    if payload.get("type") != "block_actions":
        return None
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    action = action if isinstance(action, dict) else {}
    pressed = str(action.get("action_id"))
    if pressed.startswith(OPENS):
        return FORMS.get(pressed.removeprefix(OPENS))
    said = str(action.get("value") or "").partition(":")[0]
    return _OPENED_BY.get(f"{pressed.removeprefix(PRESS)}:{said}")
